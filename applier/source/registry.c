#include "source/source.h"

#include <stdatomic.h>

#include "source/jsonl.h"
#include "source/mysql/driver.h"
#include "source/pgq/pgq.h"
#include "source/postgres.h"

const SourceDriver *const source_drivers[] = {
    &source_jsonl,
    &source_postgres,
    &source_mysql,
    &source_pgq,
    NULL,
};

const SourceDriver *
source_find(const char *name)
{
    for (size_t i = 0; source_drivers[i] != NULL; i++)
        if (strcmp(source_drivers[i]->name, name) == 0)
            return source_drivers[i];
    return NULL;
}

const char *
source_type_names(const SourceDriver *driver)
{
    /* wal2json's logs and PgQ's queues come from PostgreSQL */
    return driver == &source_jsonl || driver == &source_pgq ? source_postgres.name : driver->name;
}

void
source_close(Source *source)
{
    if (source != NULL)
        source->driver->close(source);
}

uint64_t
source_next_table_id(void)
{
    static atomic_uint_fast64_t last_id;

    return atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
}
