/*
 * schema_admission.h - one comparison of a shape with the target; only schema_*.[ch] include it
 */
#pragma once

#include "apply/schema/change.h"
#include "apply/schema/shape_memory.h"
#include "ddl/base_table.h"

struct SchemaWatch {
    const Context *context;
    ShapeMemory *memory;
    SourceTables *tables; /* NULL: closed */
    TypeMap *types;       /* NULL: not read yet */
    Map told;             /* texts that were logged */
};

typedef struct Admission {
    SchemaWatch *watch;
    Catalog *catalog;
    const Table *table;
    OutTable *out;
    const TargetTable *target;
    const KnownShape *before; /* NULL: not known */
    bool is_same;             /* before is this very shape */
    bool is_reloaded;         /* the rows in the target are younger than before */
    SourceTable *source;      /* NULL: not asked, or the catalogue does not have it */
    bool is_described;        /* the catalogue was asked */
    Arena *arena;
    Buf todo; /* what must be done before Dray goes on: "(1) …; (2) …" */
    size_t todo_count;
} Admission;

/* Ask the source's catalogue, once. */
bool admission_describe(Admission *admission, Error *err) MUST_CHECK;
/* Ask the target anew. */
bool admission_refresh(Admission *admission, Error *err) MUST_CHECK;
/* What base_table.h asks for; reads the mapping table when first needed. */
bool admission_spec(Admission *admission, BaseSpec *ret_spec, Error *err) MUST_CHECK;
/* One more thing that must be done. */
void admission_add(Admission *admission, const char *fmt, ...) PRINTF(2, 3);
/* Log a warning once: "table public.a: …". */
void admission_warn(const Admission *admission, const char *fmt, ...) PRINTF(2, 3);
/* The target's column, or NULL. */
const TargetColumn *admission_column(const Admission *admission, Text name);
/* The name in the source of a column of out. */
Text admission_source_name(const Admission *admission, const OutColumn *column);
/* The column of the shape before under this name of the source, or NULL. */
const KnownColumn *admission_known(const Admission *admission, Text source_name);
/* The catalogue's number of a column of the source, 0 where it is not known. */
int admission_number(const Admission *admission, Text source_name);
/* "table" and "column" as the target quotes them; in the arena. */
const char *admission_table_sql(const Admission *admission);
const char *admission_name_sql(const Admission *admission, Text name);
