/*
 * .import: the lines of a feed through one prepared INSERT
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/stop.h"
#include "block/csv.h"
#include "target/sqlite.h"
#include "target/sqlite_value.h"

/* Of a value that an error names. */
#define VALUE_SHOWN 100

typedef struct ImportColumn {
    Text name;
    LogicalType logical;
    const char *type; /* as declared; in the arena */
    SqliteAffinity affinity;
} ImportColumn;

typedef struct Import {
    SqliteTarget *target;
    LoadFeed *feed;
    Arena *arena;
    Text table_schema; /* TEXT_NONE where the command names none */
    Text table;
    ImportColumn *columns;
    size_t count;
    size_t row_id_at; /* count where the file has none */
    sqlite3_stmt *insert;
    CsvReader *reader;
    Buf blobs;
    uint64_t rows;
} Import;

static void
import_clear(Import *import)
{
    block_csv_free(import->reader);
    (void)sqlite3_finalize(import->insert);
    buf_clear(&import->blobs);
    arena_free(import->arena);
}

static void
import_clear_auto(Import *import)
{
    import_clear(import);
}

/* ---- the command ---- */

/* Take a quoted word; the closing quote doubled stands for itself. */
static bool
take_quoted(Text *rest, Arena *arena, Text *ret_word)
{
    char open = rest->data[0];
    char close = (char)(open == '[' ? ']' : open);
    char *word = arena_alloc(arena, rest->len + 1);
    size_t len = 0;

    for (size_t i = 1; i < rest->len; i++) {
        if (rest->data[i] == close) {
            if (close == ']' || i + 1 == rest->len || rest->data[i + 1] != close) {
                *rest = (Text){rest->data + i + 1, rest->len - i - 1};
                *ret_word = (Text){word, len};
                return true;
            }
            i++;
        }
        word[len++] = rest->data[i];
    }
    return false;
}

/* A word up to white space (or a "." where that separates names). */
static bool
take_word(Text *rest, bool is_name, Arena *arena, Text *ret_word)
{
    size_t len = 0;

    if (rest->len == 0)
        return false;
    if (strchr(is_name ? "\"`[" : "\"'", rest->data[0]) != NULL)
        return take_quoted(rest, arena, ret_word);
    while (len < rest->len && !isspace((unsigned char)rest->data[len]) &&
           !(is_name && rest->data[len] == '.'))
        len++;
    *ret_word = arena_text(arena, (Text){rest->data, len});
    *rest = (Text){rest->data + len, rest->len - len};
    return len > 0;
}

static bool
parse_command(Import *import, Text command, Text *ret_path, Error *err)
{
    Text rest = text_trim(command);

    if (rest.len > 0 && rest.data[rest.len - 1] == ';')
        rest = text_trim((Text){rest.data, rest.len - 1});
    import->table_schema = TEXT_NONE;
    if (!take_word(&rest, false, import->arena, ret_path) || rest.len == 0 ||
        !isspace((unsigned char)rest.data[0]))
        return error_set(err, ERR_SCRIPT, ".import: CSV_FILE STAGE_TABLE_FQN is expected");
    rest = text_trim(rest);
    if (!take_word(&rest, true, import->arena, &import->table))
        return error_set(err, ERR_SCRIPT, ".import: a table's name is expected behind the file");
    if (rest.len > 0 && rest.data[0] == '.') {
        rest = (Text){rest.data + 1, rest.len - 1};
        import->table_schema = import->table;
        if (!take_word(&rest, true, import->arena, &import->table))
            return error_set(err, ERR_SCRIPT, ".import: a table's name is expected behind \".\"");
    }
    if (rest.len > 0)
        return error_set(err, ERR_SCRIPT,
            ".import: nothing is expected behind the table, not " TEXT_FMT, TEXT_ARG(rest));
    return true;
}

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* ---- columns ---- */

static bool
find_column(Import *import, ImportColumn *column, Error *err)
{
    char *schema = import->table_schema.data == NULL
                       ? NULL
                       : arena_printf(import->arena, TEXT_FMT, TEXT_ARG(import->table_schema));
    char *table = arena_printf(import->arena, TEXT_FMT, TEXT_ARG(import->table));
    char *name = arena_printf(import->arena, TEXT_FMT, TEXT_ARG(column->name));
    const char *type = NULL;
    int code = sqlite3_table_column_metadata(
        import->target->db, schema, table, NULL, NULL, NULL, NULL, NULL, NULL);

    if (code == SQLITE_ERROR)
        return error_set(err, ERR_TARGET, "staging table %s is missing", table);
    if (code == SQLITE_OK)
        code = sqlite3_table_column_metadata(
            import->target->db, schema, table, name, &type, NULL, NULL, NULL, NULL);
    if (code == SQLITE_ERROR)
        return error_set(err, ERR_TARGET, "staging table %s has no column %s", table, name);
    if (code != SQLITE_OK)
        return sqlite_error(import->target, code, TEXT_NONE, err);
    column->type = arena_string(import->arena, type == NULL ? "" : type);
    column->affinity = sqlite_value_affinity(text_of(column->type));
    return true;
}

static LogicalType
header_logical(HeaderColumn column)
{
    return column == HEADER_SEQNO || column == HEADER_ROW_ID ? LOGICAL_INT : LOGICAL_TEXT;
}

static bool
list_columns(Import *import, Error *err)
{
    const CsvDialect *dialect = load_feed_dialect(import->feed);
    const BlockFile *file = load_feed_file(import->feed);

    import->count = dialect->header_count + file->column_count;
    import->columns = ARENA_ARRAY(import->arena, ImportColumn, import->count + 1);
    import->row_id_at = import->count;
    for (size_t i = 0; i < import->count; i++) {
        ImportColumn *column = &import->columns[i];

        if (i < dialect->header_count) {
            HeaderColumn header = dialect->header[i];

            column->name = dialect->header_names[header];
            column->logical = header_logical(header);
            if (header == HEADER_ROW_ID)
                import->row_id_at = i;
        } else {
            column->name = file->columns[i - dialect->header_count].name;
            column->logical = file->columns[i - dialect->header_count].logical;
        }
        if (!find_column(import, column, err))
            return false;
    }
    return true;
}

static bool
prepare_insert(Import *import, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const SqlDialect *dialect = &sql_dialect_sqlite;
    int code;

    buf_add_string(&sql, "INSERT INTO ");
    if (import->table_schema.data != NULL) {
        sql_add_identifier(dialect, import->table_schema, &sql);
        buf_add_char(&sql, '.');
    }
    sql_add_identifier(dialect, import->table, &sql);
    for (size_t i = 0; i < import->count; i++) {
        buf_add_string(&sql, i == 0 ? " (" : ", ");
        sql_add_identifier(dialect, import->columns[i].name, &sql);
    }
    buf_add_string(&sql, ") VALUES (");
    for (size_t i = 0; i < import->count; i++)
        buf_add_string(&sql, i == 0 ? "?" : ", ?");
    buf_add_char(&sql, ')');
    code = sqlite3_prepare_v3(import->target->db, sql.data, (int)sql.len, SQLITE_PREPARE_PERSISTENT,
        &import->insert, NULL);
    return code == SQLITE_OK || sqlite_error(import->target, code, TEXT_NONE, err);
}

/* ---- lines ---- */

/* At most VALUE_SHOWN bytes, not cut within a character. */
static Text
shown(Text value)
{
    size_t len = MIN(value.len, (size_t)VALUE_SHOWN);

    while (len > 0 && len < value.len && ((unsigned char)value.data[len] & 0xc0) == 0x80)
        len--;
    return (Text){value.data, len};
}

static bool
value_error(const ImportColumn *column, Text value, const char *why, Error *err)
{
    Text part = shown(value);

    return error_set(err, ERR_DATA,
        "column " TEXT_FMT ": value '" TEXT_FMT "'%s cannot be kept in type %s: %s; declare the "
        "base column TEXT",
        TEXT_ARG(column->name), TEXT_ARG(part), part.len < value.len ? "..." : "", column->type,
        why);
}

static bool
bind_blob(Import *import, int at, Text hex, Error *err)
{
    const ImportColumn *column = &import->columns[at - 1];
    size_t start = import->blobs.len;
    Text part = shown(hex);
    int code;

    if (!sqlite_value_unhex(hex, &import->blobs))
        return error_set(err, ERR_DATA,
            "column " TEXT_FMT ": value '" TEXT_FMT "'%s is not hexadecimal",
            TEXT_ARG(column->name), TEXT_ARG(part), part.len < hex.len ? "..." : "");
    code = sqlite3_bind_blob64(
        import->insert, at, import->blobs.data + start, import->blobs.len - start, SQLITE_STATIC);
    return code == SQLITE_OK || sqlite_error(import->target, code, TEXT_NONE, err);
}

static bool
bind_value(Import *import, int at, Text value, Error *err)
{
    const ImportColumn *column = &import->columns[at - 1];
    SqliteStored stored;
    const char *why = sqlite_value_store(column->affinity, column->logical, value, &stored);
    int code = SQLITE_OK;

    if (why != NULL)
        return value_error(column, value, why, err);
    switch (stored.storage) {
    case STORAGE_BLOB:
        return bind_blob(import, at, value, err);
    case STORAGE_INTEGER:
        code = sqlite3_bind_int64(import->insert, at, stored.integer);
        break;
    case STORAGE_REAL:
        code = sqlite3_bind_double(import->insert, at, stored.real);
        break;
    case STORAGE_TEXT:
        code = sqlite3_bind_text64(import->insert, at, value.len == 0 ? "" : value.data, value.len,
            SQLITE_STATIC, SQLITE_UTF8);
        break;
    }
    if (code != SQLITE_OK)
        return sqlite_error(import->target, code, TEXT_NONE, err) ||
               error_wrap(err, "column " TEXT_FMT, TEXT_ARG(column->name));
    return true;
}

static bool
bind_line(Import *import, const Value *values, Error *err)
{
    size_t len = 0;

    buf_reset(&import->blobs, 1 << 20);
    for (size_t i = 0; i < import->count; i++)
        if (import->columns[i].logical == LOGICAL_BYTES && values[i].kind == VALUE_TEXT)
            len += values[i].text.len / 2;
    /* room for all blobs of the line: a bound one must not move */
    (void)buf_reserve(&import->blobs, len + 1);
    for (size_t i = 0; i < import->count; i++) {
        int at = (int)i + 1;

        if (values[i].kind != VALUE_TEXT) {
            if (sqlite3_bind_null(import->insert, at) != SQLITE_OK)
                return sqlite_error(import->target, SQLITE_NOMEM, TEXT_NONE, err);
        } else if (!bind_value(import, at, values[i].text, err)) {
            return false;
        }
    }
    return true;
}

static bool
insert_line(Import *import, const Value *values, size_t count, Error *err)
{
    int code;

    if (count != import->count)
        return error_set(err, ERR_DATA, "%zu values, expected %zu", count, import->count);
    if (!bind_line(import, values, err))
        return false;
    code = sqlite3_step(import->insert);
    if (code != SQLITE_DONE) {
        (void)sqlite_error(import->target, code, TEXT_NONE, err);
        (void)sqlite3_reset(import->insert);
        return false;
    }
    (void)sqlite3_reset(import->insert);
    import->rows++;
    return true;
}

/* Names the line in the file; where superseded lines are left out the feed's own count differs. */
static bool
line_error(const Import *import, const Value *values, size_t count, Error *err)
{
    uint64_t line = block_csv_line(import->reader);
    uint64_t row_id, seqno, file_line;
    Error ignored;
    Text id = TEXT("unknown");

    if (import->row_id_at < count && values[import->row_id_at].kind == VALUE_TEXT)
        id = shown(values[import->row_id_at].text);
    if (load_feed_locate(import->feed, line, &row_id, &seqno, &file_line, &ignored))
        return error_wrap(err,
            TEXT_FMT " line %" PRIu64 " (row_id " TEXT_FMT ", seqno %" PRIu64 ")",
            TEXT_ARG(load_feed_file(import->feed)->name), file_line, TEXT_ARG(id), seqno);
    return error_wrap(err, TEXT_FMT " line %" PRIu64 " (row_id " TEXT_FMT ")",
        TEXT_ARG(load_feed_file(import->feed)->name), line, TEXT_ARG(id));
}

static bool
import_record(void *context, const Value *values, size_t count, Error *err)
{
    Import *import = context;

    return insert_line(import, values, count, err) || line_error(import, values, count, err);
}

static bool
check_stop(const Import *import, Error *err)
{
    if (stop_level() == STOP_NOW)
        return error_set(err, ERR_STOPPED, "stopped");
    if (atomic_load(&import->target->cancelled))
        return error_set_retriable(err, ERR_TARGET, "%s: interrupted", import->target->path);
    return true;
}

static bool
read_feed(Import *import, Error *err)
{
    Text piece;

    do {
        if (FAULT("sqlite.import"))
            return error_set_errno(err, ERR_TARGET, "%s: import", import->target->path);
        if (!check_stop(import, err) || !load_feed_read(import->feed, &piece, err))
            return false;
        if (piece.len > 0 && !block_csv_feed(import->reader, piece, err))
            return false;
    } while (piece.len > 0);
    if (!block_csv_finish(import->reader, err))
        return false;
    if (import->rows != load_feed_rows(import->feed))
        return error_set(err, ERR_DATA,
            "%s: %" PRIu64 " lines were loaded, the manifest says %" PRIu64,
            load_feed_path(import->feed), import->rows, load_feed_rows(import->feed));
    return true;
}

static bool
in_own_transaction(Import *import, Error *err)
{
    Target *target = &import->target->base;
    bool unknown;

    if (target->driver->in_transaction(target))
        return read_feed(import, err);
    if (!target->driver->begin(target, err))
        return false;
    if (read_feed(import, err) && target->driver->commit(target, &unknown, err))
        return true;
    target->driver->rollback(target);
    return false;
}

bool
sqlite_import(SqliteTarget *target, Text command, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    CLEANUP(import_clear) Import import = {.target = target, .feed = feed, .arena = arena_new()};
    Text path = TEXT_NONE;

    if (!parse_command(&import, command, &path, err))
        return false;
    if (feed == NULL)
        return error_set(
            err, ERR_SCRIPT, ".import reads a CSV file of the block; there is none here");
    if (!text_is(text_of(last_part(arena_printf(import.arena, TEXT_FMT, TEXT_ARG(path)))),
            last_part(load_feed_path(feed))))
        return error_set(err, ERR_SCRIPT, ".import loads the block's file %s, not " TEXT_FMT,
            load_feed_path(feed), TEXT_ARG(path));
    if (!list_columns(&import, err) || !prepare_insert(&import, err))
        return false;
    import.reader =
        block_csv_new(load_feed_dialect(feed), load_feed_path(feed), import_record, &import);
    if (!in_own_transaction(&import, err))
        return false;
    *ret_rows = (int64_t)import.rows;
    return true;
}
