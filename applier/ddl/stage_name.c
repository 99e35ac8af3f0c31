#include "ddl/stage_name.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define HASH_LEN 17 /* "~" and 16 digits */

/* "~" and hex digits at the end: could be our own suffix. */
static bool
looks_suffixed(Text base)
{
    size_t at = base.len;

    while (at > 0 && isxdigit((unsigned char)base.data[at - 1]))
        at--;
    return at > 0 && at < base.len && base.data[at - 1] == '~';
}

static size_t
whole_characters(Text text, size_t len)
{
    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

Text
stage_table_name(const SqlDialect *dialect, Text prefix, Text base, uint64_t ordinal, Arena *arena)
{
    CLEANUP(buf_clear) Buf full = BUF_INIT;
    char suffix[24] = "";
    size_t limit = dialect->name_limit;
    size_t room;
    size_t len;

    if (ordinal > 1)
        (void)snprintf(suffix, sizeof(suffix), "~%" PRIu64, ordinal);
    buf_add_text(&full, prefix);
    buf_add_text(&full, base);
    room = limit == 0 ? SIZE_MAX : limit - strlen(suffix);
    if (full.len <= room && !looks_suffixed(base))
        return text_of(arena_printf(arena, "%s%s", buf_string(&full), suffix));
    len = whole_characters(buf_text(&full), MIN(full.len, room - HASH_LEN));
    return text_of(arena_printf(arena, "%.*s~%016" PRIx64 "%s", (int)len, full.data,
        (uint64_t)XXH3_64bits(full.data, full.len), suffix));
}
