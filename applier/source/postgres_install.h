/*
 * postgres_install.h - publication and slot of a PostgreSQL source: making, checking, removing them
 *
 * What install made is written down in the publication's comment (COMMENT ON PUBLICATION):
 *
 *     dray install: service sales                      the publication
 *     dray install: service sales; slot dray_sales     the publication and this slot
 *
 * A publication without such a comment, or with that of another service, is somebody else's: it is
 * checked and never changed. A slot that no such comment names is left where it is as well, and
 * uninstall says how to drop it. The publication is made before the slot, because a slot can only
 * stream changes of publications that are older than itself.
 *
 * Install refuses to publish a table whose UPDATE and DELETE the server would refuse from then on
 * (no usable replica identity): the applications that write to it would fail.
 *
 * The report has a line each finding; what the operator should look at begins with "warning: ". In
 * a dry run the statements stand alone, and everything else in SQL comments.
 *
 * Source: PostgreSQL documentation, "CREATE PUBLICATION", "Replication Functions".
 */
#pragma once

#include "source/postgres_tables.h"
#include "source/source.h"

/* SourceDriver.install and .uninstall. */
bool postgres_install(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;
bool postgres_uninstall(const SourceInstall *install, Buf *report, Error *err) MUST_CHECK;

/* What the publication's comment says. */
typedef struct PostgresMark {
    bool is_ours; /* the publication was made by install for this service */
    Text slot;    /* the slot that it made too; TEXT_NONE: none */
} PostgresMark;
PostgresMark postgres_install_read_mark(Text comment, const char *service);
