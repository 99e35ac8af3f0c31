#include "target/registry.h"

#include <assert.h>

const TargetDriver *const target_drivers[] = {
    &target_sqlite,
    &target_postgres,
    &target_mysql,
    NULL,
};

const TargetDriver *
target_find(const char *name)
{
    for (const TargetDriver *const *driver = target_drivers; *driver != NULL; driver++)
        if (strcmp((*driver)->name, name) == 0)
            return *driver;
    return NULL;
}

void
target_close(Target *target)
{
    if (target == NULL)
        return;
    assert(target->driver->close != NULL);
    target->driver->close(target);
}
