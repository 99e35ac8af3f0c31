#include "script/parameters.h"

#include <stddef.h>

#define IN(section)  (1u << SECTION_##section)
#define IN_TABLE     (IN(LOAD) | IN(APPLY))
#define IN_ANY_TABLE (IN_TABLE | IN(TRUNCATE))
#define IN_BLOCK     (IN_ANY_TABLE | IN(BEGIN) | IN(COMMIT))
#define IN_ALL       (IN_BLOCK | IN(PREPARE) | IN(RELEASE))

const ScriptParameter script_parameters[] = {
    {"SERVICE", IN_ALL, false, "The service's name, as a string."},
    {"BLOCK_DIR", IN_BLOCK, false, "Absolute path of the block's directory, as a string."},
    {"FIRST_SEQNO", IN_BLOCK, false, "Seqno of the block's first transaction."},
    {"LAST_SEQNO", IN_BLOCK, false, "Seqno of the block's last transaction."},
    {"CSV_FILE", IN_TABLE, false, "Absolute path of the CSV file, as a string."},
    {"CSV_NULL", IN_TABLE, false,
        "The bare word that stands for NULL in the CSV file, as a string."},
    {"CSV_ROWS", IN_TABLE, false,
        "How many lines a load of the CSV file must yield: all of them, or, where the load skips "
        "superseded lines, the rest."},
    {"GENERATION", IN_ANY_TABLE, false, "1, 2 …: the table's part of the block."},
    {"BASE_TABLE", IN_ANY_TABLE, false, "The base table as schema.table."},
    {"BASE_TABLE_FQN", IN_ANY_TABLE, false, "The same as BASE_TABLE."},
    {"BASE_SCHEMA", IN_ANY_TABLE, false, "The base table's schema; empty where there is none."},
    {"BASE_COLUMNS", IN_TABLE, false,
        "The file's columns as they are named in the base table, without generated ones: a, b, c."},
    {"HEADER_COLUMNS", IN_TABLE, false,
        "The header columns of the staging table, in the file's order."},
    {"STAGE_TABLE", IN_ANY_TABLE, false, "The staging table's name without its schema."},
    {"STAGE_SCHEMA", IN_ANY_TABLE, false, "The staging table's schema; empty where there is none."},
    {"STAGE_TABLE_FQN", IN_ANY_TABLE, false, "The staging table as schema.table."},
    {"STAGE_COLUMNS", IN_TABLE, false,
        "What the file has, in its order: the header columns, then all of its columns."},
    {"LOAD_COLUMNS", IN_TABLE, false,
        "The column list of a load. It may name variables that LOAD_SET converts (MySQL)."},
    {"LOAD_SET", IN_TABLE, false, "The SET part that belongs to LOAD_COLUMNS, or nothing."},
    {"SET_COLUMNS", IN_TABLE, true,
        "col = stage.col, … for the columns of BASE_COLUMNS that are not in the key; use it under "
        "\"-- @if values\"."},
    {"KEPT_COLUMNS", IN_TABLE, false,
        "The base table's columns that the file does not have, without generated ones; only under "
        "\"-- @if kept\"."},
    {"KEPT_SET", IN_TABLE, false,
        "col = base.col, … for KEPT_COLUMNS, to copy them into the staging table; only under "
        "\"-- @if kept\"."},
    {"PKEY", IN_TABLE, true, "The key columns: a, b."},
    {"BASE_PKEY", IN_TABLE, true,
        "The key columns behind the base table's name: orders.id, or (orders.a, orders.b)."},
    {"STAGE_PKEY", IN_TABLE, true, "The key columns behind the staging table's name, likewise."},
    {"PKEY_JOIN", IN_TABLE, true,
        "A condition: the keys of the aliases base and stage are equal, byte by byte."},
    {"ORIGIN_JOIN", IN_TABLE, true,
        "The same for the aliases base and origin: the row whose values a line leaves out; only "
        "under \"-- @if unchanged\"."},
    {"PKEY_GROUP", IN_TABLE, true,
        "The key of the alias stage for GROUP BY, PARTITION BY: keys that differ in a byte "
        "differ."},
    {"STAGE_LAST", IN_TABLE, true,
        "A condition on the alias stage: this is the last line of its key in the file."},
    {"OPCODE", IN_ANY_TABLE, false, "The name of the header column with the opcode."},
    {"SEQNO", IN_ANY_TABLE, false, "The name of the header column with the seqno."},
    {"ROW_ID", IN_ANY_TABLE, false, "The name of the header column with the row_id."},
    {"TIMESTAMP", IN_ANY_TABLE, false, "The name of the header column with the commit time."},
    {"UNCHANGED", IN_TABLE, false,
        "The name of the header column that lists the columns whose values a line leaves out; "
        "only under \"-- @if unchanged\"."},
    {"UNCHANGED_SET", IN_TABLE, false,
        "col = base.col where the line leaves the value out, and stage.col where not, … for the "
        "columns concerned; only under \"-- @if unchanged\"."},
    {"UNCHANGED_ROWS", IN_TABLE, false,
        "How many lines with opcode O a load of the CSV file yields; only under \"-- @if "
        "unchanged\"."},
    {"TRUNCATE_SEQNO", IN(TRUNCATE), false, "Seqno of the transaction that truncated the table."},
    {"TRUNCATE_TIMESTAMP", IN(TRUNCATE), false,
        "When it was truncated, as a string in UTC; NULL where the source does not tell."},
    {NULL, 0, false, NULL},
};

static const char *const section_names[SECTION_COUNT] = {
    [SECTION_PREPARE] = "prepare",
    [SECTION_BEGIN] = "begin",
    [SECTION_LOAD] = "load",
    [SECTION_TRUNCATE] = "truncate",
    [SECTION_APPLY] = "apply",
    [SECTION_COMMIT] = "commit",
    [SECTION_RELEASE] = "release",
};

const char *
script_section_name(ScriptSection section)
{
    return section_names[section];
}
