#include "target/checksum.h"

#include <inttypes.h>
#include <stdlib.h>

#define LONG_TEXT "4096"

const ChecksumFamily *
checksum_family(const SqlDialect *dialect)
{
    static const ChecksumFamily *const families[] = {
        &checksum_postgres, &checksum_mysql, &checksum_sqlite};

    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (families[i]->dialect == dialect)
            return families[i];
    return NULL;
}

/* ---- forms ---- */

static bool
is_single(Text type)
{
    return text_starts_with(type, "real") || text_starts_with(type, "float4") ||
           (text_starts_with(type, "float") && !text_starts_with(type, "float8"));
}

/* What is FLOAT in MySQL has no more than single precision anywhere: its SQL has no short text of
 * it that could be read as a double. */
static CanonicalForm
number_form(Text source_type, LogicalType source, const TargetColumn *target)
{
    LogicalType logical = target->logical;

    if (logical == LOGICAL_FLOAT)
        return is_single(target->type) || text_starts_with(source_type, "float") ? CANONICAL_FLOAT4
                                                                                 : CANONICAL_FLOAT8;
    if (logical == LOGICAL_BOOL)
        return CANONICAL_BOOL;
    if (source != LOGICAL_FLOAT || logical == LOGICAL_INT || logical == LOGICAL_UINT ||
        logical == LOGICAL_NUMERIC)
        return CANONICAL_NUMBER;
    /* SQLite: a column without a type keeps a float as a float */
    return logical == LOGICAL_UNKNOWN || logical == LOGICAL_OTHER ? CANONICAL_FLOAT8
                                                                  : CANONICAL_TEXT;
}

static CanonicalForm
time_form(const TargetColumn *target, const Notation *notation)
{
    if (target->logical == LOGICAL_TIMETZ)
        return CANONICAL_TIMETZ;
    if (notation->zone == ZONE_UTC)
        return CANONICAL_TIME_UTC;
    return target->logical == LOGICAL_TIME && notation->max_hours > 0 ? CANONICAL_TIME
                                                                      : CANONICAL_TIMETZ;
}

static CanonicalForm
text_form(Text source_type, const TargetColumn *target)
{
    bool padded = text_starts_with(source_type, "character") &&
                  !text_starts_with(source_type, "character varying");

    padded = padded || text_starts_with(source_type, "bpchar") ||
             text_starts_with(source_type, "char(") || text_starts_with(target->type, "char(") ||
             text_starts_with(target->type, "character(");
    return padded ? CANONICAL_PADDED : CANONICAL_TEXT;
}

static CanonicalForm
form_of(Text source_type, LogicalType source, const TargetColumn *target, const Notation *notation)
{
    switch (source) {
    case LOGICAL_BOOL:
        return CANONICAL_BOOL;
    case LOGICAL_INT:
    case LOGICAL_UINT:
    case LOGICAL_NUMERIC:
    case LOGICAL_FLOAT:
        return number_form(source_type, source, target);
    case LOGICAL_UNKNOWN:
    case LOGICAL_TEXT:
        return text_form(source_type, target);
    case LOGICAL_BYTES:
        return CANONICAL_BYTES;
    case LOGICAL_BIT:
        return CANONICAL_BIT;
    case LOGICAL_DATE:
        return target->logical == LOGICAL_TIMESTAMP || target->logical == LOGICAL_TIMESTAMPTZ
                   ? CANONICAL_TIMESTAMP
                   : CANONICAL_DATE;
    case LOGICAL_TIME:
        return CANONICAL_TIME;
    case LOGICAL_TIMETZ:
        return time_form(target, notation);
    case LOGICAL_TIMESTAMP:
        return CANONICAL_TIMESTAMP;
    case LOGICAL_TIMESTAMPTZ:
        return CANONICAL_TIMESTAMPTZ;
    case LOGICAL_GEOMETRY:
        return CANONICAL_GEOMETRY;
    case LOGICAL_JSON:
        return text_is(target->type, "jsonb") ? CANONICAL_JSONB : CANONICAL_TEXT;
    case LOGICAL_INTERVAL:
    case LOGICAL_UUID:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
        break;
    }
    return CANONICAL_TEXT;
}

Canonical
checksum_form(Text source_type, LogicalType source, const TargetColumn *target,
    const Notation *notation, const ValuesConfig *values)
{
    Canonical canonical = {form_of(source_type, source, target, notation), 0};
    bool is_float = source == LOGICAL_FLOAT;
    bool is_number = is_float || source == LOGICAL_NUMERIC;
    bool has_infinity = !is_number ? notation->infinite_dates
                        : is_float ? notation->float_special
                                   : notation->numeric_infinity;
    bool has_nan = is_float ? notation->float_special : notation->numeric_nan;

    if (values->infinity == POLICY_NULL && !has_infinity)
        canonical.nulls |= CANONICAL_NULL_INFINITY;
    if (values->nan == POLICY_NULL && !has_nan)
        canonical.nulls |= CANONICAL_NULL_NAN;
    if (values->out_of_range == POLICY_NULL && (!notation->bc_dates || notation->max_year > 0))
        canonical.nulls |= CANONICAL_NULL_RANGE;
    if (values->out_of_range == POLICY_NULL && notation->max_hours > 0 && notation->max_hours <= 24)
        canonical.nulls |= CANONICAL_NULL_TIME;
    if (values->zero_date == POLICY_NULL && !notation->zero_dates)
        canonical.nulls |= CANONICAL_NULL_ZERO;
    return canonical;
}

bool
checksum_is_free(CanonicalForm form, const TargetColumn *target)
{
    LogicalType logical = target->logical;

    return form == CANONICAL_TEXT || form == CANONICAL_PADDED || form == CANONICAL_JSONB ||
           form == CANONICAL_GEOMETRY || target->is_text || logical == LOGICAL_TEXT ||
           logical == LOGICAL_JSON || logical == LOGICAL_UNKNOWN || logical == LOGICAL_OTHER;
}

/* ---- expressions ---- */

/* The column's part of a row's text; never NULL. */
static void
add_part(const ChecksumFamily *family, const ChecksumColumn *column, Buf *sql)
{
    const char *shown = column->shown;

    if (!column->is_free) {
        buf_addf(sql, "COALESCE(%s, 'N')", shown);
        return;
    }
    buf_addf(sql, "COALESCE(CASE WHEN %s(%s) > " LONG_TEXT " THEN %s'M'%s%s%s%s%s", family->length,
        shown, family->join_open, family->join_next, family->md5_open, shown, family->md5_close,
        family->join_close);
    buf_addf(sql, " ELSE %s%s(%s)%s':'%s%s%s END, 'N')", family->join_open, family->length, shown,
        family->join_next, family->join_next, shown, family->join_close);
}

/* The checksum of some columns: all of them where indexes is NULL. */
static void
add_digest(const ChecksumTable *table, const size_t *indexes, size_t count, Buf *sql)
{
    const ChecksumFamily *family = table->family;

    buf_add_string(sql, family->md5_open);
    buf_add_string(sql, family->join_open);
    for (size_t i = 0; i < count; i++) {
        add_part(family, &table->columns[indexes == NULL ? i : indexes[i]], sql);
        buf_addf(sql, "%s','", family->join_next);
        if (i + 1 < count)
            buf_add_string(sql, family->join_next);
    }
    buf_add_string(sql, family->join_close);
    buf_add_string(sql, family->md5_close);
}

static void
add_key_digest(const ChecksumTable *table, Buf *sql)
{
    if (table->key_count > 0)
        add_digest(table, table->key, table->key_count, sql);
    else
        add_digest(table, NULL, table->column_count, sql);
}

static void
add_slice(const ChecksumTable *table, Buf *sql)
{
    if (table->key_count == 0 || table->slices <= 1) {
        buf_add_char(sql, '0');
        return;
    }
    buf_add_string(sql, table->family->part_open);
    add_key_digest(table, sql);
    buf_addf(
        sql, "%s %s %" PRIu64, table->family->part_close, table->family->modulo, table->slices);
}

static void
add_from(const ChecksumTable *table, Buf *sql)
{
    buf_addf(sql, " FROM %s", table->from);
    if (table->where != NULL)
        buf_addf(sql, " WHERE (%s)", table->where);
}

void
checksum_slices(const ChecksumTable *table, Buf *sql)
{
    const ChecksumFamily *family = table->family;
    bool grouped = table->key_count > 0 && table->slices > 1;

    buf_add_string(sql, "SELECT ");
    add_slice(table, sql);
    buf_addf(sql, " AS dray_slice, COUNT(*), %s%s", family->sum_open, family->part_open);
    add_digest(table, NULL, table->column_count, sql);
    buf_addf(sql, "%s%s", family->part_close, family->sum_close);
    add_from(table, sql);
    if (grouped)
        buf_add_string(sql, " GROUP BY 1");
}

static void
add_column_digests(const ChecksumTable *table, Buf *sql)
{
    const ChecksumFamily *family = table->family;

    buf_add_string(sql, family->join_open);
    for (size_t i = 0; i < table->column_count; i++) {
        if (i > 0)
            buf_add_string(sql, family->join_next);
        buf_addf(sql, "SUBSTR(%s", family->md5_open);
        add_part(family, &table->columns[i], sql);
        buf_addf(sql, "%s, 1, %d)", family->md5_close, CHECKSUM_DIGITS);
    }
    buf_add_string(sql, family->join_close);
}

static void
add_slice_condition(const ChecksumTable *table, const uint64_t *slices, size_t count, Buf *sql)
{
    if (count == 0)
        return;
    buf_add_string(sql, table->where == NULL ? " WHERE " : " AND ");
    add_slice(table, sql);
    buf_add_string(sql, " IN (");
    for (size_t i = 0; i < count; i++)
        buf_addf(sql, "%s%" PRIu64, i == 0 ? "" : ", ", slices[i]);
    buf_add_char(sql, ')');
}

void
checksum_rows(const ChecksumTable *table, const uint64_t *slices, size_t count, Buf *sql)
{
    const char *by_bytes = table->family->by_bytes;

    buf_add_string(sql, "SELECT ");
    add_key_digest(table, sql);
    buf_addf(sql, "%s AS dray_key, ", by_bytes);
    add_digest(table, NULL, table->column_count, sql);
    buf_addf(sql, "%s AS dray_row, ", by_bytes);
    add_column_digests(table, sql);
    for (size_t i = 0; i < table->key_count; i++)
        buf_addf(sql, ", %s", table->columns[table->key[i]].value);
    add_from(table, sql);
    add_slice_condition(table, slices, count, sql);
    buf_add_string(sql, " ORDER BY 1, 2");
}
