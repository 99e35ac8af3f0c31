/*
 * compare.h - one table of source and target compared: slices, then rows
 */
#pragma once

#include "apply/verify/plan.h"

/* A row that differs; keys are its canonical values, plan->sides[].key_count of them. is_there: the
 * source has it. */
typedef bool VerifyRepairFn(void *context, const Value *keys, bool is_there, Error *err);

typedef struct VerifyCompare {
    const VerifyPlan *plan;
    const VerifyPair *pair;
    const SnapshotDriver *driver; /* of the pair's readers */
    Arena *arena;                 /* of the keys; nobody else uses it meanwhile */
    size_t max_keys;
    VerifyRepairFn *repair; /* each row that differs, once; NULL: not wanted */
    void *repair_context;
} VerifyCompare;

/* Fills plan->result, but for the time. */
bool verify_compare(const VerifyCompare *compare, Error *err) MUST_CHECK;
