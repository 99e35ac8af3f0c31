/*
 * plan.h - which tables are compared, and how each side shows them
 */
#pragma once

#include "apply/verify/cut.h"
#include "apply/verify/verify.h"
#include "event/rule.h"
#include "target/bootstrap_state.h"
#include "target/checksum.h"

typedef struct VerifyPlan {
    SourceTable *source;
    Table shape; /* as the snapshot's rows have it */
    const OutTable *out;
    const TargetTable *target;
    Text *names;            /* of the columns that are compared, as the target has them */
    ChecksumTable sides[2]; /* source, target */
    size_t *source_key;     /* by index in source->key: the index in out->key */
    Text unrepairable;      /* why --repair cannot write this table; TEXT_NONE: it can */
    VerifyTable *result;    /* NOT_COMPARED with a reason: there is nothing to compare */
} VerifyPlan;

enum {
    SIDE_SOURCE,
    SIDE_TARGET,
};

/* Plans of all tables that the options name, sorted by the source's names; in the report's arena.
 * ERR_USAGE where the options name none. */
bool verify_plan(const Context *context, const VerifyOptions *options, VerifyPair *pair,
    VerifyReport *report, VerifyPlan **ret_plans, Error *err) MUST_CHECK;

/* Is a table one of those that "--table" means? Pure. */
bool verify_names_table(const char *globs, Text schema, Text name);
