/*
 * fuzz_wal2json.c - lines of a log: whatever they are, decoding them ends in a change or an error
 *
 * The input is split at line ends and goes through one decoder, so that shapes and keys learned
 * from one line meet the next ones. Of a change the shape's names and all values are touched.
 */
#include <stdlib.h>

#include "source/json.h"
#include "source/wal2json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
touch_values(const Value *values, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; values != NULL && i < count; i++)
        if (values[i].kind == VALUE_TEXT) {
            size_t bad;

            if (!text_is_utf8(values[i].text, &bad))
                abort();
            sum += values[i].text.len;
        }
    return sum;
}

static void
touch(const WalLine *line)
{
    const Table *table = line->change.table;
    static volatile size_t sink;
    size_t sum = 0;

    if (line->action != WAL_CHANGE)
        return;
    if (!text_equal(table->name, line->table) || !text_equal(table->schema, line->schema))
        abort();
    for (size_t i = 0; i < table->column_count; i++)
        sum += table->columns[i].name.len + table->columns[i].type.len;
    sum += touch_values(line->change.after, table->column_count);
    sum += touch_values(line->change.before, table->column_count);
    sink = sum;
    (void)sink;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(wal2json_free) Wal2json *decoder = wal2json_new();
    size_t at = 0;

    while (at < size) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - data) - at;
        /* exactly as long as the line: a byte read behind it is found */
        char *line = malloc(len + (len == 0));
        WalLine decoded;
        Error err;
        bool valid;

        if (line == NULL)
            abort();
        memcpy(line, data + at, len);
        valid = source_json_is_object((Text){line, len}, &err);
        if (wal2json_decode(decoder, line, len, &decoded, &err)) {
            /* what decodes is valid JSON */
            if (!valid)
                abort();
            touch(&decoded);
        }
        free(line);
        at += len + 1;
    }
    return 0;
}
