#include "block/dialect.h"

#include <assert.h>

static const char *const header_names[HEADER_COUNT] = {
    [HEADER_OPCODE] = "opcode",
    [HEADER_SEQNO] = "seqno",
    [HEADER_ROW_ID] = "row_id",
    [HEADER_TIMESTAMP] = "timestamp",
    [HEADER_SERVICE] = "service",
    [HEADER_UNCHANGED] = "unchanged",
};

const char *
header_column_name(HeaderColumn column)
{
    assert(column < HEADER_COUNT);
    return header_names[column];
}

bool
header_column_parse(Text name, HeaderColumn *ret_column)
{
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        if (text_is(name, header_names[i])) {
            *ret_column = (HeaderColumn)i;
            return true;
        }
    }
    return false;
}

size_t
dialect_header_at(const CsvDialect *dialect, HeaderColumn column)
{
    size_t at = 0;

    while (at < dialect->header_count && dialect->header[at] != column)
        at++;
    return at;
}
