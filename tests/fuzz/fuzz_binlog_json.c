/*
 * fuzz_binlog_json.c - MySQL's binary JSON and JSON diffs: whatever the bytes are, they end in a
 * text of UTF-8 or an error, and what they take does not grow faster than they do
 *
 * The input is a value with its length (2 bytes, big-endian) in front, and diffs.
 */
#include <stdlib.h>

#include "source/binlog/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as the bytes: one that is read behind them is found. */
static char *
copy_of(Text bytes)
{
    char *copy = malloc(bytes.len + (bytes.len == 0));

    if (copy == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

static void
check(bool is_done, const Buf *out, size_t size)
{
    if (is_done && !text_is_utf8(buf_text(out), NULL))
        abort();
    /* a byte becomes six at most (\u0000), an entry of three bytes a number of 24 and a comma */
    if (out->len > 400 + 24 * size)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Reader reader = reader_of(data, size);
    size_t len = reader_be16(&reader);
    Text value = reader_bytes(&reader, MIN(len, size - reader.at));
    Text diffs = reader_bytes(&reader, size - reader.at);
    char *value_copy = copy_of(value);
    char *diffs_copy = copy_of(diffs);
    Error err;

    value.data = value_copy;
    diffs.data = diffs_copy;
    check(binlog_json_print(value, &out, &err), &out, size);
    buf_reset(&out, 0);
    check(binlog_json_apply(value, diffs, &out, &err), &out, size);
    free(value_copy);
    free(diffs_copy);
    return 0;
}
