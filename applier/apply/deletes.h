/*
 * deletes.h - merge scripts that have no way to delete ("-- @deletes" in script/script.h)
 *
 * What becomes of D lines and of TRUNCATE is then the table rule's word (deletes:). The lines are
 * in the block whatever it says, so that a service that stopped at one goes on once the rule is
 * changed.
 */
#pragma once

#include "apply/plan.h"

/* Is it possible at all? ERR_CONFIG for deletes: keep where the base table has no place for the
 * opcode, or the lines of the block have none. */
bool deletes_check(const Context *context, const Block *block, const MergePlan *plan, Error *err)
    MUST_CHECK;

/* Under deletes: error a block with a delete or a TRUNCATE of the table is ERR_DATA: table, CSV
 * file, line, seqno, row_id and the ways out. Reads the file up to there. */
bool deletes_refuse(const Block *block, const BlockPlan *plan, Error *err) MUST_CHECK;
