#include "source/pgq/pgq.h"

static const Field no_fields[] = {{NULL}};

const SourceDriver source_pgq = {
    .name = "pgq",
    .summary = "A consumer of a PgQ queue: events of the triggers logutriga and jsontriga",
    .fields = no_fields,
    .missing = "this build is without libpq (meson option postgres)",
};
