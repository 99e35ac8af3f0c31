#include "source/postgres.h"

static const Field no_fields[] = {{NULL}};

const SourceDriver source_postgres = {
    .name = "postgres",
    .summary = "PostgreSQL's logical replication: a publication and a replication slot",
    .fields = no_fields,
    .missing = "this build is without libpq (meson option postgres)",
};
