#include "source/pgq/arguments.h"

#include "support/test.h"

static bool
check(const char **items, size_t count, Error *err)
{
    const TextList list = {items, count};

    return pgq_arguments_check(&list, err);
}

static void
every_argument_of_pgq_is_taken(void **state)
{
    const char *items[] = {"backup", "deny", "SKIP", "ignore=a,b", "pkey=id", "when=a = 'x=y'",
        "ev_type=a", "ev_data=a", "ev_extra1=a", "ev_extra2=a", "ev_extra3=a", "ev_extra4=a"};
    const TextList list = {items, ARRAY_LEN(items)};
    Error err;

    (void)state;
    assert_ok(check(items, ARRAY_LEN(items), &err), err);
    assert_ok(check(items, 0, &err), err);
    assert_text(pgq_arguments_find(&list, "when"), "a = 'x=y'");
    assert_text(pgq_arguments_find(&list, "deny"), "");
    assert_null(pgq_arguments_find(&list, "ev_extra5").data);
}

static void
others_are_refused_by_their_name(void **state)
{
    static const struct {
        const char *items[2];
        const char *text;
    } cases[] = {
        {{"backup", "Backup"},
            "source: trigger_arguments: \"Backup\" is none of PgQ's: backup, deny, SKIP, ignore=, "
            "pkey=, when=, ev_type=, ev_data=, ev_extra1= to ev_extra4="},
        {{"backup", "ignore"}, "source: trigger_arguments: \"ignore\" lacks its value (ignore=…)"},
        {{"backup", "pkey="}, "source: trigger_arguments: \"pkey=\" lacks its value (pkey=…)"},
        {{"backup", "deny=1"}, "source: trigger_arguments: \"deny=1\": deny is a word alone"},
        {{"ignore=a", "ignore=b"}, "source: trigger_arguments: ignore comes twice"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *items[2] = {cases[i].items[0], cases[i].items[1]};
        Error err;

        assert_false(check(items, 2, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.text, cases[i].text);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_argument_of_pgq_is_taken),
    cmocka_unit_test(others_are_refused_by_their_name),
};

TEST_MAIN(tests)
