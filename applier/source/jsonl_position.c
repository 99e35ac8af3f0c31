#include "source/jsonl_position.h"

#include <inttypes.h>

#include "source/wal2json.h"

/* Cut the part behind the last ":" off; TEXT_NONE when there is none. */
static Text
cut_last(Text *text)
{
    for (size_t i = text->len; i > 0; i--)
        if (text->data[i - 1] == ':') {
            Text part = {text->data + i, text->len - i};

            text->len = i - 1;
            return part;
        }
    return TEXT_NONE;
}

static bool
parse_check(Text text, uint64_t *ret_check)
{
    uint64_t check = 0;

    for (size_t i = 0; i < text.len; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = text.data[i] == '\0' ? NULL : strchr(digits, text.data[i]);

        if (digit == NULL)
            return false;
        check = check << 4 | (uint64_t)(digit - digits);
    }
    *ret_check = check;
    return text.len == 16;
}

bool
jsonl_position_parse(Text text, JsonlPosition *ret_position, Error *err)
{
    Text rest = text;
    Text last = cut_last(&rest);
    LinesPlace *place = &ret_position->place;

    ret_position->has_lsn = wal2json_parse_lsn(last, &ret_position->lsn);
    if (ret_position->has_lsn)
        last = cut_last(&rest);
    if (!parse_check(last, &place->check) || !text_to_u64(cut_last(&rest), &place->line) ||
        !text_to_u64(cut_last(&rest), &place->offset) || rest.len == 0)
        return error_set(err, ERR_SOURCE,
            "position \"" TEXT_FMT "\" is not one of source jsonl (file:offset:line:check)",
            TEXT_ARG(text));
    place->file = rest;
    return true;
}

void
jsonl_position_format(const JsonlPosition *position, Buf *text)
{
    const LinesPlace *place = &position->place;

    text->len = 0;
    buf_add_text(text, place->file);
    buf_addf(
        text, ":%" PRIu64 ":%" PRIu64 ":%016" PRIx64, place->offset, place->line, place->check);
    if (position->has_lsn)
        buf_addf(text, ":%" PRIX32 "/%" PRIX32, (uint32_t)(position->lsn >> 32),
            (uint32_t)position->lsn);
}
