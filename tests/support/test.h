/*
 * test.h - what every C test needs: cmocka with TAP output, and texts in assertions
 */
#pragma once

/* cmocka.h wants these four first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"

#define TEST_MAIN(tests)                                    \
    int main(void)                                          \
    {                                                       \
        cmocka_set_message_output(CM_OUTPUT_TAP);           \
        return cmocka_run_group_tests((tests), NULL, NULL); \
    }

/* The text is exactly this string. */
#define assert_text(text, expected)                               \
    do {                                                          \
        Text text_ = (text);                                      \
        const char *expected_ = (expected);                       \
        char *copy_ = text_dup(text_);                            \
        assert_non_null(copy_);                                   \
        assert_string_equal(copy_, expected_);                    \
        assert_int_equal((int)text_.len, (int)strlen(expected_)); \
        free(copy_);                                              \
    } while (0)

/* The call succeeded; prints the error where it did not. */
#define assert_ok(call, err) ((call) ? (void)0 : test_fail(#call, &(err), __FILE__, __LINE__))

_Noreturn static inline void
test_fail(const char *call, const Error *err, const char *file, int line)
{
    print_error("%s: %s\n", call, err->text);
    _fail(file, line);
    abort(); /* not reached: cmocka jumps, but does not say so */
}

/* A directory of this test's own below $TMPDIR or /tmp; the caller removes it (file_remove_tree).
 */
static inline char *
test_directory(void)
{
    Buf path = BUF_INIT;
    const char *base = getenv("TMPDIR");

    buf_addf(&path, "%s/dray-test-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path.data) == NULL)
        abort();
    return buf_steal(&path);
}
