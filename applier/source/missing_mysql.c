#include "source/mysql/driver.h"

static const Field no_fields[] = {{NULL}};

const SourceDriver source_mysql = {
    .name = "mysql",
    .summary = "the row binary log of MariaDB and MySQL",
    .fields = no_fields,
    .missing = "this build is without the MySQL client library (meson option mysql)",
};
