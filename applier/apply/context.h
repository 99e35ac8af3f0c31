/*
 * context.h - what a configuration means for this process: drivers, CSV dialect, merge scripts
 *
 * Made once, before any thread starts, then only read: it may be shared.
 */
#pragma once

#include "config/config.h"
#include "script/script.h"
#include "source/source.h"
#include "target/target.h"

typedef struct Context {
    const Config *config;
    const SourceDriver *source;
    const TargetDriver *target;
    CsvDialect dialect;         /* of the blocks this configuration writes and loads */
    const char *data_directory; /* where merge-scripts/ and templates/ are */
    const char *stage_template; /* path of stage.sql */
    Script **scripts;           /* every merge script the configuration names, read and checked */
    size_t script_count;
    Arena *arena;
} Context;

/* config must outlive the context. NULL with the first mistake found. */
Context *context_open(const Config *config, Error *err) MUST_CHECK;
void context_close(Context *context);
CLEANUP_DEFINE(Context *, context_close);

/* The script of a table: its rule's, else target.merge_script. Never NULL. rule may be NULL. */
const Script *context_script(const Context *context, const TableRule *rule);

/*
 * Where merge-scripts/ and templates/ are: $DRAY_DATA, else ../share/dray beside the program, else
 * the source tree the program was built in, else the directory it was configured with.
 */
char *context_data_directory(void) MUST_CHECK;
