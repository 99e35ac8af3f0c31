#include "source/binlog/address.h"

#include "source/binlog/digits.h"

#define WORDS 8

char *
binlog_print_uuid(char *to, const uint8_t bytes[16])
{
    static const size_t ends[] = {4, 6, 8, 10, 16};
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (i > 0)
            *to++ = '-';
        to = binlog_print_hex(to, (Text){(const char *)bytes + at, ends[i] - at});
        at = ends[i];
    }
    return to;
}

char *
binlog_print_inet4(char *to, const uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            *to++ = '.';
        to = binlog_print_u64(to, bytes[i]);
    }
    return to;
}

static char *
print_word(char *to, unsigned word)
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 12;

    while (shift > 0 && word >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        *to++ = digits[word >> shift & 15];
        if (shift == 0)
            return to;
    }
}

/* Where the longest run of zeros begins, and its length; 0: there is none. */
static size_t
longest_gap(const unsigned words[WORDS], size_t *ret_begin)
{
    size_t longest = 0;
    size_t run = 0;

    *ret_begin = WORDS;
    for (size_t i = 0; i < WORDS; i++) {
        run = words[i] == 0 ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            *ret_begin = i + 1 - run;
        }
    }
    return longest;
}

char *
binlog_print_inet6(char *to, const uint8_t bytes[16])
{
    unsigned words[WORDS];
    size_t gap;
    size_t gap_len;
    bool has_inet4;

    for (size_t i = 0; i < WORDS; i++)
        words[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    gap_len = longest_gap(words, &gap);
    has_inet4 = gap == 0 && (gap_len == 6 || (gap_len == 5 && words[5] == 0xFFFF));
    for (size_t i = 0; i < WORDS;) {
        if (i == gap) {
            *to++ = ':';
            i += gap_len;
            if (i == WORDS)
                *to++ = ':';
            continue;
        }
        if (i > 0)
            *to++ = ':';
        if (has_inet4 && i == 6)
            return binlog_print_inet4(to, bytes + 12);
        to = print_word(to, words[i++]);
    }
    return to;
}
