#include "cli/cli.h"
#include "source/source.h"
#include "target/target.h"

#define DRIVERS_MAX 32

const ConfigSchema *
cli_schema(void)
{
    static DriverFields sources[DRIVERS_MAX];
    static DriverFields targets[DRIVERS_MAX];
    static const ConfigSchema schema = {sources, targets};

    /* the same each time, and only the main thread comes here */
    for (size_t i = 0; source_drivers[i] != NULL && i < DRIVERS_MAX - 1; i++)
        sources[i] = (DriverFields){source_drivers[i]->name, source_drivers[i]->summary,
            source_drivers[i]->fields, source_drivers[i]->options_size, source_drivers[i]->missing};
    for (size_t i = 0; target_drivers[i] != NULL && i < DRIVERS_MAX - 1; i++)
        targets[i] = (DriverFields){target_drivers[i]->name, target_drivers[i]->summary,
            target_drivers[i]->fields, target_drivers[i]->options_size, target_drivers[i]->missing};
    return &schema;
}
