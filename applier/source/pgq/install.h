/*
 * install.h - queue, consumer and triggers of a pgq source: making, checking, removing them
 *
 * Install makes what is missing, in this order: queue, first tick, consumer (before any trigger, so
 * that no event is missed), then a trigger a table:
 *
 *     CREATE TRIGGER dray_<service> AFTER INSERT OR UPDATE OR DELETE ON t
 *         FOR EACH ROW EXECUTE FUNCTION pgq.logutriga('queue', …)
 *     CREATE TRIGGER dray_<service>_truncate AFTER TRUNCATE ON t
 *         FOR EACH STATEMENT EXECUTE FUNCTION pgq.logutriga('queue')
 *
 * A table that has a trigger of somebody else for the same queue is left as it is, and said so: two
 * triggers would log each change twice. What install made it writes down in the trigger's comment
 * (COMMENT ON TRIGGER: "dray install: service sales"); queue and consumer are noted in the comment
 * of no object, and uninstall unregisters the consumer, removes the triggers with that comment, and
 * drops the queue only when no other consumer and no other trigger uses it (else it says who does).
 *
 * Both may be repeated. A dry run prints the statements alone, everything else in SQL comments.
 */
#pragma once

#include "source/pgq/queue.h"

/* SourceDriver.install and .uninstall. */
bool pgq_install(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;
bool pgq_uninstall(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;
/* SourceDriver.check: PgQ's version, queue, ticker, consumer, triggers, rights; what loses data. */
bool pgq_check(const SourceStart *start, Buf *report, Error *err) MUST_CHECK;
