#include "source/binlog/decimal.h"

#include "source/binlog/digits.h"

#define GROUP_DIGITS 9
#define GROUP_BYTES  4

/* Bytes by number of digits. */
static const uint8_t group_bytes[GROUP_DIGITS + 1] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
static const uint32_t powers[GROUP_DIGITS + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static size_t
side_size(unsigned digits)
{
    return (size_t)(digits / GROUP_DIGITS) * GROUP_BYTES + group_bytes[digits % GROUP_DIGITS];
}

size_t
binlog_decimal_size(unsigned precision, unsigned scale)
{
    if (precision == 0 || precision > BINLOG_DECIMAL_DIGITS || scale > precision)
        return 0;
    return side_size(precision - scale) + side_size(scale);
}

typedef struct Groups {
    const uint8_t *at;
    uint8_t first_flip; /* what turns the first byte's highest bit back */
    uint8_t flip;       /* 0xFF below zero */
} Groups;

static bool
next_group(Groups *groups, unsigned digits, uint32_t *ret_group, Error *err)
{
    uint32_t group = 0;

    for (size_t left = group_bytes[digits]; left > 0; left--) {
        group = group << 8 | (uint8_t)(*groups->at++ ^ groups->flip ^ groups->first_flip);
        groups->first_flip = 0;
    }
    if (group >= powers[digits])
        return error_set(err, ERR_DATA,
            "a decimal number with the group %u, which has more than "
            "%u digits",
            (unsigned)group, digits);
    *ret_group = group;
    return true;
}

/* No zeros in front, but for a single one. */
static bool
print_whole(Groups *groups, unsigned digits, char **to, Error *err)
{
    unsigned count = digits % GROUP_DIGITS == 0 ? GROUP_DIGITS : digits % GROUP_DIGITS;
    bool begun = false;
    char *out = *to;
    uint32_t group = 0;

    for (; digits > 0; digits -= count, count = GROUP_DIGITS) {
        if (!next_group(groups, count, &group, err))
            return false;
        if (begun)
            out = binlog_print_padded(out, group, count);
        else if (group != 0)
            out = binlog_print_u64(out, group);
        begun = begun || group != 0;
    }
    if (!begun)
        *out++ = '0';
    *to = out;
    return true;
}

static bool
print_fraction(Groups *groups, unsigned digits, char **to, Error *err)
{
    char *out = *to;
    uint32_t group = 0;
    unsigned count;

    *out++ = '.';
    for (; digits > 0; digits -= count) {
        count = MIN(digits, (unsigned)GROUP_DIGITS);
        if (!next_group(groups, count, &group, err))
            return false;
        out = binlog_print_padded(out, group, count);
    }
    *to = out;
    return true;
}

bool
binlog_decimal_print(
    const uint8_t *image, unsigned precision, unsigned scale, char **to, Error *err)
{
    bool negative = (image[0] & 0x80) == 0;
    Groups groups = {image, 0x80, negative ? 0xFF : 0};
    char *out = *to;

    if (negative)
        *out++ = '-';
    if (!print_whole(&groups, precision - scale, &out, err))
        return false;
    if (scale > 0 && !print_fraction(&groups, scale, &out, err))
        return false;
    *to = out;
    return true;
}
