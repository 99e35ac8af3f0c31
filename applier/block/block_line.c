#include "block/block_line.h"

#include "block/notation.h"

#define KEPT_MEMORY ((size_t)1 << 20)

void
line_style_clear(LineStyle *style)
{
    buf_clear(&style->scratch);
}

void
line_style_trim(LineStyle *style)
{
    buf_reset(&style->scratch, KEPT_MEMORY);
}

static void
add_number(Buf *line, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    block_csv_add_value(line, (Text){digits + at, sizeof(digits) - at});
}

void
line_add_header(const LineStyle *style, const LineHeader *header, Buf *line)
{
    for (size_t i = 0; i < style->dialect->header_count; i++) {
        switch (style->dialect->header[i]) {
        case HEADER_OPCODE:
            block_csv_add_value(line, text_of(opcode_name(header->opcode)));
            break;
        case HEADER_SEQNO:
            add_number(line, header->seqno);
            break;
        case HEADER_ROW_ID:
            add_number(line, header->row_id);
            break;
        case HEADER_TIMESTAMP:
            block_csv_add_value(line, header->timestamp);
            break;
        case HEADER_SERVICE:
            block_csv_add_value(line, header->service);
            break;
        case HEADER_UNCHANGED:
            if (header->unchanged.data == NULL)
                block_csv_add_null(line, style->dialect->null_word);
            else
                block_csv_add_value(line, header->unchanged);
            break;
        case HEADER_COUNT:
            break;
        }
    }
}

bool
line_add_value(LineStyle *style, LogicalType type, Value value, Buf *line, Error *err)
{
    const CsvDialect *dialect = style->dialect;
    bool is_null = value.kind != VALUE_TEXT;

    style->scratch.len = 0;
    if (!is_null && !notation_write(&dialect->notation, style->values, type, value.text,
                        &style->scratch, &is_null, err))
        return false;
    if (is_null)
        block_csv_add_null(line, dialect->null_word);
    else
        block_csv_add_value(line, buf_text(&style->scratch));
    return true;
}

void
line_add_written(const LineStyle *style, Value value, Buf *line)
{
    if (value.kind == VALUE_TEXT)
        block_csv_add_value(line, value.text);
    else
        block_csv_add_null(line, style->dialect->null_word);
}
