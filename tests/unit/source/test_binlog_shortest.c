#include "source/binlog/shortest.h"

#include "binlog_random.h"
#include "support/test.h"

/* A double of digits in the middle range, or of any bits. */
static double
random_double(uint64_t *random)
{
    uint64_t bits = next_random(random);
    double number;

    if (bits % 4 == 0)
        return (double)(next_random(random) % 10000000) / 100;
    if (bits % 4 == 1)
        bits &= ~((UINT64_C(1) << 52) - 1); /* powers of two have uneven neighbours */
    bits = next_random(random) % 2 == 0 ? bits : next_random(random);
    memcpy(&number, &bits, sizeof(number));
    return number - number == 0 ? number : 1;
}

/* The next number away from zero, or towards it. */
static double
neighbour(double number, bool single, int step)
{
    float small = (float)number;
    uint32_t small_bits;
    uint64_t bits;

    memcpy(&small_bits, &small, sizeof(small_bits));
    memcpy(&bits, &number, sizeof(bits));
    small_bits += (uint32_t)step;
    bits += (uint64_t)step;
    memcpy(&small, &small_bits, sizeof(small));
    memcpy(&number, &bits, sizeof(number));
    return single ? (double)small : number;
}

/* Does the text lie in the middle between the number and a neighbour? */
static bool
is_middle(const char *text, double number, bool single)
{
    long double value = strtold(text, NULL);

    return value == ((long double)number + neighbour(number, single, 1)) / 2 ||
           value == ((long double)number + neighbour(number, single, -1)) / 2;
}

/* Fewest digits that read back, by trying. */
static int
fewest_digits(double number, bool single)
{
    char text[64];

    for (int digits = 1; digits < 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*e", digits - 1, number);
        if ((single ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number) &&
            !is_middle(text, number, single))
            return digits;
    }
    return 17;
}

static int
count_digits(const char *text)
{
    int count = 0;
    int zeros = 0; /* at the end */

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && count == 0))
            continue;
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return MAX(count - zeros, 1);
}

static void
random_floats_read_back_and_have_no_digit_too_many(void **state)
{
    uint64_t random = random_seed();

    (void)state;
    for (int i = 0; i < 30000; i++) {
        double number = random_double(&random);
        float single = (float)number;
        char text[BINLOG_SHORTEST_TEXT + 1];
        double parsed;

        *binlog_print_double(text, number) = '\0';
        assert_true(strtod(text, NULL) == number);
        assert_true(count_digits(text) <= fewest_digits(number, false));
        assert_true(binlog_parse_double(text_of(text), &parsed));
        assert_memory_equal(&parsed, &number, sizeof(number));
        if (single - single != 0)
            continue;
        *binlog_print_float(text, single) = '\0';
        assert_true(strtof(text, NULL) == single);
        assert_true(count_digits(text) <= fewest_digits((double)single, true));
    }
}

static void
texts_that_are_no_number_are_no_double(void **state)
{
    static const char *const words[] = {
        "", "-", ".", "1x", "nan", "inf", "0x10", "1e", "--1", "1.2.3", " 1", "1 "};
    double number;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_false(binlog_parse_double(text_of(words[i]), &number));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_floats_read_back_and_have_no_digit_too_many),
        cmocka_unit_test(texts_that_are_no_number_are_no_double),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
