#include "target/registry.h"

static const Field no_fields[] = {{NULL}};

const TargetDriver target_mysql = {
    .name = "mysql",
    .summary = "MySQL and MariaDB",
    .fields = no_fields,
    .sql = &sql_dialect_mysql,
    .missing = "this build is without the MySQL client library (meson option mysql)",
};
