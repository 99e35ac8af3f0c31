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
 * A table that has a row trigger of somebody else for the same queue is left as it is, and said so:
 * two triggers would log each change twice. What install made it writes down in the trigger's
 * comment (COMMENT ON TRIGGER: "dray install: service sales"). With SKIP the row trigger is a
 * BEFORE trigger, and there is none for TRUNCATE. Of a partitioned table the row trigger is made at
 * the parent, and the server makes it at each partition, later ones too; TRUNCATE triggers are made
 * at the partitions that there are, since a parent's would name the parent.
 *
 * Nothing is changed where applications would fail from then on: tables without a primary key (and
 * without pkey=), whose UPDATE and DELETE the triggers refuse, and roles that may write to a table
 * but not to a queue.
 *
 * Uninstall unregisters the consumer and what snapshots left of it, removes the triggers with that
 * comment, and drops the queue only when no other consumer and no other trigger uses it (else it
 * says who does). With tables on the command line it removes their triggers alone.
 *
 * Both may be repeated. A dry run prints the statements alone, everything else in SQL comments.
 */
#pragma once

#include "source/pgq/pgq.h"

/* SourceDriver.install and .uninstall. */
bool pgq_install(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;
bool pgq_uninstall(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;
