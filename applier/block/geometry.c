#include "block/geometry.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SRID_FLAG    UINT32_C(0x20000000)
#define Z_M_FLAGS    UINT32_C(0xC0000000)
#define EMPTY_NUMBER UINT64_C(0x7ff8000000000000)

/* In hexadecimal digits. */
#define ORDER_LEN 2
#define INT_LEN   8
#define HEAD_LEN  (ORDER_LEN + INT_LEN)

#define NUMBER_SIZE 64

enum {
    ANY_KIND, /* of a part: a collection's */
    POINT,
    LINESTRING,
    POLYGON,
    MULTIPOINT,
    MULTILINESTRING,
    MULTIPOLYGON,
    COLLECTION,
    KIND_COUNT,
};

static const struct {
    const char *name;
    unsigned part; /* what a geometry of many parts consists of */
} kinds[KIND_COUNT] = {
    [POINT] = {"POINT", ANY_KIND},
    [LINESTRING] = {"LINESTRING", ANY_KIND},
    [POLYGON] = {"POLYGON", ANY_KIND},
    [MULTIPOINT] = {"MULTIPOINT", POINT},
    [MULTILINESTRING] = {"MULTILINESTRING", LINESTRING},
    [MULTIPOLYGON] = {"MULTIPOLYGON", POLYGON},
    [COLLECTION] = {"GEOMETRYCOLLECTION", ANY_KIND},
};

/* ---- reading hexadecimal WKB ---- */

/* A walk over hexadecimal digits; out is NULL where the bytes are only checked. */
typedef struct Walk {
    Text hex;
    size_t at;
    Buf *out;
    const char *problem; /* the first one; nothing is read after it */
    unsigned depth;
} Walk;

static void
walk_fail(Walk *walk, const char *problem)
{
    if (walk->problem == NULL)
        walk->problem = problem;
}

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* A little-endian number; 0 behind the first problem. */
static uint64_t
walk_number(Walk *walk, size_t bytes)
{
    uint64_t number = 0;

    if (walk->problem != NULL)
        return 0;
    if ((walk->hex.len - walk->at) / 2 < bytes) {
        walk_fail(walk, "it ends too early");
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        int high = digit_value(walk->hex.data[walk->at++]);
        int low = digit_value(walk->hex.data[walk->at++]);

        if (high < 0 || low < 0) {
            walk_fail(walk, "not pairs of lower-case hex digits");
            return 0;
        }
        number |= (uint64_t)(high * 16 + low) << (8 * i);
    }
    return number;
}

static double
walk_double(Walk *walk)
{
    uint64_t bits = walk_number(walk, 8);
    double number;

    memcpy(&number, &bits, sizeof(number));
    return number;
}

static void
walk_put(const Walk *walk, const char *text)
{
    if (walk->out != NULL && walk->problem == NULL)
        buf_add_string(walk->out, text);
}

/* Fifteen digits tell any decimal of that many apart, so that zeros at the end can go; but a number
 * below the smallest normal one has less than fifteen. */
static void
walk_put_number(const Walk *walk, double number)
{
    char text[NUMBER_SIZE];
    int digits = fpclassify(number) == FP_SUBNORMAL ? 1 : 15;

    if (isnan(number)) {
        walk_put(walk, "NaN");
        return;
    }
    if (isinf(number)) {
        walk_put(walk, number < 0 ? "-Infinity" : "Infinity");
        return;
    }
    do
        (void)snprintf(text, sizeof(text), "%.*g", digits++, number);
    while (digits <= 17 && strtod(text, NULL) != number);
    walk_put(walk, text);
}

static void
walk_xy(Walk *walk)
{
    double x = walk_double(walk);
    double y = walk_double(walk);

    if (walk->out == NULL)
        return;
    walk_put_number(walk, x);
    walk_put(walk, " ");
    walk_put_number(walk, y);
}

/* "POINT EMPTY", "(EMPTY,(1 2))" */
static void
walk_put_empty(const Walk *walk)
{
    const Buf *out = walk->out;

    if (out != NULL && out->len > 0 && isalpha((unsigned char)out->data[out->len - 1]))
        walk_put(walk, " ");
    walk_put(walk, "EMPTY");
}

static void
walk_point(Walk *walk)
{
    Walk ahead = *walk;
    double x = walk_double(&ahead);
    double y = walk_double(&ahead);

    if (isnan(x) && isnan(y)) {
        *walk = ahead;
        walk_put_empty(walk);
        return;
    }
    walk_put(walk, "(");
    walk_xy(walk);
    walk_put(walk, ")");
}

static void walk_geometry(Walk *walk, unsigned wanted);

static void
walk_list(Walk *walk, unsigned kind, bool is_ring)
{
    uint64_t count = walk_number(walk, INT_LEN / 2);

    if (count == 0) {
        walk_put_empty(walk);
        return;
    }
    for (uint64_t i = 0; i < count && walk->problem == NULL; i++) {
        walk_put(walk, i == 0 ? "(" : ",");
        if (kind == LINESTRING || is_ring)
            walk_xy(walk);
        else if (kind == POLYGON)
            walk_list(walk, kind, true);
        else
            walk_geometry(walk, kinds[kind].part);
    }
    walk_put(walk, ")");
}

static void
walk_body(Walk *walk, uint64_t kind, unsigned wanted)
{
    if (walk->depth == GEOMETRY_DEPTH)
        walk_fail(walk, "nested too deeply");
    else if (kind & Z_M_FLAGS || (kind > 1000 && kind < 4000))
        walk_fail(walk, "Z and M coordinates are not carried");
    else if (kind == ANY_KIND || kind >= KIND_COUNT)
        walk_fail(walk, "an unknown kind of geometry");
    else if (wanted != ANY_KIND && kind != wanted)
        walk_fail(walk, "a part of another kind than the whole");
    if (walk->problem != NULL)
        return;
    if (wanted == ANY_KIND)
        walk_put(walk, kinds[kind].name);
    walk->depth++;
    if (kind == POINT)
        walk_point(walk);
    else
        walk_list(walk, (unsigned)kind, false);
    walk->depth--;
}

static void
walk_order(Walk *walk)
{
    if (walk_number(walk, ORDER_LEN / 2) != 1)
        walk_fail(walk, "not little-endian");
}

/* wanted: the one kind that a part may have, which then is not named; or ANY_KIND. */
static void
walk_geometry(Walk *walk, unsigned wanted)
{
    walk_order(walk);
    walk_body(walk, walk_number(walk, INT_LEN / 2), wanted);
}

static const char *
walk_end(Walk *walk, size_t start)
{
    if (walk->problem == NULL && walk->at < walk->hex.len)
        walk->problem = "there are bytes behind its end";
    if (walk->problem != NULL && walk->out != NULL && walk->out->data != NULL) {
        walk->out->len = start;
        walk->out->data[start] = '\0';
    }
    return walk->problem;
}

/* The whole of a canonical value; out may be NULL. */
static const char *
walk_canonical(Text hex, Buf *out)
{
    Walk walk = {.hex = hex, .out = out};
    size_t start = out == NULL ? 0 : out->len;
    uint64_t kind;

    walk_order(&walk);
    kind = walk_number(&walk, INT_LEN / 2);
    if (walk.problem == NULL && kind & SRID_FLAG) {
        uint64_t srid = walk_number(&walk, INT_LEN / 2);

        kind &= ~(uint64_t)SRID_FLAG;
        if (out != NULL && walk.problem == NULL && srid != 0)
            buf_addf(out, "SRID=%" PRIu64 ";", srid);
    }
    walk_body(&walk, kind, ANY_KIND);
    return walk_end(&walk, start);
}

const char *
geometry_check(Text hex)
{
    return walk_canonical(hex, NULL);
}

const char *
geometry_to_ewkt(Text hex, Buf *out)
{
    return walk_canonical(hex, out);
}

/* ---- MySQL's bytes ---- */

#define NO_SRID  "00000000"
#define FLAG_AT  (HEAD_LEN - 2) /* the digits of the kind's highest byte */
#define FLAG_HEX "20"

const char *
geometry_to_mysql(Text hex, Buf *out)
{
    const char *problem = geometry_check(hex);
    bool has_srid;

    if (problem != NULL)
        return problem;
    has_srid = memcmp(hex.data + FLAG_AT, FLAG_HEX, 2) == 0;
    buf_add(out, has_srid ? hex.data + HEAD_LEN : NO_SRID, INT_LEN);
    buf_add(out, hex.data, FLAG_AT);
    buf_add(out, "00", 2);
    if (has_srid)
        hex = (Text){hex.data + INT_LEN, hex.len - INT_LEN};
    buf_add(out, hex.data + HEAD_LEN, hex.len - HEAD_LEN);
    return NULL;
}

const char *
geometry_from_mysql(Text hex, Buf *out)
{
    Walk walk = {.hex = hex};
    bool has_srid = walk_number(&walk, INT_LEN / 2) != 0;

    walk_geometry(&walk, ANY_KIND);
    if (walk_end(&walk, 0) != NULL)
        return walk.problem;
    buf_add(out, hex.data + INT_LEN, FLAG_AT);
    buf_add(out, has_srid ? FLAG_HEX : "00", 2);
    if (has_srid)
        buf_add(out, hex.data, INT_LEN);
    buf_add(out, hex.data + INT_LEN + HEAD_LEN, hex.len - INT_LEN - HEAD_LEN);
    return NULL;
}

/* ---- reading EWKT ---- */

typedef struct Parse {
    Text text;
    size_t at;
    Buf *out; /* hexadecimal */
    const char *problem;
    unsigned depth;
} Parse;

static void
parse_fail(Parse *parse, const char *problem)
{
    if (parse->problem == NULL)
        parse->problem = problem;
}

/* As little-endian hexadecimal digits. */
static void
number_digits(uint64_t number, size_t bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes; i++) {
        unsigned byte = (unsigned)(number >> (8 * i)) & 0xFF;

        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
}

static void
put_number(Parse *parse, uint64_t number, size_t bytes)
{
    number_digits(number, bytes, buf_reserve(parse->out, 2 * bytes));
    buf_grown(parse->out, 2 * bytes);
}

/* The next character that is no white space; NUL at the end. */
static char
parse_peek(Parse *parse)
{
    while (parse->at < parse->text.len && isspace((unsigned char)parse->text.data[parse->at]))
        parse->at++;
    if (parse->at >= parse->text.len)
        return '\0';
    return parse->text.data[parse->at];
}

static bool
parse_take(Parse *parse, char c)
{
    if (parse->problem != NULL || parse_peek(parse) != c)
        return false;
    parse->at++;
    return true;
}

static void
parse_need(Parse *parse, char c)
{
    if (!parse_take(parse, c))
        parse_fail(parse, c == ')' ? "a ) or , is missing" : "a ( is missing");
}

/* The letters and digits of a word or a number. */
static Text
parse_word(Parse *parse)
{
    size_t start;

    (void)parse_peek(parse);
    start = parse->at;
    while (
        parse->at < parse->text.len && (isalnum((unsigned char)parse->text.data[parse->at]) ||
                                           (parse->text.data[parse->at] != '\0' &&
                                               strchr("+-.", parse->text.data[parse->at]) != NULL)))
        parse->at++;
    return (Text){parse->text.data + start, parse->at - start};
}

static bool
parse_empty(Parse *parse)
{
    size_t start = parse->at;

    if (text_equal_nocase(parse_word(parse), TEXT("EMPTY")))
        return true;
    parse->at = start;
    return false;
}

static void
parse_number(Parse *parse)
{
    Text word = parse_word(parse);
    char copy[NUMBER_SIZE] = "";
    char *end = copy;
    double number = 0;
    uint64_t bits;

    if (word.len > 0 && word.len < sizeof(copy)) {
        memcpy(copy, word.data, word.len);
        copy[word.len] = '\0';
        number = strtod(copy, &end);
    }
    /* strtod would take 0x1p3 */
    if (end == copy || *end != '\0' || strpbrk(copy, "xX") != NULL) {
        parse_fail(parse, "a number is missing or malformed");
        return;
    }
    memcpy(&bits, &number, sizeof(bits));
    put_number(parse, isnan(number) ? EMPTY_NUMBER : bits, 8);
}

static void
parse_xy(Parse *parse)
{
    parse_number(parse);
    parse_number(parse);
}

static void
parse_point(Parse *parse)
{
    if (parse_empty(parse)) {
        put_number(parse, EMPTY_NUMBER, 8);
        put_number(parse, EMPTY_NUMBER, 8);
        return;
    }
    parse_need(parse, '(');
    parse_xy(parse);
    parse_need(parse, ')');
}

static void parse_geometry(Parse *parse, unsigned kind);
static void parse_named(Parse *parse);

static void
parse_part(Parse *parse, unsigned kind, bool is_ring)
{
    char next = parse_peek(parse);

    if (kind == LINESTRING || is_ring) {
        parse_xy(parse);
    } else if (kind == COLLECTION) {
        parse_named(parse);
    } else if (kind == MULTIPOINT && next != '(' && !isalpha((unsigned char)next)) {
        put_number(parse, 1, ORDER_LEN / 2);
        put_number(parse, POINT, INT_LEN / 2);
        parse_xy(parse);
    } else {
        parse_geometry(parse, kinds[kind].part);
    }
}

static void
parse_list(Parse *parse, unsigned kind, bool is_ring)
{
    size_t count_at = parse->out->len;
    uint32_t count = 0;

    put_number(parse, 0, INT_LEN / 2);
    if (parse_empty(parse))
        return;
    parse_need(parse, '(');
    do {
        if (kind == POLYGON && !is_ring)
            parse_list(parse, kind, true);
        else
            parse_part(parse, kind, is_ring);
        count++;
    } while (parse_take(parse, ','));
    parse_need(parse, ')');
    number_digits(count, INT_LEN / 2, parse->out->data + count_at);
}

static void
parse_body(Parse *parse, unsigned kind)
{
    if (parse->depth == GEOMETRY_DEPTH)
        parse_fail(parse, "nested too deeply");
    if (parse->problem != NULL)
        return;
    parse->depth++;
    if (kind == POINT)
        parse_point(parse);
    else
        parse_list(parse, kind, false);
    parse->depth--;
}

static void
parse_geometry(Parse *parse, unsigned kind)
{
    put_number(parse, 1, ORDER_LEN / 2);
    put_number(parse, kind, INT_LEN / 2);
    parse_body(parse, kind);
}

static unsigned
parse_kind(Parse *parse)
{
    Text name = parse_word(parse);

    for (unsigned kind = POINT; kind < KIND_COUNT; kind++)
        if (text_equal_nocase(name, text_of(kinds[kind].name)))
            return kind;
    parse_fail(parse, "an unknown kind of geometry");
    return ANY_KIND;
}

static void
parse_named(Parse *parse)
{
    unsigned kind = parse_kind(parse);

    if (parse->problem == NULL)
        parse_geometry(parse, kind);
}

static uint32_t
parse_srid(Parse *parse)
{
    size_t start = parse->at;
    uint64_t srid = 0;

    if (!text_equal_nocase(parse_word(parse), TEXT("SRID"))) {
        parse->at = start;
        return 0;
    }
    if (!parse_take(parse, '=') || !text_to_u64(parse_word(parse), &srid) || srid > UINT32_MAX ||
        !parse_take(parse, ';'))
        parse_fail(parse, "a malformed SRID");
    return (uint32_t)srid;
}

const char *
geometry_from_ewkt(Text ewkt, Buf *out)
{
    Parse parse = {.text = ewkt, .out = out};
    size_t start = out->len;
    uint32_t srid = parse_srid(&parse);
    unsigned kind = parse_kind(&parse);

    put_number(&parse, 1, ORDER_LEN / 2);
    put_number(&parse, kind | (srid == 0 ? 0 : SRID_FLAG), INT_LEN / 2);
    if (srid != 0)
        put_number(&parse, srid, INT_LEN / 2);
    parse_body(&parse, kind);
    (void)parse_peek(&parse);
    if (parse.problem == NULL && parse.at < ewkt.len)
        parse_fail(&parse, "there is text behind its end");
    if (parse.problem != NULL) {
        out->len = start;
        out->data[start] = '\0';
    }
    return parse.problem;
}
