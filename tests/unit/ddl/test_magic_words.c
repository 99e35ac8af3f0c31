#include "ddl/magic_words.h"

#include "support/test.h"

/* a Text in an initialiser */
#define T(literal)                     \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

static const Text key[] = {T("id"), T("Code \"x\"")};
static const MagicWords plain = {T("public"), T("orders_2016_03_11"), T("orders"), key, 1};
static const MagicWords odd = {T("a.b"), T("o'_PKEY\"_1"), T("x_PARENT"), key, 2};

typedef struct Case {
    const SqlDialect *sql;
    const MagicWords *words;
    const char *text;
    const char *filled;
} Case;

static void
check(const Case *cases, size_t count)
{
    CLEANUP(arena_free) Arena *arena = arena_new();

    for (size_t i = 0; i < count; i++)
        assert_text(magic_words_fill(text_of(cases[i].text), cases[i].sql, cases[i].words, arena),
            cases[i].filled);
}

#define PG &sql_dialect_postgres

static void
templates_of_cube_dispatcher_are_filled(void **state)
{
    static const Case cases[] = {
        {PG, &plain,
            "create table _DEST_TABLE (like _PARENT);\n"
            "alter table only _DEST_TABLE add primary key (_PKEY);",
            "create table \"public\".\"orders_2016_03_11\" (like \"public\".\"orders\");\n"
            "alter table only \"public\".\"orders_2016_03_11\" add primary key (\"id\");"},
        {PG, &plain, "create index _SCHEMA_TABLE_idx on _DEST_TABLE (x);",
            "create index \"public__orders_2016_03_11_idx\" on "
            "\"public\".\"orders_2016_03_11\" (x);"},
        {PG, &plain, "create table _DEST_TABLE () inherits (_PARENT)",
            "create table \"public\".\"orders_2016_03_11\" () inherits (\"public\".\"orders\")"},
        {&sql_dialect_mysql, &plain, "create table _DEST_TABLE like _PARENT",
            "create table `public`.`orders_2016_03_11` like `public`.`orders`"},
        {&sql_dialect_sqlite, &plain, "create index _SCHEMA_TABLE on _DEST_TABLE (_PKEY)",
            "create index \"public__orders_2016_03_11\" on \"orders_2016_03_11\" (\"id\")"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
only_whole_words_are_replaced_and_what_was_put_in_is_not_looked_at(void **state)
{
    static const Case cases[] = {
        {PG, &odd, "_DEST_TABLE|_PARENT|_PKEY",
            "\"a.b\".\"o'_PKEY\"\"_1\"|\"a.b\".\"x_PARENT\"|\"id\", \"Code \"\"x\"\"\""},
        {PG, &odd, "a_PKEY _PKEYS _PARENT1 x_DEST_TABLE _DEST_TABLE_x \xc3\xa4_PKEY _PKEY$",
            "a_PKEY _PKEYS _PARENT1 x_DEST_TABLE _DEST_TABLE_x \xc3\xa4_PKEY _PKEY$"},
        {PG, &odd, "(_PARENT)._PKEY", "(\"a.b\".\"x_PARENT\").\"id\", \"Code \"\"x\"\"\""},
        {PG, &plain, "_pkey _Parent", "_pkey _Parent"},
        {PG, &plain, "%%_PKEY%% %%PKEY%%", "%%_PKEY%% %%PKEY%%"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
names_are_built_of_schema_and_table(void **state)
{
    static const Case cases[] = {
        {PG, &odd, "_SCHEMA_TABLE", "\"a__b__o'_PKEY\"\"_1\""},
        {PG, &odd, "i_SCHEMA_TABLE_x", "\"ia__b__o'_PKEY\"\"_1_x\""},
        {PG, &odd, "\"i_SCHEMA_TABLE\"", "\"ia__b__o'_PKEY\"\"_1\""},
        {PG, &odd, "'_SCHEMA_TABLE_idx'", "'a__b__o''_PKEY\"_1_idx'"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
a_built_name_that_is_too_long_gets_a_hash_and_stays_apart(void **state)
{
    static const MagicWords first = {T("public"),
        T("a_table_with_a_name_that_takes_most_of_the_room_2016_03_11"), T("a"), key, 1};
    static const MagicWords second = {T("public"),
        T("a_table_with_a_name_that_takes_most_of_the_room_2016_03_12"), T("a"), key, 1};
    CLEANUP(arena_free) Arena *arena = arena_new();
    Text one = magic_words_fill(TEXT("_SCHEMA_TABLE_idx"), PG, &first, arena);
    Text two = magic_words_fill(TEXT("_SCHEMA_TABLE_idx"), PG, &second, arena);

    (void)state;
    assert_int_equal(one.len, 65);
    assert_int_equal(two.len, 65);
    assert_false(text_equal(one, two));
}

static void
strings_and_quoted_names_get_the_bare_text(void **state)
{
    static const Case cases[] = {
        {PG, &odd, "'in _DEST_TABLE, _PKEY'", "'in a.b.o''_PKEY\"_1, id, Code \"x\"'"},
        {PG, &odd, "'x_PKEY''_PARENT''y'", "'x_PKEY''a.b.x_PARENT''y'"},
        {PG, &odd, "\"_PKEY\" \"of _PARENT\"", "\"id, Code \"\"x\"\"\" \"of a.b.x_PARENT\""},
        {&sql_dialect_mysql, &odd, "`_DEST_TABLE`", "`a.b.o'_PKEY\"_1`"},
        {&sql_dialect_mysql, &odd, "\"_DEST_TABLE\"", "\"a.b.o'_PKEY\"\"_1\""},
        {&sql_dialect_sqlite, &odd, "[_PKEY]", "\"id, Code \"\"x\"\"\""},
        {&sql_dialect_sqlite, &odd, "[a\"b] [a\"_PARENT]", "[a\"b] \"a\"\"a.b.x_PARENT\""},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
backslashes_are_doubled_where_they_mean_something(void **state)
{
    static const MagicWords words = {T(""), T("a\\'b"), T("p"), key, 1};
    static const Case cases[] = {
        {&sql_dialect_mysql, &words, "'_DEST_TABLE'", "'a\\\\''b'"},
        {PG, &words, "'_DEST_TABLE'", "'a\\''b'"},
        {PG, &words, "E'_DEST_TABLE'", "E'a\\\\''b'"},
        {PG, &words, "_DEST_TABLE", "\"a\\'b\""},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
comments_stay_and_lines_stay_where_they_are(void **state)
{
    static const Case cases[] = {
        {PG, &plain, "-- _PKEY\n/* _PARENT\n */ select\n_PKEY -- _DEST_TABLE\n;",
            "-- _PKEY\n/* _PARENT\n */ select\n\"id\" -- _DEST_TABLE\n;"},
        {&sql_dialect_mysql, &plain, "# _PKEY\n/*!50000 _PKEY */", "# _PKEY\n/*!50000 `id` */"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
text_between_dollars_is_code(void **state)
{
    static const MagicWords evil = {T(""), T("a$$; drop"), T("p$dray_1$"), key, 1};
    static const Case cases[] = {
        {PG, &plain, "do $x$ begin execute 'grant select on _DEST_TABLE to _PKEY'; _PKEY end $x$",
            "do $x$ begin execute 'grant select on public.orders_2016_03_11 to id'; \"id\" end "
            "$x$"},
        {PG, &evil, "do $$ _DEST_TABLE $$", "do $dray_1$ \"a$$; drop\" $dray_1$"},
        {PG, &evil, "do $$ _DEST_TABLE _PARENT $$",
            "do $dray_2$ \"a$$; drop\" \"p$dray_1$\" $dray_2$"},
        {PG, &evil, "do $$ x $$", "do $$ x $$"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
the_key_is_asked_for_outside_of_comments(void **state)
{
    static const struct {
        const char *text;
        bool needs;
    } cases[] = {
        {"primary key (_PKEY)", true},
        {"-- _PKEY\n/* _PKEY */ a_PKEY _PKEYS", false},
        {"'(_PKEY)'", true},
        {"\"_PKEY\"", true},
        {"$$_PKEY$$", true},
        {"_DEST_TABLE _PARENT _SCHEMA_TABLE", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(magic_words_need_key(text_of(cases[i].text), PG), cases[i].needs);
}

static void
text_that_does_not_end_is_left_alone(void **state)
{
    static const Case cases[] = {
        {PG, &plain, "'_PKEY", "'_PKEY"},
        {PG, &plain, "\"_PKEY", "\"_PKEY"},
        {PG, &plain, "$$_PKEY", "$$_PKEY"},
        {PG, &plain, "/* _PKEY", "/* _PKEY"},
        {PG, &plain, "'", "'"},
        {PG, &plain, "", ""},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(templates_of_cube_dispatcher_are_filled),
    cmocka_unit_test(only_whole_words_are_replaced_and_what_was_put_in_is_not_looked_at),
    cmocka_unit_test(names_are_built_of_schema_and_table),
    cmocka_unit_test(a_built_name_that_is_too_long_gets_a_hash_and_stays_apart),
    cmocka_unit_test(strings_and_quoted_names_get_the_bare_text),
    cmocka_unit_test(backslashes_are_doubled_where_they_mean_something),
    cmocka_unit_test(comments_stay_and_lines_stay_where_they_are),
    cmocka_unit_test(text_between_dollars_is_code),
    cmocka_unit_test(the_key_is_asked_for_outside_of_comments),
    cmocka_unit_test(text_that_does_not_end_is_left_alone),
};

TEST_MAIN(tests)
