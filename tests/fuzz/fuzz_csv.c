/*
 * CSV lines of any style: reading never overruns, does not depend on where the pieces end, and what
 * was read and is written again reads the same. The first byte chooses style and piece length.
 */
#include <stdlib.h>

#include "block/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Written {
    Buf text; /* the records, as Dray writes them */
} Written;

static bool
write_again(void *context, const Value *values, size_t count, Error *err)
{
    Written *written = context;

    (void)err;
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == VALUE_NULL)
            block_csv_add_null(&written->text, TEXT("null"));
        else
            block_csv_add_value(&written->text, values[i].text);
    }
    block_csv_end_line(&written->text);
    return true;
}

static bool
read_all(CsvStyle style, Text input, size_t piece, Buf *ret)
{
    CsvDialect dialect = {.style = style, .null_word = TEXT("null")};
    Written written = {BUF_INIT};
    CsvReader *reader = block_csv_new(&dialect, "fuzz", write_again, &written);
    bool ok = true;
    Error err;

    for (size_t at = 0; ok && at < input.len; at += piece)
        ok = block_csv_feed(reader, (Text){input.data + at, MIN(piece, input.len - at)}, &err);
    ok = ok && block_csv_finish(reader, &err);
    block_csv_free(reader);
    *ret = written.text;
    return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Buf whole = BUF_INIT;
    Buf pieces = BUF_INIT;
    Buf again = BUF_INIT;
    CsvStyle style;
    Text input;
    bool ok;

    if (size < 1)
        return 0;
    style = (CsvStyle)(data[0] % 3);
    input = (Text){(const char *)data + 1, size - 1};
    ok = read_all(style, input, input.len + 1, &whole);
    if (read_all(style, input, 1U + data[0] / 3, &pieces) != ok ||
        !text_equal(buf_text(&whole), buf_text(&pieces)))
        abort();
    if (ok && (!read_all(CSV_QUOTED, buf_text(&whole), 64, &again) ||
                  !text_equal(buf_text(&whole), buf_text(&again))))
        abort();
    if (ok && style == CSV_QUOTED && !text_equal(input, buf_text(&whole)))
        abort();
    buf_clear(&whole);
    buf_clear(&pieces);
    buf_clear(&again);
    return 0;
}
