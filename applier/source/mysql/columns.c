#include "source/mysql/columns.h"

#include "source/mysql/defaults.h"
#include "source/mysql/tables.h"

/* How a type is stored, and what its length means. */
typedef enum Measure {
    MEASURE_NONE,
    MEASURE_FIXED,  /* bytes, always the same */
    MEASURE_OCTETS, /* bytes at most */
    MEASURE_LENGTH, /* bytes of the length in front of a value */
    MEASURE_BITS,
    MEASURE_DECIMAL, /* precision and scale */
    MEASURE_FRACTION,
    MEASURE_ENUM,
    MEASURE_SET,
} Measure;

typedef struct TypeName {
    const char *name;
    unsigned type;
    Measure measure;
    unsigned length; /* FIXED, LENGTH */
    BinlogSpecial special;
} TypeName;

static const TypeName type_names[] = {
    {"tinyint", MYSQL_COLUMN_TINY, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"smallint", MYSQL_COLUMN_SHORT, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"mediumint", MYSQL_COLUMN_INT24, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"int", MYSQL_COLUMN_LONG, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"bigint", MYSQL_COLUMN_LONGLONG, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"decimal", MYSQL_COLUMN_NEWDECIMAL, MEASURE_DECIMAL, 0, BINLOG_PLAIN},
    {"float", MYSQL_COLUMN_FLOAT, MEASURE_FIXED, 4, BINLOG_PLAIN},
    {"double", MYSQL_COLUMN_DOUBLE, MEASURE_FIXED, 8, BINLOG_PLAIN},
    {"bit", MYSQL_COLUMN_BIT, MEASURE_BITS, 0, BINLOG_PLAIN},
    {"date", MYSQL_COLUMN_DATE, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"time", MYSQL_COLUMN_TIME2, MEASURE_FRACTION, 0, BINLOG_PLAIN},
    {"datetime", MYSQL_COLUMN_DATETIME2, MEASURE_FRACTION, 0, BINLOG_PLAIN},
    {"timestamp", MYSQL_COLUMN_TIMESTAMP2, MEASURE_FRACTION, 0, BINLOG_PLAIN},
    {"year", MYSQL_COLUMN_YEAR, MEASURE_NONE, 0, BINLOG_PLAIN},
    {"char", MYSQL_COLUMN_STRING, MEASURE_OCTETS, 0, BINLOG_PLAIN},
    {"binary", MYSQL_COLUMN_STRING, MEASURE_OCTETS, 0, BINLOG_PLAIN},
    {"varchar", MYSQL_COLUMN_VARCHAR, MEASURE_OCTETS, 0, BINLOG_PLAIN},
    {"varbinary", MYSQL_COLUMN_VARCHAR, MEASURE_OCTETS, 0, BINLOG_PLAIN},
    {"tinytext", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 1, BINLOG_PLAIN},
    {"text", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 2, BINLOG_PLAIN},
    {"mediumtext", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 3, BINLOG_PLAIN},
    {"longtext", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"tinyblob", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 1, BINLOG_PLAIN},
    {"blob", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 2, BINLOG_PLAIN},
    {"mediumblob", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 3, BINLOG_PLAIN},
    {"longblob", MYSQL_COLUMN_BLOB, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"enum", MYSQL_COLUMN_ENUM, MEASURE_ENUM, 0, BINLOG_PLAIN},
    {"set", MYSQL_COLUMN_SET, MEASURE_SET, 0, BINLOG_PLAIN},
    {"json", MYSQL_COLUMN_JSON, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"vector", MYSQL_COLUMN_VECTOR, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"uuid", MYSQL_COLUMN_STRING, MEASURE_FIXED, 16, BINLOG_UUID},
    {"inet6", MYSQL_COLUMN_STRING, MEASURE_FIXED, 16, BINLOG_INET6},
    {"inet4", MYSQL_COLUMN_STRING, MEASURE_FIXED, 4, BINLOG_INET4},
    {"geometry", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"point", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"linestring", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"polygon", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"multipoint", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"multilinestring", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"multipolygon", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"geometrycollection", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
    {"geomcollection", MYSQL_COLUMN_GEOMETRY, MEASURE_LENGTH, 4, BINLOG_PLAIN},
};

static const TypeName *
find_type(Text name)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (text_equal_nocase(name, text_of(type_names[i].name)))
            return &type_names[i];
    return NULL;
}

static bool
has_word(Text text, const char *word)
{
    return text.data != NULL && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

static size_t
read_labels(Text list, Arena *arena, Text *labels)
{
    CLEANUP(buf_clear) Buf label = BUF_INIT;
    size_t count = 0;

    for (size_t at = 0; at < list.len && list.data[at] == '\''; at++) {
        buf_reset(&label, SIZE_MAX);
        if (!source_mysql_read_string(list, &at, &label))
            break;
        if (labels != NULL)
            labels[count] = arena_text(arena, buf_text(&label));
        count++;
        if (at >= list.len || list.data[at] != ',')
            break;
    }
    return count;
}

size_t
source_mysql_column_labels(Text column_type, Arena *arena, const Text **ret_labels)
{
    size_t start = text_find(column_type, '(');
    Text list = {column_type.data + start + 1, 0};
    Text *labels;
    size_t count;

    *ret_labels = NULL;
    if (start >= column_type.len ||
        (!text_starts_with(column_type, "enum(") && !text_starts_with(column_type, "set(")))
        return 0;
    list.len = column_type.len - start - 1;
    count = read_labels(list, arena, NULL);
    labels = ARENA_ARRAY(arena, Text, count);
    (void)read_labels(list, arena, labels);
    *ret_labels = labels;
    return count;
}

static unsigned
set_bytes(size_t members)
{
    unsigned bytes = (unsigned)(members + 7) / 8;

    return bytes > 4 ? 8 : bytes;
}

static void
set_length(const MysqlColumnFacts *facts, const TypeName *name, BinlogColumn *column)
{
    switch (name->measure) {
    case MEASURE_NONE:
        break;
    case MEASURE_FIXED:
    case MEASURE_LENGTH:
        column->length = name->length;
        break;
    case MEASURE_OCTETS:
        column->length = facts->octets < 0 ? 0 : (unsigned)facts->octets;
        break;
    case MEASURE_BITS:
        column->length = facts->precision < 0 ? 1 : (unsigned)facts->precision;
        break;
    case MEASURE_DECIMAL:
        column->length = facts->precision < 0 ? 10 : (unsigned)facts->precision;
        column->decimals = facts->scale < 0 ? 0 : (unsigned)facts->scale;
        break;
    case MEASURE_FRACTION:
        column->decimals = facts->fraction < 0 ? 0 : (unsigned)facts->fraction;
        break;
    case MEASURE_ENUM:
        column->length = column->label_count < 256 ? 1 : 2;
        break;
    case MEASURE_SET:
        column->length = set_bytes(column->label_count);
        break;
    }
}

/* MariaDB marks such a type with a comment: "varchar(100) / *M!100301 COMPRESSED* /". In front of
 * each value is a byte that tells how it is packed. */
static void
set_compressed(BinlogColumn *column)
{
    if (column->type == MYSQL_COLUMN_VARCHAR) {
        column->type = MYSQL_COLUMN_VARCHAR_COMPRESSED;
        column->length++;
    } else if (column->type == MYSQL_COLUMN_BLOB) {
        column->type = MYSQL_COLUMN_BLOB_COMPRESSED;
    }
}

static bool
is_character_type(unsigned type)
{
    switch (type) {
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
        return true;
    default:
        return false;
    }
}

static void
describe_stored(const MysqlColumnFacts *facts, const TypeName *name, Arena *arena,
    const SourceColumn *column, BinlogValueType *type)
{
    BinlogColumn *stored = &type->column;

    *type = (BinlogValueType){.logical = LOGICAL_OTHER};
    stored->name = column->name;
    stored->may_be_null = !facts->not_null;
    stored->is_unsigned = column->is_unsigned;
    stored->label_count = source_mysql_column_labels(facts->column_type, arena, &stored->labels);
    if (name == NULL)
        return;
    stored->type = name->type;
    set_length(facts, name, stored);
    if (name->type == MYSQL_COLUMN_VECTOR && facts->is_mariadb) {
        stored->type = MYSQL_COLUMN_VARCHAR;
        stored->length = facts->octets < 0 ? 0 : (unsigned)facts->octets;
        type->special = BINLOG_VECTOR;
    }
    if (has_word(facts->column_type, "COMPRESSED"))
        set_compressed(stored);
    if (is_character_type(stored->type) && name->special == BINLOG_PLAIN) {
        stored->collation = facts->collation == 0 ? BINLOG_COLLATION_BINARY : facts->collation;
        type->charset = binlog_charset_of_collation(facts->collation);
    }
    if (type->special == BINLOG_PLAIN)
        type->special = facts->is_json ? BINLOG_JSON_TEXT : name->special;
    type->is_left_out = column->is_generated;
    type->logical = source_mysql_column_logical(stored, type->special);
}

static Text
type_name_of(const MysqlColumnFacts *facts, const TypeName *name, Arena *arena)
{
    if (facts->is_json)
        return TEXT("json");
    if (name == NULL)
        return arena_text(arena, facts->data_type);
    return text_is(text_of(name->name), "geomcollection") ? TEXT("geometrycollection")
                                                          : text_of(name->name);
}

static int64_t
length_of(const MysqlColumnFacts *facts, const TypeName *name)
{
    if (facts->is_json)
        return -1;
    return name != NULL && name->measure == MEASURE_BITS ? facts->precision : facts->characters;
}

/* Without the comments that hide what other servers do not know. */
static Text
shown_type(Text column_type)
{
    static const char comment[] = " /*M!";
    const char *at = memmem(column_type.data, column_type.len, comment, sizeof(comment) - 1);

    if (at != NULL && has_word(column_type, "COMPRESSED"))
        column_type.len = (size_t)(at - column_type.data);
    return column_type;
}

void
source_mysql_column_describe(
    const MysqlColumnFacts *facts, Arena *arena, SourceColumn *column, BinlogValueType *type)
{
    const TypeName *name = find_type(facts->data_type);

    *column = (SourceColumn){.length = -1, .precision = -1, .scale = -1};
    column->name = arena_text(arena, facts->name);
    column->type = arena_text(arena, shown_type(facts->column_type));
    column->type_name = type_name_of(facts, name, arena);
    column->length = length_of(facts, name);
    if (name != NULL && name->measure == MEASURE_DECIMAL) {
        column->precision = (int)facts->precision;
        column->scale = (int)facts->scale;
    }
    if (name != NULL && name->measure == MEASURE_FRACTION)
        column->precision = (int)facts->fraction;
    column->is_unsigned = has_word(facts->column_type, "unsigned") &&
                          !text_starts_with(facts->column_type, "enum(") &&
                          !text_starts_with(facts->column_type, "set(");
    column->not_null = facts->not_null;
    column->is_generated = has_word(facts->extra, "VIRTUAL GENERATED") ||
                           has_word(facts->extra, "STORED GENERATED") ||
                           has_word(facts->extra, "PERSISTENT");
    column->is_identity = has_word(facts->extra, "auto_increment");
    column->has_default = facts->default_text.data != NULL &&
                          !(facts->is_mariadb && text_is(facts->default_text, "NULL"));
    describe_stored(facts, name, arena, column, type);
    column->logical = type->logical;
    column->labels = type->column.labels;
    column->label_count = type->column.label_count;
}

/* ---- from a table map alone ---- */

static const char *
blob_name(const BinlogColumn *column, bool is_text)
{
    static const char *const texts[] = {"tinytext", "text", "mediumtext", "longtext"};
    static const char *const blobs[] = {"tinyblob", "blob", "mediumblob", "longblob"};
    size_t at = column->length >= 1 && column->length <= 4 ? column->length - 1 : 3;

    return is_text ? texts[at] : blobs[at];
}

static void
add_string_type(const BinlogValueType *type, Buf *out)
{
    const BinlogColumn *column = &type->column;
    bool is_fixed = column->type == MYSQL_COLUMN_STRING;
    bool is_compressed = column->type == MYSQL_COLUMN_VARCHAR_COMPRESSED;
    unsigned octets = column->length - (is_compressed && column->length > 0 ? 1 : 0);

    if (type->charset == NULL)
        buf_addf(out, "%s(%u)", is_fixed ? "binary" : "varbinary", octets);
    else
        buf_addf(out, "%s(%u)", is_fixed ? "char" : "varchar",
            octets / source_mysql_charset_width(text_of(binlog_charset_name(type->charset))));
}

static void
add_labels(const BinlogColumn *column, Buf *out)
{
    buf_add_string(out, column->type == MYSQL_COLUMN_ENUM ? "enum(" : "set(");
    for (size_t i = 0; i < column->label_count; i++) {
        buf_add_string(out, i == 0 ? "'" : ",'");
        for (size_t at = 0; at < column->labels[i].len; at++) {
            char c = column->labels[i].data[at];

            if (c == '\'' || c == '\\')
                buf_add_char(out, c);
            buf_add_char(out, c);
        }
        buf_add_char(out, '\'');
    }
    buf_add_char(out, ')');
}

static const char *
simple_name(unsigned type)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return NULL;
}

void
source_mysql_column_type_text(const BinlogValueType *type, Buf *out)
{
    const BinlogColumn *column = &type->column;
    const char *name = simple_name(column->type);

    switch (column->type) {
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
        add_string_type(type, out);
        break;
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
        buf_add_string(out, blob_name(column, type->charset != NULL));
        break;
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
        add_labels(column, out);
        break;
    case MYSQL_COLUMN_BIT:
        buf_addf(out, "bit(%u)", column->length);
        break;
    case MYSQL_COLUMN_NEWDECIMAL:
        buf_addf(out, "decimal(%u,%u)", column->length, column->decimals);
        break;
    case MYSQL_COLUMN_TIME2:
    case MYSQL_COLUMN_DATETIME2:
    case MYSQL_COLUMN_TIMESTAMP2:
        buf_add_string(out, name == NULL ? "" : name);
        if (column->decimals > 0)
            buf_addf(out, "(%u)", column->decimals);
        break;
    case MYSQL_COLUMN_TIME:
        buf_add_string(out, "time");
        break;
    case MYSQL_COLUMN_DATETIME:
        buf_add_string(out, "datetime");
        break;
    case MYSQL_COLUMN_TIMESTAMP:
        buf_add_string(out, "timestamp");
        break;
    default:
        buf_add_string(out, name == NULL ? "?" : name);
        if (type->logical == LOGICAL_UINT)
            buf_add_string(out, " unsigned");
        break;
    }
}

unsigned
source_mysql_charset_width(Text charset)
{
    static const struct {
        const char *name;
        unsigned width;
    } widths[] = {{"utf8mb4", 4}, {"utf16", 4}, {"utf16le", 4}, {"utf32", 4}, {"gb18030", 4},
        {"utf8mb3", 3}, {"utf8", 3}, {"ujis", 3}, {"eucjpms", 3}, {"ucs2", 2}, {"big5", 2},
        {"gbk", 2}, {"gb2312", 2}, {"sjis", 2}, {"cp932", 2}, {"euckr", 2}};

    for (size_t i = 0; i < ARRAY_LEN(widths); i++)
        if (text_is(charset, widths[i].name))
            return widths[i].width;
    return 1;
}

/* ---- both ---- */

LogicalType
source_mysql_column_logical(const BinlogColumn *column, BinlogSpecial special)
{
    bool is_text = column->collation != BINLOG_COLLATION_BINARY && column->collation != 0;

    switch (special) {
    case BINLOG_UUID:
        return LOGICAL_UUID;
    case BINLOG_INET6:
    case BINLOG_INET4:
        return LOGICAL_OTHER;
    case BINLOG_JSON_TEXT:
        return LOGICAL_JSON;
    case BINLOG_VECTOR:
        return LOGICAL_BYTES;
    case BINLOG_PLAIN:
        break;
    }
    switch (column->type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_LONGLONG:
        return column->is_unsigned ? LOGICAL_UINT : LOGICAL_INT;
    case MYSQL_COLUMN_YEAR:
        return LOGICAL_INT;
    case MYSQL_COLUMN_DECIMAL:
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
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
        return LOGICAL_TEXT;
    case MYSQL_COLUMN_JSON:
        return LOGICAL_JSON;
    case MYSQL_COLUMN_VECTOR:
        return LOGICAL_BYTES;
    case MYSQL_COLUMN_GEOMETRY:
        return LOGICAL_GEOMETRY;
    default:
        if (is_character_type(column->type))
            return is_text ? LOGICAL_TEXT : LOGICAL_BYTES;
        return LOGICAL_OTHER;
    }
}
