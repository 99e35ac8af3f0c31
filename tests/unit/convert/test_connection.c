/* Connection strings keep everything but their secrets. */
#include "convert/connection.h"
#include "support/test.h"

static void
check(const char *text, const char *expected, size_t expected_secrets)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    size_t secrets;

    assert_true(connection_without_secrets(text_of(text), "PW", &out, &secrets, &reason));
    assert_text(buf_text(&out), expected);
    assert_int_equal(secrets, expected_secrets);
    assert_int_equal(reason.len, 0);
}

static void
check_refused(const char *text, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    size_t secrets;

    assert_false(connection_without_secrets(text_of(text), "PW", &out, &secrets, &reason));
    assert_string_equal(buf_string(&reason), expected);
}

static void
words_and_values_keep_their_form(void **state)
{
    (void)state;
    check("", "", 0);
    check("dbname=a", "dbname=a", 0);
    check("  dbname = 'a b'  user= x\\ y port='' ", "  dbname = 'a b'  user= x\\ y port='' ", 0);
    check("dbname='it\\'s password=x'", "dbname='it\\'s password=x'", 0);
    check("options='-c x=${y}'", "options='-c x=$${y}'", 0);
    check("passfile=/x requirepassword=1", "passfile=/x requirepassword=1", 0);
}

static void
passwords_become_a_variable(void **state)
{
    (void)state;
    check("dbname=a password=secret user=b", "dbname=a password='${PW}' user=b", 1);
    check("password = 'se\\'c ret' dbname=a", "password = '${PW}' dbname=a", 1);
    check("password=a\\ b", "password='${PW}'", 1);
    check("password=secret\ndbname=a", "password='${PW}'\ndbname=a", 1);
    check("password='' dbname=a", "password='' dbname=a", 0);
    check("sslpassword=secret password=x", "sslpassword='${PW_SSL}' password='${PW}'", 2);
}

static void
uris_lose_theirs_in_front_of_the_host_and_behind_it(void **state)
{
    (void)state;
    check("postgresql://h/d", "postgresql://h/d", 0);
    check("postgres://u@h:5432/d?x=y", "postgres://u@h:5432/d?x=y", 0);
    check("postgres://u:secret@h/d", "postgres://u:${PW}@h/d", 1);
    check("postgres://u:se?cret@h/d", "postgres://u:${PW}@h/d", 1);
    check("postgres://u:@h/d", "postgres://u:@h/d", 0);
    check("postgres:///d?password=secret&user=b&sslpassword=s",
        "postgres:///d?password=${PW}&user=b&sslpassword=${PW_SSL}", 2);
    check("postgres://h/d?password=a@b/c", "postgres://h/d?password=${PW}", 1);
    check("postgres://h/d?options=a@b&password=", "postgres://h/d?options=a@b&password=", 0);
    check("postgres://", "postgres://", 0);
}

static void
what_libpq_could_not_read_is_refused_and_not_shown(void **state)
{
    const char *quote = "a quote in the connection string does not end";
    const char *equals = "an option of the connection string has no \"=\"";

    (void)state;
    check_refused("password='secret", quote);
    check_refused("password='secret\\'", quote);
    check_refused("dbname=x secret", equals);
    check_refused("secret", equals);
    check_refused("dbname", equals);
    check_refused("postgres://u:se/cret@h/d",
        "in the URI \"/\" stands before \"@\": write them as %2F and %40");
    check_refused(
        "postgres://u:se@cret@h/d", "in the URI \"@\" stands twice: write the first one as %40");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_values_keep_their_form),
        cmocka_unit_test(passwords_become_a_variable),
        cmocka_unit_test(uris_lose_theirs_in_front_of_the_host_and_behind_it),
        cmocka_unit_test(what_libpq_could_not_read_is_refused_and_not_shown),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
