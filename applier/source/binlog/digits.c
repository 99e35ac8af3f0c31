#include "source/binlog/digits.h"

#include <assert.h>

/* "00" "01" ... "99" */
#define TENS(t) t "0" t "1" t "2" t "3" t "4" t "5" t "6" t "7" t "8" t "9"
static const char decimal_pairs[] = TENS("0") TENS("1") TENS("2") TENS("3") TENS("4") TENS("5")
    TENS("6") TENS("7") TENS("8") TENS("9");

/* "00" "01" ... "ff" */
#define SIXTEENS(t) TENS(t) t "a" t "b" t "c" t "d" t "e" t "f"
static const char hex_pairs[] = SIXTEENS("0") SIXTEENS("1") SIXTEENS("2") SIXTEENS("3")
    SIXTEENS("4") SIXTEENS("5") SIXTEENS("6") SIXTEENS("7") SIXTEENS("8") SIXTEENS("9")
        SIXTEENS("a") SIXTEENS("b") SIXTEENS("c") SIXTEENS("d") SIXTEENS("e") SIXTEENS("f");

char *
binlog_print_two(char *to, unsigned number)
{
    assert(number < 100);
    memcpy(to, decimal_pairs + 2 * (size_t)number, 2);
    return to + 2;
}

char *
binlog_print_u64(char *to, uint64_t number)
{
    char digits[BINLOG_DIGITS_I64];
    char *at = digits + sizeof(digits);
    size_t len;

    while (number >= 100) {
        at -= 2;
        memcpy(at, decimal_pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(at, decimal_pairs + 2 * number, 2);
    } else {
        *--at = (char)('0' + number);
    }
    len = (size_t)(digits + sizeof(digits) - at);
    memcpy(to, at, len);
    return to + len;
}

char *
binlog_print_i64(char *to, int64_t number)
{
    if (number >= 0)
        return binlog_print_u64(to, (uint64_t)number);
    *to++ = '-';
    return binlog_print_u64(to, 0 - (uint64_t)number);
}

char *
binlog_print_padded(char *to, uint32_t number, unsigned count)
{
    for (unsigned left = count; left > 0; left--) {
        to[left - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    assert(number == 0);
    return to + count;
}

char *
binlog_print_hex(char *to, Text bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        memcpy(to, hex_pairs + 2 * (size_t)(uint8_t)bytes.data[i], 2);
        to += 2;
    }
    return to;
}

uint64_t
binlog_read_le(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    for (size_t i = size; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

uint64_t
binlog_read_be(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}
