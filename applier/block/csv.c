#include "block/csv.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>

#define QUOTE '"'
#define KEPT_MEMORY                                                               \
    ((size_t)1 << 20) /* of a value or record buffer, from one record to the next \
                       */
/* libcsv grows by 128 bytes otherwise: for a value of 50 MB, 400,000 times */
#define PARSER_GROWTH ((size_t)1 << 20)
/* Above this length the quotes are counted before the buffer grows. */
#define COUNTED_LEN 4096

static void
separate(Buf *line)
{
    if (line->len > 0 && line->data[line->len - 1] != '\n')
        buf_add_char(line, ',');
}

void
block_csv_add_value(Buf *line, Text value)
{
    const char *data = value.data == NULL ? "" : value.data; /* NULL is no value to libcsv */
    size_t quotes = value.len;
    size_t size;
    char *to;

    separate(line);
    if (value.len > COUNTED_LEN) {
        quotes = 0;
        for (size_t i = 0; i < value.len; i++)
            quotes += data[i] == QUOTE;
    }
    size = value.len + quotes + 2;
    to = buf_reserve(line, size);
    buf_grown(line, csv_write2(to, size, data, value.len, QUOTE));
}

void
block_csv_add_null(Buf *line, Text null_word)
{
    separate(line);
    buf_add_text(line, null_word);
}

void
block_csv_end_line(Buf *line)
{
    buf_add_char(line, '\n');
}

/* A value of the record that is being read: a piece of CsvReader.bytes. */
typedef struct Piece {
    size_t start;
    size_t len;
    bool quoted;
} Piece;

/* States of the reader for Tungsten's styles. */
typedef enum EscapeState {
    ESCAPE_VALUE_START,
    ESCAPE_BARE,
    ESCAPE_QUOTED,
    ESCAPE_BACKSLASH, /* after a backslash inside quotes */
    ESCAPE_CLOSED,    /* after the closing quote */
} EscapeState;

struct CsvReader {
    CsvStyle style;
    char *null_word;
    size_t null_len;
    char *path;
    CsvRecordFn *record;
    void *context;

    struct csv_parser parser;
    bool quoted; /* is the value that libcsv reports next a quoted one? */
    EscapeState state;

    Buf bytes; /* of the record's values */
    Piece *pieces;
    Value *values;
    size_t count;
    size_t size;

    uint64_t record_line; /* where the current record began */
    uint64_t line;        /* where the next byte is */
    bool in_record;       /* bytes were read since the last record ended */
    bool failed;
    Error *err; /* valid during a feed */
};

static bool
fail(CsvReader *reader, uint64_t line, const char *reason)
{
    reader->failed = true;
    return error_set(reader->err, ERR_DATA, "%s:%" PRIu64 ": %s", reader->path, line, reason);
}

static void
add_piece(CsvReader *reader, size_t start, size_t len, bool quoted)
{
    if (reader->count == reader->size) {
        reader->size = MAX((size_t)32, reader->size * 2);
        reader->pieces = realloc(reader->pieces, reader->size * sizeof(*reader->pieces));
        reader->values = realloc(reader->values, reader->size * sizeof(*reader->values));
        if (reader->pieces == NULL || reader->values == NULL)
            abort();
    }
    reader->pieces[reader->count++] = (Piece){start, len, quoted};
}

/* A bare value is the null word; only Tungsten's default style has other bare values. */
static bool
resolve(CsvReader *reader, const Piece *piece, Value *ret)
{
    Text text = {reader->bytes.data == NULL ? "" : reader->bytes.data + piece->start, piece->len};
    Text null_word = {reader->null_word, reader->null_len};

    *ret = (Value){VALUE_TEXT, text};
    if (piece->quoted)
        return true;
    if (text_equal(text, null_word)) {
        *ret = (Value){VALUE_NULL, TEXT_NONE};
        return true;
    }
    if (reader->style == CSV_TUNGSTEN_DEFAULT)
        return true;
    reader->failed = true;
    return error_set(reader->err, ERR_DATA,
        "%s:%" PRIu64 ": value %zu is neither quoted nor the null word %s: \"%.*s\"", reader->path,
        reader->record_line, (size_t)(piece - reader->pieces) + 1, reader->null_word,
        (int)MIN(text.len, (size_t)100), text.data);
}

static void
end_record(CsvReader *reader)
{
    for (size_t i = 0; i < reader->count && !reader->failed; i++)
        (void)resolve(reader, &reader->pieces[i], &reader->values[i]);
    if (!reader->failed && reader->count == 0)
        (void)fail(reader, reader->record_line, "an empty line");
    if (!reader->failed &&
        !reader->record(reader->context, reader->values, reader->count, reader->err))
        reader->failed = true;
    reader->count = 0;
    buf_reset(&reader->bytes, KEPT_MEMORY);
    reader->in_record = false;
}

static void
on_value(void *data, size_t len, void *context)
{
    CsvReader *reader = context;
    size_t start = reader->bytes.len;

    if (reader->failed)
        return;
    buf_add(&reader->bytes, data, len);
    add_piece(reader, start, len, reader->quoted);
}

static void
on_record(int terminator, void *context)
{
    CsvReader *reader = context;

    (void)terminator;
    if (!reader->failed)
        end_record(reader);
}

/* libcsv would trim white space around bare values and end records at a lone CR; every byte counts
 * here, and only LF ends a record. */
static int
is_no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static int
is_line_feed(unsigned char c)
{
    return c == '\n';
}

CsvReader *
block_csv_new(const CsvDialect *dialect, const char *path, CsvRecordFn *record, void *context)
{
    CsvReader *reader = calloc(1, sizeof(*reader));
    Text null_word = dialect->null_word;

    if (reader == NULL)
        abort();
    if (null_word.len == 0)
        null_word = dialect->style == CSV_TUNGSTEN_MYSQL ? TEXT("\\N") : TEXT("null");
    reader->style = dialect->style;
    reader->null_word = text_dup(null_word);
    reader->null_len = null_word.len;
    reader->path = text_dup(text_of(path));
    reader->record = record;
    reader->context = context;
    reader->line = reader->record_line = 1;
    if (csv_init(&reader->parser, CSV_STRICT | CSV_REPALL_NL) != 0)
        abort();
    csv_set_space_func(&reader->parser, is_no_space);
    csv_set_term_func(&reader->parser, is_line_feed);
    csv_set_blk_size(&reader->parser, PARSER_GROWTH);
    return reader;
}

void
block_csv_free(CsvReader *reader)
{
    if (reader == NULL)
        return;
    csv_free(&reader->parser);
    buf_clear(&reader->bytes);
    free(reader->pieces);
    free(reader->values);
    free(reader->null_word);
    free(reader->path);
    free(reader);
}

static bool
parse(CsvReader *reader, const char *data, size_t len)
{
    size_t done = csv_parse(&reader->parser, data, len, on_value, on_record, reader);

    if (reader->failed)
        return false;
    if (done == len)
        return true;
    if (csv_error(&reader->parser) == CSV_ENOMEM)
        abort();
    return fail(
        reader, reader->line, "a quote inside a bare value, or bytes after a closing quote");
}

/*
 * libcsv does not tell its callback whether a value was quoted, but between two calls of
 * csv_parse() the parser's "quoted" does. So each call begins at a byte that could end a value (it
 * may as well stand inside quotes), and the flag is taken just before.
 */
static bool
feed_quoted(CsvReader *reader, Text piece)
{
    size_t at = 0;

    while (at < piece.len) {
        size_t end = at + 1;
        bool ended = piece.data[at] == '\n';

        while (!ended && end < piece.len && piece.data[end] != ',' && piece.data[end] != '\n')
            end++;
        reader->quoted = reader->parser.quoted != 0;
        reader->in_record = true; /* end_record() takes it back where the record ends */
        if (!parse(reader, piece.data + at, end - at))
            return false;
        if (ended) {
            reader->line++;
            if (!reader->in_record)
                reader->record_line = reader->line;
        }
        at = end;
    }
    if (!reader->in_record && reader->parser.entry_size > KEPT_MEMORY)
        csv_free(&reader->parser);
    return true;
}

static void
end_value(CsvReader *reader, bool quoted)
{
    size_t start = 0;

    if (reader->count > 0)
        start = reader->pieces[reader->count - 1].start + reader->pieces[reader->count - 1].len;
    add_piece(reader, start, reader->bytes.len - start, quoted);
    reader->state = ESCAPE_VALUE_START;
}

/* One byte inside a quoted value. */
static bool
escaped_quoted(CsvReader *reader, char c)
{
    if (reader->state == ESCAPE_BACKSLASH) {
        if (c != '\\' && c != QUOTE)
            return fail(reader, reader->line, "a backslash before something else than \\ or \"");
        buf_add_char(&reader->bytes, c);
        reader->state = ESCAPE_QUOTED;
    } else if (c == '\\') {
        reader->state = ESCAPE_BACKSLASH;
    } else if (c == QUOTE) {
        reader->state = ESCAPE_CLOSED;
    } else {
        buf_add_char(&reader->bytes, c);
    }
    return true;
}

/* One byte outside quotes, or the one that ends a value. */
static bool
escaped_bare(CsvReader *reader, char c)
{
    bool quotes = reader->style == CSV_TUNGSTEN_MYSQL;

    if (c == ',' || c == '\n') {
        end_value(reader, reader->state == ESCAPE_CLOSED);
        if (c == '\n')
            end_record(reader);
        return !reader->failed;
    }
    if (reader->state == ESCAPE_CLOSED)
        return fail(reader, reader->line, "bytes after a closing quote");
    if (quotes && c == QUOTE) {
        if (reader->state == ESCAPE_BARE)
            return fail(reader, reader->line, "a quote inside a bare value");
        reader->state = ESCAPE_QUOTED;
        return true;
    }
    buf_add_char(&reader->bytes, c);
    reader->state = ESCAPE_BARE;
    return true;
}

static bool
feed_escaped(CsvReader *reader, Text piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        bool inside = reader->state == ESCAPE_QUOTED || reader->state == ESCAPE_BACKSLASH;

        reader->in_record = true;
        if (!(inside ? escaped_quoted(reader, piece.data[i]) : escaped_bare(reader, piece.data[i])))
            return false;
        if (piece.data[i] != '\n')
            continue;
        reader->line++;
        if (!reader->in_record)
            reader->record_line = reader->line;
    }
    return true;
}

bool
block_csv_feed(CsvReader *reader, Text piece, Error *err)
{
    bool ok;

    if (reader->failed)
        return error_set(err, ERR_INTERNAL, "%s: read on after an error", reader->path);
    reader->err = err;
    ok = reader->style == CSV_QUOTED ? feed_quoted(reader, piece) : feed_escaped(reader, piece);
    reader->err = NULL;
    return ok;
}

bool
block_csv_finish(CsvReader *reader, Error *err)
{
    if (reader->failed)
        return error_set(err, ERR_INTERNAL, "%s: read on after an error", reader->path);
    if (!reader->in_record)
        return true;
    reader->failed = true;
    return error_set(err, ERR_DATA, "%s:%" PRIu64 ": the last line is cut off", reader->path,
        reader->record_line);
}

uint64_t
block_csv_line(const CsvReader *reader)
{
    return reader->record_line;
}
