#include "source/binlog/shortest.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "source/binlog/digits.h"

/*
 * A number is c * 2^q; all decimals between the middles to its neighbours read back as it (the
 * middles themselves only where c is even and the reader rounds to even: PostgreSQL does not take
 * them, MySQL does). With k such that 10^k is at most the width of that interval, either one or two
 * multiples of 10^k or a multiple of 10^(k+1) lie in it: the shortest is one of four candidates.
 * They are found by multiplying the interval's ends with 10^-k, of which 128 bits, rounded up, are
 * enough where the last bit of the product tells whether anything was cut off.
 */
#define POWER_MIN (-292)
#define POWER_MAX 324

typedef struct Power {
    uint64_t high;
    uint64_t low;
} Power;

/* 10^k, its highest bit moved to bit 127, rounded up. 10 KB that are computed in some microseconds
 * rather than written down. */
static Power powers[POWER_MAX - POWER_MIN + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

/* 2^1344 has room for 10^324, and 2^1343 / 10^292 has 373 bits. */
#define LIMBS 42

typedef struct Big {
    uint32_t limbs[LIMBS]; /* the lowest first */
} Big;

static void
big_multiply(Big *big, uint32_t by)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)big->limbs[i] * by;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert(carry == 0);
}

static void
big_divide(Big *big, uint32_t by)
{
    uint64_t rest = 0;

    for (size_t i = LIMBS; i > 0; i--) {
        rest = rest << 32 | big->limbs[i - 1];
        big->limbs[i - 1] = (uint32_t)(rest / by);
        rest %= by;
    }
}

static bool
big_bit(const Big *big, int bit)
{
    return bit >= 0 && (big->limbs[bit / 32] >> (bit % 32) & 1) != 0;
}

/* The 128 highest bits; rounded up where something is below them, or was cut off before. */
static Power
big_power(const Big *big, bool cut)
{
    int top = LIMBS * 32 - 1;
    unsigned __int128 bits = 0;
    Power power;

    while (!big_bit(big, top))
        top--;
    for (int i = 0; i < 128; i++)
        bits = bits << 1 | big_bit(big, top - i);
    for (int i = top - 128; i >= 0 && !cut; i--)
        cut = big_bit(big, i);
    if (cut)
        bits++;
    power.high = (uint64_t)(bits >> 64);
    power.low = (uint64_t)bits;
    return power;
}

static void
compute_powers(void)
{
    Big big = {{1}};

    for (int k = 0; k <= POWER_MAX; k++) {
        powers[k - POWER_MIN] = big_power(&big, false);
        if (k < POWER_MAX)
            big_multiply(&big, 10);
    }
    big = (Big){{0}};
    big.limbs[LIMBS - 1] = UINT32_C(1) << 31;
    for (int k = -1; k >= POWER_MIN; k--) {
        big_divide(&big, 10); /* cutting off again and again cuts off the same in all */
        powers[k - POWER_MIN] = big_power(&big, true);
    }
}

/* floor(log10(2^e)), floor(log10(3/4 2^e)), floor(log2(10^e)), for all exponents that there are. */
static int
log10_of_power2(int e)
{
    return (e * 1262611) >> 22;
}

static int
log10_of_three_quarters(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

static int
log2_of_power10(int e)
{
    return (e * 1741647) >> 19;
}

/* power * factor / 2^128, the last bit set where anything is cut off. */
static uint64_t
scale(Power power, uint64_t factor)
{
    unsigned __int128 low = (unsigned __int128)power.low * factor;
    unsigned __int128 high = (unsigned __int128)power.high * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

typedef struct Decimal {
    uint64_t digits;
    int exponent; /* digits * 10^exponent */
} Decimal;

/* c * 2^q; lopsided: a power of two, whose lower neighbour is half as far away as the upper one. */
static Decimal
shortest_decimal(uint64_t c, int q, bool lopsided, bool takes_middles)
{
    int k = lopsided ? log10_of_three_quarters(q) : log10_of_power2(q);
    int h = q + log2_of_power10(-k) + 1;
    Power power = powers[-k - POWER_MIN];
    uint64_t outside = takes_middles && (c & 1) == 0 ? 0 : 1;
    uint64_t lower = scale(power, (4 * c - (lopsided ? 1 : 2)) << h) + outside;
    uint64_t value = scale(power, (4 * c) << h);
    uint64_t upper = scale(power, (4 * c + 2) << h) - outside;
    uint64_t s = value / 4;
    bool below;
    bool above;

    if (s >= 10) {
        uint64_t tens = s / 10;

        below = lower <= 40 * tens;
        above = 40 * tens + 40 <= upper;
        if (below != above)
            return (Decimal){tens + above, k + 1};
    }
    below = lower <= 4 * s;
    above = 4 * s + 4 <= upper;
    if (below == above) /* both, or none: the closer one, of two as close the even one */
        above = value > 4 * s + 2 || (value == 4 * s + 2 && (s & 1) != 0);
    return (Decimal){s + above, k};
}

static char *
print_exponent(char *to, int exponent)
{
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);

    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    if (size >= 100) {
        *to++ = (char)('0' + size / 100);
        size %= 100;
    }
    return binlog_print_two(to, size);
}

static char *
print_decimal(char *to, Decimal decimal, int fixed_below)
{
    char digits[BINLOG_DIGITS_I64];
    int count;
    int power; /* of the first digit */

    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    count = (int)(binlog_print_u64(digits, decimal.digits) - digits);
    power = decimal.exponent + count - 1;
    if (power < -4 || power >= fixed_below) {
        *to++ = digits[0];
        if (count > 1) {
            *to++ = '.';
            memcpy(to, digits + 1, (size_t)count - 1);
            to += count - 1;
        }
        return print_exponent(to, power);
    }
    if (power < 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = -1; i > power; i--)
            *to++ = '0';
        memcpy(to, digits, (size_t)count);
        return to + count;
    }
    for (int i = 0; i <= MAX(power, count - 1); i++) {
        if (i == power + 1)
            *to++ = '.';
        *to++ = (char)(i < count ? digits[i] : '0');
    }
    return to;
}

static char *
print_special(char *to, bool negative, bool nan)
{
    Text word = nan ? TEXT("NaN") : negative ? TEXT("-Infinity") : TEXT("Infinity");

    memcpy(to, word.data, word.len);
    return to + word.len;
}

static char *
print_double(char *to, double number, bool takes_middles)
{
    uint64_t bits;
    uint64_t fraction;
    int exponent;

    memcpy(&bits, &number, sizeof(bits));
    fraction = bits & ((UINT64_C(1) << 52) - 1);
    exponent = (int)(bits >> 52 & 0x7FF);
    if (exponent == 0x7FF)
        return print_special(to, bits >> 63 != 0, fraction != 0);
    (void)pthread_once(&powers_once, compute_powers);
    if (bits >> 63 != 0)
        *to++ = '-';
    if (exponent == 0 && fraction == 0) {
        *to++ = '0';
        return to;
    }
    if (exponent == 0)
        return print_decimal(to, shortest_decimal(fraction, 1 - 1075, false, takes_middles), 15);
    return print_decimal(to,
        shortest_decimal(fraction | UINT64_C(1) << 52, exponent - 1075,
            fraction == 0 && exponent > 1, takes_middles),
        15);
}

char *
binlog_print_double(char *to, double number)
{
    return print_double(to, number, false);
}

char *
binlog_print_mysql_double(char *to, double number)
{
    return print_double(to, number, true);
}

char *
binlog_print_float(char *to, float number)
{
    uint32_t bits;
    uint32_t fraction;
    int exponent;

    memcpy(&bits, &number, sizeof(bits));
    fraction = bits & ((UINT32_C(1) << 23) - 1);
    exponent = (int)(bits >> 23 & 0xFF);
    if (exponent == 0xFF)
        return print_special(to, bits >> 31 != 0, fraction != 0);
    (void)pthread_once(&powers_once, compute_powers);
    if (bits >> 31 != 0)
        *to++ = '-';
    if (exponent == 0 && fraction == 0) {
        *to++ = '0';
        return to;
    }
    if (exponent == 0)
        return print_decimal(to, shortest_decimal(fraction, 1 - 150, false, false), 6);
    return print_decimal(to,
        shortest_decimal(
            fraction | UINT32_C(1) << 23, exponent - 150, fraction == 0 && exponent > 1, false),
        6);
}

/* Powers of ten that a double holds exactly. */
static const double exact_powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Digits with a point, no exponent, where digits and power of ten are exact as doubles: then one
 * division rounds correctly. */
static bool
parse_simple(Text text, double *ret)
{
    size_t at = text.len > 0 && text.data[0] == '-' ? 1 : 0;
    size_t point = text.len;
    uint64_t digits = 0;
    double number;

    if (text.len == at || text.len > at + 16)
        return false;
    for (size_t i = at; i < text.len; i++) {
        if (text.data[i] == '.' && point == text.len)
            point = i + 1;
        else if (text.data[i] >= '0' && text.data[i] <= '9')
            digits = digits * 10 + (uint64_t)(text.data[i] - '0');
        else
            return false;
    }
    if (digits >= UINT64_C(1) << 53 || point == at + 1)
        return false;
    number = (double)digits / exact_powers[text.len - point];
    *ret = at == 1 ? -number : number;
    return true;
}

bool
binlog_parse_double(Text text, double *ret)
{
    char copy[400]; /* the longest double without an exponent has 309 digits */
    char *end;

    if (parse_simple(text, ret))
        return true;
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0' || strchr("0123456789+-.eE", text.data[i]) == NULL)
            return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret = strtod(copy, &end);
    return end == copy + text.len;
}
