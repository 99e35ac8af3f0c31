/*
 * repair.h - rows that differ, written as one commit block through the merge scripts
 *
 * Rows that the source has are read from its snapshot by their keys and become I lines, keys that
 * only the target has become D lines. The block lives in <block.directory>/repair/, and its
 * position is a row of its own in dray_position ("<service>/verify"): the service's own position
 * does not move, since the rows are those of the place where it stands.
 */
#pragma once

#include "apply/verify/plan.h"

typedef struct VerifyRepair VerifyRepair;           /* any thread */
typedef struct VerifyRepairTable VerifyRepairTable; /* of one table; one thread */

VerifyRepair *verify_repair_open(const Context *context, Text position, Error *err) MUST_CHECK;
/* Drops what is not committed. */
void verify_repair_close(VerifyRepair *repair);
CLEANUP_DEFINE(VerifyRepair *, verify_repair_close);

/* reader is the table's thread's, and used for nothing else meanwhile. */
VerifyRepairTable *verify_repair_table_new(
    VerifyRepair *repair, const VerifyPlan *plan, SnapshotReader *reader) MUST_CHECK;
void verify_repair_table_free(VerifyRepairTable *table);
CLEANUP_DEFINE(VerifyRepairTable *, verify_repair_table_free);
/* VerifyRepairFn; context is the VerifyRepairTable. */
bool verify_repair_row(void *context, const Value *keys, bool is_there, Error *err) MUST_CHECK;
/* Write what is still kept; plan->result->repaired is the number of rows. */
bool verify_repair_table_finish(VerifyRepairTable *table, Error *err) MUST_CHECK;

/* Load, merge and commit everything that was written. */
bool verify_repair_commit(VerifyRepair *repair, Error *err) MUST_CHECK;
