/*
 * config.h - one service's configuration, read from its YAML file
 *
 * Const after config_load(); a reload builds another. Everything lives in the configuration's own
 * arena. Relative paths in the file are resolved against the file's directory. ${NAME} takes an
 * environment variable, ${file:PATH} a file's content without its last newline; "$${" is "${".
 */
#pragma once

#include "base/time_zone.h"
#include "config/field.h"

/* What config/ must know of a driver: the option table of its part of the file. */
typedef struct DriverFields {
    const char *name; /* NULL ends the array */
    const char *summary;
    const Field *fields;
    size_t options_size;
    const char *missing; /* why this build does not have it, or NULL */
} DriverFields;

typedef struct ConfigSchema {
    const DriverFields *sources;
    const DriverFields *targets;
} ConfigSchema;

typedef struct ColumnRename {
    Text from;
    Text to;
} ColumnRename;

/* What happens when a source table's columns change and the target's do not fit any more. */
typedef enum SchemaPolicy {
    SCHEMA_INHERIT,     /* of a rule: as target.schema_changes says */
    SCHEMA_STOP,        /* wait until the target has them, naming the statements */
    SCHEMA_ADD_COLUMNS, /* add new columns to the target, otherwise stop */
    SCHEMA_IGNORE,      /* leave out what the target lacks */
} SchemaPolicy;

/* What becomes of a partition whose time is over. */
typedef enum PartitionExpiry {
    EXPIRE_DROP,
    EXPIRE_DETACH, /* the table stays, and is no partition any more */
} PartitionExpiry;

/* "partition:" of a table rule (event/partition.h). */
typedef struct PartitionRule {
    const char *by;       /* a to_char format; day, month and hour are already formats here */
    const char *template; /* NULL: partition.sql */
    TimeZone *zone;       /* owned by the configuration */
    const char *zone_name;
    int64_t retain_ms; /* after the end of its period; 0: partitions stay */
    int expire;        /* PartitionExpiry */
} PartitionRule;

/* What a script that cannot delete does with deletes ("-- @deletes" in script/script.h). */
typedef enum DeletePolicy {
    DELETES_ERROR,
    DELETES_KEEP, /* as rows of their own, with the opcode in a column */
    DELETES_IGNORE,
} DeletePolicy;

/* One entry of "tables:"; the first one whose match fits a source table wins. */
typedef struct TableRule {
    Text match;        /* glob over schema.table */
    Text target;       /* "schema.table" or "table", with %%SCHEMA%% and %%TABLE%%;
                          TEXT_NONE: as in the source */
    Text merge_script; /* TEXT_NONE: target.merge_script */
    const Text *key;   /* names after renaming; none: the source's key, else the target's */
    size_t key_count;
    const Text *skip_columns; /* globs over source column names */
    size_t skip_column_count;
    const ColumnRename *renames;
    size_t rename_count;
    const PartitionRule *partition; /* NULL: none */
    int line;                       /* in the file, for errors */
    int schema_changes;             /* SchemaPolicy; SCHEMA_INHERIT: target.schema_changes */
    int deletes;                    /* DeletePolicy */
    bool skip;                      /* leave the table out */
    bool shared;                    /* several source tables may meet in the target table */
} TableRule;

typedef struct TableRules {
    const TableRule *rules;
    size_t count;
} TableRules;

/* "block:" */
typedef struct BlockConfig {
    const char *directory;
    int64_t max_rows;
    int64_t max_bytes;
    int64_t max_interval_ms;
    int64_t compact_memory; /* bytes, for the hash of keys of all tables of a block */
    Retain retain;
    int64_t min_free; /* bytes: below it on the block file system no new block is begun */
    bool compact;
    bool update_opcode;
    bool distinguish_updates;
} BlockConfig;

/* "csv:" */
typedef struct CsvConfig {
    const char *null_word; /* NULL: the target driver's preset */
} CsvConfig;

/* What to do with a value that the target cannot hold. */
typedef enum ValuePolicy {
    POLICY_ERROR, /* stop, naming column and value */
    POLICY_NULL,  /* load NULL instead */
    POLICY_TEXT,  /* pass the source's text on, for a text column in the target */
} ValuePolicy;

/* "values:" */
typedef struct ValuesConfig {
    int zero_date;    /* ValuePolicy: MySQL's 0000-00-00 and partial zero dates */
    int infinity;     /* ValuePolicy: infinite dates and numbers */
    int nan;          /* ValuePolicy */
    int out_of_range; /* ValuePolicy: dates BC or past the year 9999 … */
} ValuesConfig;

/* "stage:" */
typedef struct StageConfig {
    const char *schema; /* "": the base table's */
    const char *table_prefix;
    const char *column_prefix; /* of the header columns */
    TextList header_columns;   /* their order, out of opcode, seqno, row_id, timestamp, service,
                                  unchanged */
    const char *opcode_column; /* names behind the prefix: "opcode", "seqno" … */
    const char *seqno_column;
    const char *row_id_column;
    const char *timestamp_column;
    const char *service_column;
    const char *unchanged_column;
} StageConfig;

typedef enum CreateTables {
    CREATE_NONE,
    CREATE_STAGE,
    CREATE_ALL,
} CreateTables;

/* The part of "target:" that every driver has. */
typedef struct TargetConfig {
    const char *merge_script;
    int64_t loaders;               /* connections for @load */
    int create_tables;             /* CreateTables */
    int64_t command_time_limit_ms; /* of one "\!" command of a script; 0: none */
    int schema_changes;            /* SchemaPolicy, never SCHEMA_INHERIT */
    const char *position_schema;   /* where dray_position lives; "": the connection's own */
} TargetConfig;

/* "retry:" */
typedef struct RetryConfig {
    int64_t first_wait_ms;
    int64_t max_wait_ms;
    int64_t max_time_ms; /* 0: without end */
} RetryConfig;

/* "bootstrap:" */
typedef struct BootstrapConfig {
    int64_t connections; /* tables that are copied side by side */
    int64_t chunk_rows;  /* rows of a chunk, which is a block */
} BootstrapConfig;

/* "verify:" */
typedef struct VerifyConfig {
    int64_t connections; /* tables that are compared side by side */
    int64_t slice_rows;  /* rows that one checksum covers, about */
    int64_t max_keys;    /* differing keys that are printed of a table */
} VerifyConfig;

/* "log:" */
typedef struct LogConfig {
    int level;        /* LogLevel */
    const char *file; /* NULL: standard error */
} LogConfig;

typedef struct Config {
    const char *path;      /* the file, as given */
    const char *pidfile;   /* NULL: none */
    const char *directory; /* of the file */
    const char *service;
    const char *position_service; /* whose row of dray_position counts; NULL: service's own. Not in
                                     the file: dray bootstrap sets it in a copy */
    const char *source_type;
    const void *source_options; /* the driver's struct */
    const char *target_type;
    const void *target_options; /* the driver's struct */
    BlockConfig block;
    CsvConfig csv;
    ValuesConfig values;
    StageConfig stage;
    TargetConfig target;
    RetryConfig retry;
    BootstrapConfig bootstrap;
    VerifyConfig verify;
    LogConfig log;
    TableRules tables;
    Arena *arena;
} Config;

/*
 * Read the file. All mistakes come in one go: *err (ERR_CONFIG) holds them a line each, as
 * "file:line:column: option: reason". NULL on failure.
 */
Config *config_load(const char *path, const ConfigSchema *schema, Error *err) MUST_CHECK;
/* The same from memory; path is only named in errors and resolves relative paths. */
Config *config_parse(const char *path, Text yaml, const ConfigSchema *schema, Error *err)
    MUST_CHECK;
void config_free(Config *config);
CLEANUP_DEFINE(Config *, config_free);

/* The option pidfile alone, on the heap; the rest of the file is not judged, so that a service can
 * be stopped whatever has become of its configuration. NULL on failure, also where it is not set.
 */
char *config_load_pidfile(const char *path, Error *err) MUST_CHECK;

/* One section of the file, for help and reference: "block", its doc and its table. */
typedef struct ConfigSection {
    const char *name; /* "" is the top level; NULL ends the array */
    const char *doc;
    const Field *fields;
} ConfigSection;
extern const ConfigSection config_sections[];
/* The fields of one entry of tables:, for help and reference (they are not offsets of a struct). */
extern const Field config_table_rule_fields[];
