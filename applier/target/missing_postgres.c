#include "target/registry.h"

static const Field no_fields[] = {{NULL}};

const TargetDriver target_postgres = {
    .name = "postgres",
    .summary = "PostgreSQL",
    .fields = no_fields,
    .sql = &sql_dialect_postgres,
    .missing = "this build is without libpq (meson option postgres)",
};
