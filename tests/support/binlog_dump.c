#include "support/binlog_dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/binlog/payload.h"
#include "source/binlog/rows.h"
#include "source/binlog/statement.h"

#define UNKNOWN_LABELS 64
#define MAGIC \
    "\xfe"    \
    "bin"

void
binlog_dump_init(BinlogDump *dump)
{
    *dump = (BinlogDump){.memory = binlog_memory_new(), .keeps_maps = true};
}

void
binlog_dump_clear(BinlogDump *dump)
{
    for (size_t i = 0; i < BINLOG_DUMP_MAPS; i++)
        arena_free(dump->arenas[i]);
    binlog_memory_free(dump->memory);
    buf_clear(&dump->scratch);
    buf_clear(&dump->out);
}

static void
show_error(BinlogDump *dump, const Error *err)
{
    dump->errors++;
    buf_addf(&dump->out, " ERROR %s\n", err->text);
}

/* Bytes that are no plain text as \xx. */
static void
show_text(BinlogDump *dump, Text text)
{
    buf_add_char(&dump->out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c >= 0x7f || c == '\\')
            buf_addf(&dump->out, "\\%02x", c);
        else
            buf_add_char(&dump->out, (char)c);
    }
    buf_add_char(&dump->out, '"');
}

static void
show_hex(BinlogDump *dump, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_addf(&dump->out, "%02x", ((const unsigned char *)bytes)[i]);
}

static void
show_xid(BinlogDump *dump, const BinlogXid *xid)
{
    buf_addf(&dump->out, " xid=%" PRIu32 ".", xid->format);
    show_hex(dump, xid->gtrid.data, xid->gtrid.len);
    buf_add_char(&dump->out, '.');
    show_hex(dump, xid->bqual.data, xid->bqual.len);
}

/* ---- what each event has ---- */

static bool
show_format(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogFormat format;

    if (!binlog_read_format(event, &format, err))
        return false;
    buf_addf(&dump->out, " version=%s mariadb=%d checksums=%d", format.server_version,
        format.is_mariadb, format.has_checksum);
    if (dump->keeps_maps)
        dump->format = format;
    return true;
}

static bool
show_rotate(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogRotate rotate;

    if (!binlog_read_rotate(event, &rotate, err))
        return false;
    buf_addf(&dump->out, " offset=%" PRIu64 " file=", rotate.offset);
    show_text(dump, rotate.file);
    return true;
}

static void
show_statement(BinlogDump *dump, const BinlogQuery *query)
{
    Statement statement;
    BinlogXid xid;

    statement_read(query->statement, query->ansi_quotes, &statement);
    buf_addf(&dump->out, " is=\"%s\"", statement_kind_name(statement.kind));
    if (statement.schema.len > 0 || statement.table.len > 0)
        buf_addf(
            &dump->out, " of=%s.%s", buf_string(&statement.schema), buf_string(&statement.table));
    if (statement.xid.len > 0) {
        dump->scratch.len = 0;
        if (statement_xid(statement.xid, &dump->scratch, &xid))
            show_xid(dump, &xid);
        else
            buf_add_string(&dump->out, " no xid");
    }
    buf_addf(&dump->out, "%s%s%s words=\"%s\"", statement.one_phase ? " one phase" : "",
        statement.replaces ? " replaces" : "", statement.drops ? " drops" : "",
        buf_string(&statement.words));
    (void)statement_mentions(query->statement, TEXT("item"));
    statement_clear(&statement);
}

static bool
show_query(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogQuery query;
    CLEANUP(buf_clear) Buf unpacked = BUF_INIT;

    if (!binlog_read_query(&dump->format, event, &unpacked, &query, err))
        return false;
    buf_addf(&dump->out, " schema=" TEXT_FMT " charset=%u error=%u%s", TEXT_ARG(query.schema),
        query.charset, query.error, query.ansi_quotes ? " ansi" : "");
    show_statement(dump, &query);
    buf_add_char(&dump->out, ' ');
    show_text(dump, query.statement);
    return true;
}

static bool
show_mariadb_gtid(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogMariadbGtid gtid;

    if (!binlog_read_mariadb_gtid(event, &gtid, err))
        return false;
    buf_addf(&dump->out, " %" PRIu32 "-%" PRIu32 "-%" PRIu64 " flags=%02x%s%s", gtid.domain,
        event->server_id, gtid.sequence, gtid.flags, gtid.alter_starts ? " alter starts" : "",
        gtid.alter_fails ? " alter fails" : "");
    if ((gtid.flags & (MARIADB_GTID_PREPARED_XA | MARIADB_GTID_COMPLETED_XA)) != 0)
        show_xid(dump, &gtid.xid);
    return true;
}

static bool
show_mysql_gtid(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogMysqlGtid gtid;

    if (!binlog_read_mysql_gtid(event, &gtid, err))
        return false;
    buf_add_char(&dump->out, ' ');
    show_hex(dump, gtid.source, sizeof(gtid.source));
    buf_addf(&dump->out, ":" TEXT_FMT ":%" PRIu64 " time=%" PRId64, TEXT_ARG(gtid.tag), gtid.number,
        gtid.commit_time_us);
    return true;
}

static bool
show_heartbeat(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogHeartbeat heartbeat;

    if (!binlog_read_heartbeat(event, &heartbeat, err))
        return false;
    buf_addf(&dump->out, " offset=%" PRIu64 " file=", heartbeat.offset);
    show_text(dump, heartbeat.file);
    return true;
}

static bool
show_xa_prepare(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    BinlogXaPrepare prepare;

    if (!binlog_read_xa_prepare(event, &prepare, err))
        return false;
    buf_add_string(&dump->out, prepare.one_phase ? " one phase" : "");
    show_xid(dump, &prepare.xid);
    return true;
}

static bool
show_incident(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    Text message;

    if (!binlog_read_incident(event, &message, err))
        return false;
    buf_add_char(&dump->out, ' ');
    show_text(dump, message);
    return true;
}

/* ---- tables and rows ---- */

static void
show_column(BinlogDump *dump, const BinlogTableMap *map, const BinlogColumn *column)
{
    buf_addf(&dump->out, "\n      type=%u length=%u decimals=%u%s", column->type, column->length,
        column->decimals, column->may_be_null ? "" : " not null");
    if (map->has_signs)
        buf_add_string(&dump->out, column->is_unsigned ? " unsigned" : "");
    if (column->collation != 0)
        buf_addf(&dump->out, " collation=%u", column->collation);
    if (map->has_names) {
        buf_add_string(&dump->out, " name=");
        show_text(dump, column->name);
    }
    for (size_t i = 0; i < column->label_count; i++) {
        buf_add_string(&dump->out, i == 0 ? " labels=" : ",");
        show_text(dump, column->labels[i]);
    }
}

static bool
show_table_map(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    Arena *arena = arena_new();
    size_t place = dump->next_map;
    BinlogTableMap map;

    if (!binlog_read_table_map(&dump->format, event, arena, &map, err)) {
        arena_free(arena);
        return false;
    }
    (void)binlog_table_map_same(event, event->body);
    buf_addf(&dump->out, " id=%" PRIu64 " ", binlog_table_map_id(event));
    show_text(dump, map.schema);
    show_text(dump, map.name);
    buf_addf(&dump->out, "%s%s%s%s%s", map.has_signs ? " signs" : "",
        map.has_collations ? " collations" : "", map.has_names ? " names" : "",
        map.has_labels ? " labels" : "", map.has_key ? " key" : "");
    for (size_t i = 0; i < map.key_count; i++)
        buf_addf(&dump->out, "%s%zu", i == 0 ? "=" : ",", map.key[i]);
    for (size_t i = 0; i < map.column_count; i++)
        show_column(dump, &map, &map.columns[i]);
    if (!dump->keeps_maps) {
        arena_free(arena);
        return true;
    }
    arena_free(dump->arenas[place]);
    dump->arenas[place] = arena;
    dump->maps[place] = map;
    dump->next_map = (place + 1) % BINLOG_DUMP_MAPS;
    return true;
}

static const BinlogTableMap *
find_map(const BinlogDump *dump, uint64_t id)
{
    for (size_t i = BINLOG_DUMP_MAPS; i > 0; i--) {
        size_t place = (dump->next_map + i - 1) % BINLOG_DUMP_MAPS;

        if (dump->arenas[place] != NULL && dump->maps[place].id == id)
            return &dump->maps[place];
    }
    return NULL;
}

static LogicalType
logical_of(const BinlogColumn *column, bool is_text)
{
    switch (column->type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_LONGLONG:
        return column->is_unsigned ? LOGICAL_UINT : LOGICAL_INT;
    case MYSQL_COLUMN_YEAR:
        return LOGICAL_INT;
    case MYSQL_COLUMN_NEWDECIMAL:
        return LOGICAL_NUMERIC;
    case MYSQL_COLUMN_FLOAT:
    case MYSQL_COLUMN_DOUBLE:
        return LOGICAL_FLOAT;
    case MYSQL_COLUMN_BIT:
        return LOGICAL_BIT;
    case MYSQL_COLUMN_DATE:
    case MYSQL_COLUMN_NEWDATE:
        return LOGICAL_DATE;
    case MYSQL_COLUMN_TIME:
    case MYSQL_COLUMN_TIME2:
        return LOGICAL_TIME;
    case MYSQL_COLUMN_DATETIME:
    case MYSQL_COLUMN_DATETIME2:
        return LOGICAL_TIMESTAMP;
    case MYSQL_COLUMN_TIMESTAMP:
    case MYSQL_COLUMN_TIMESTAMP2:
        return LOGICAL_TIMESTAMPTZ;
    case MYSQL_COLUMN_JSON:
        return LOGICAL_JSON;
    case MYSQL_COLUMN_GEOMETRY:
        return LOGICAL_GEOMETRY;
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
        return LOGICAL_TEXT;
    default:
        return is_text ? LOGICAL_TEXT : LOGICAL_BYTES;
    }
}

/* Members of an enum or set that the map does not tell. */
static const Text *
unknown_labels(void)
{
    static char names[UNKNOWN_LABELS][4];
    static Text labels[UNKNOWN_LABELS];

    for (size_t i = 0; labels[UNKNOWN_LABELS - 1].len == 0; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "#%zu", i + 1);
        labels[i] = text_of(names[i]);
    }
    return labels;
}

/* What the map does not tell: texts are bytes then. */
static BinlogValueType *
make_types(const BinlogTableMap *map)
{
    BinlogValueType *types = calloc(map->column_count + 1, sizeof(*types));

    if (types == NULL)
        abort();
    for (size_t i = 0; i < map->column_count; i++) {
        types[i].column = map->columns[i];
        if (map->columns[i].labels == NULL) {
            types[i].column.labels = unknown_labels();
            types[i].column.label_count = UNKNOWN_LABELS;
        }
        types[i].charset = binlog_charset_of_collation(map->columns[i].collation);
        types[i].logical = logical_of(&map->columns[i], types[i].charset != NULL);
    }
    return types;
}

static void
show_image(BinlogDump *dump, const char *name, const Value *values, size_t count)
{
    buf_addf(&dump->out, "\n      %s", name);
    for (size_t i = 0; i < count; i++) {
        buf_add_string(&dump->out, i == 0 ? " " : ", ");
        switch (values[i].kind) {
        case VALUE_ABSENT:
            buf_add_char(&dump->out, '-');
            break;
        case VALUE_NULL:
            buf_add_string(&dump->out, "null");
            break;
        case VALUE_TEXT:
            show_text(dump, values[i].text);
            break;
        case VALUE_UNCHANGED:
            abort();
        }
    }
}

static bool
show_each_row(BinlogDump *dump, BinlogRows *rows, const BinlogTableMap *map, Error *err)
{
    BinlogValueType *types = make_types(map);
    Value *values = calloc(2 * map->column_count + 1, sizeof(*values));
    Value *after = values + map->column_count;
    Next next;

    if (values == NULL)
        abort();
    while ((next = binlog_rows_next(rows, types, dump->memory, values, after, err)) == NEXT_ITEM) {
        if (rows->in_before != NULL)
            show_image(dump, "before", values, map->column_count);
        if (rows->in_after != NULL)
            show_image(dump, "after", after, map->column_count);
        binlog_memory_reset(dump->memory);
    }
    binlog_memory_reset(dump->memory);
    free(types);
    free(values);
    return next == NEXT_END;
}

static bool
show_rows(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    CLEANUP(buf_clear) Buf unpacked = BUF_INIT;
    const BinlogTableMap *map;
    BinlogRows rows;

    if (!binlog_rows_open(&dump->format, event, &unpacked, &rows, err))
        return false;
    buf_addf(&dump->out, " id=%" PRIu64 " columns=%zu%s%s", rows.table_id, rows.column_count,
        rows.ends_statement ? " end" : "", rows.is_partial ? " partial" : "");
    map = find_map(dump, rows.table_id);
    if (map == NULL || map->column_count != rows.column_count)
        return error_set(err, ERR_SOURCE, "no table map fits");
    return show_each_row(dump, &rows, map, err);
}

static bool
show_payload(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    CLEANUP(binlog_payload_close) BinlogPayload *payload = binlog_payload_open(event, err);
    bool end = false;
    size_t number = 0;

    if (payload == NULL)
        return false;
    for (;;) {
        BinlogEvent inner;

        if (!binlog_payload_next(payload, &inner, &end, err))
            return false;
        if (end)
            return true;
        buf_add_string(&dump->out, "\n  ");
        if (inner.type == BINLOG_TRANSACTION_PAYLOAD) /* never, and it would go deeper and deeper */
            return error_set(err, ERR_SOURCE, "a payload in a payload");
        binlog_dump_event(dump, number++, &inner);
        dump->out.len--; /* its line end */
    }
}

static bool
show_body(BinlogDump *dump, const BinlogEvent *event, Error *err)
{
    switch (event->type) {
    case BINLOG_FORMAT_DESCRIPTION:
        return show_format(dump, event, err);
    case BINLOG_ROTATE:
        return show_rotate(dump, event, err);
    case BINLOG_QUERY:
    case BINLOG_QUERY_COMPRESSED:
        return show_query(dump, event, err);
    case BINLOG_MARIADB_GTID:
        return show_mariadb_gtid(dump, event, err);
    case BINLOG_GTID:
    case BINLOG_ANONYMOUS_GTID:
    case BINLOG_GTID_TAGGED:
        return show_mysql_gtid(dump, event, err);
    case BINLOG_HEARTBEAT:
    case BINLOG_HEARTBEAT_V2:
        return show_heartbeat(dump, event, err);
    case BINLOG_XA_PREPARE:
        return show_xa_prepare(dump, event, err);
    case BINLOG_INCIDENT:
        return show_incident(dump, event, err);
    case BINLOG_TABLE_MAP:
        return show_table_map(dump, event, err);
    case BINLOG_TRANSACTION_PAYLOAD:
        return show_payload(dump, event, err);
    case BINLOG_WRITE_ROWS_V1:
    case BINLOG_UPDATE_ROWS_V1:
    case BINLOG_DELETE_ROWS_V1:
    case BINLOG_WRITE_ROWS:
    case BINLOG_UPDATE_ROWS:
    case BINLOG_DELETE_ROWS:
    case BINLOG_PARTIAL_UPDATE_ROWS:
    case BINLOG_WRITE_ROWS_COMPRESSED_V1:
    case BINLOG_UPDATE_ROWS_COMPRESSED_V1:
    case BINLOG_DELETE_ROWS_COMPRESSED_V1:
    case BINLOG_WRITE_ROWS_COMPRESSED:
    case BINLOG_UPDATE_ROWS_COMPRESSED:
    case BINLOG_DELETE_ROWS_COMPRESSED:
        return show_rows(dump, event, err);
    default:
        return true;
    }
}

void
binlog_dump_event(BinlogDump *dump, size_t at, const BinlogEvent *event)
{
    char buffer[16];
    Error err;

    buf_addf(&dump->out, "%zu %s", at, binlog_type_name(event->type, buffer));
    if (!show_body(dump, event, &err))
        show_error(dump, &err);
    else
        buf_add_char(&dump->out, '\n');
}

bool
binlog_dump_find(BinlogDump *dump, Text bytes, BinlogEvent *ret_event, size_t *ret_size)
{
    BinlogFormat format = dump->format;
    uint32_t size;
    Error err;

    *ret_size = 0;
    if (bytes.len < BINLOG_HEADER_SIZE)
        return false;
    size = binlog_event_size(bytes);
    if (size < BINLOG_HEADER_SIZE || size > bytes.len)
        return false;
    *ret_size = size;
    if (dump->ignores_checksums) {
        /* as if there were none, and then cut */
        format.has_checksum = false;
        (void)memcpy(format.server_version, "any", sizeof("any"));
    }
    if (!binlog_event_read(&format, (Text){bytes.data, size}, ret_event, &err)) {
        show_error(dump, &err);
        return false;
    }
    if (dump->ignores_checksums && dump->format.has_checksum && ret_event->body.len >= 4 &&
        ret_event->type != BINLOG_FORMAT_DESCRIPTION)
        ret_event->body.len -= 4;
    return true;
}

void
binlog_dump_file(BinlogDump *dump, Text file)
{
    size_t at = 4;

    if (file.len < 4 || memcmp(file.data, MAGIC, 4) != 0) {
        buf_add_string(&dump->out, "no binary log\n");
        return;
    }
    while (at < file.len) {
        BinlogEvent event;
        size_t size;

        if (binlog_dump_find(dump, (Text){file.data + at, file.len - at}, &event, &size))
            binlog_dump_event(dump, at, &event);
        if (size == 0) {
            buf_addf(&dump->out, "%zu bytes are left over\n", file.len - at);
            return;
        }
        at += size;
    }
}
