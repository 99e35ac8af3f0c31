#include "ddl/types.h"

#include "support/test.h"

static const char *
root(void)
{
    const char *given = getenv("DRAY_SOURCE_ROOT");

    return given == NULL ? "." : given;
}

static TypeMap *
parse(const char *yaml, Error *err)
{
    return type_map_parse("t.yaml", text_of(yaml), &sql_dialect_mysql, err);
}

static SourceColumn
column(const char *type)
{
    return (SourceColumn){.name = TEXT("c"),
        .type = text_of(type),
        .type_name = text_of(type),
        .length = -1,
        .precision = -1,
        .scale = -1};
}

static const char *
mapped(const TypeMap *map, const SourceColumn *column, bool in_key, Arena *arena)
{
    MappedType type;
    Error err;

    assert_ok(type_map_column(map, column, in_key, arena, &type, &err), err);
    return arena_printf(arena, TEXT_FMT "|" TEXT_FMT "|" TEXT_FMT, TEXT_ARG(type.type),
        (int)type.warning.len, type.warning.data == NULL ? "" : type.warning.data,
        (int)type.note.len, type.note.data == NULL ? "" : type.note.data);
}

static void
the_first_entry_that_fits_wins(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *map = NULL;
    Error err;
    SourceColumn text = column("text");

    (void)state;
    map = parse("- type: t?xt\n  in_key: true\n  to: varchar(190)\n  warning: too long fails\n"
                "- type: [text, blob]\n  to: longtext\n  note: '%%TYPE%% of %%NAME%%'\n"
                "- type: '*'\n  to: other\n",
        &err);
    assert_ok(map != NULL, err);
    assert_string_equal(mapped(map, &text, true, arena), "varchar(190)|too long fails|");
    assert_string_equal(mapped(map, &text, false, arena), "longtext||text of text");
    text = column("xml");
    assert_string_equal(mapped(map, &text, true, arena), "other||");
}

static void
ranges_ask_for_length_precision_scale_and_digits(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *map = NULL;
    Error err;
    SourceColumn text = column("text");
    SourceColumn number = column("number");

    (void)state;
    map = parse("- {type: text, length: 7, to: seven}\n"
                "- {type: text, length: 1..100, to: 'v(%%LENGTH%%,%%BYTES%%)'}\n"
                "- {type: text, length: none, to: none}\n"
                "- {type: text, length: '101..', to: long}\n"
                "- {type: number, digits: ..10, scale: 0.., to: 'd(%%DIGITS%%,%%SCALE%%)'}\n"
                "- {type: number, digits: 0.., scale: ..-1, to: 'd(%%DIGITS%%) of %%PRECISION%%', "
                "precision: 1..}\n"
                "- {type: number, unsigned: true, to: unsigned}\n"
                "- {type: number, to: any}\n",
        &err);
    assert_ok(map != NULL, err);
    assert_string_equal(mapped(map, &text, false, arena), "none||");
    text.length = 7;
    assert_string_equal(mapped(map, &text, false, arena), "seven||");
    text.length = 100;
    assert_string_equal(mapped(map, &text, false, arena), "v(100,400)||");
    text.length = 101;
    assert_string_equal(mapped(map, &text, false, arena), "long||");
    assert_string_equal(mapped(map, &number, false, arena), "any||");
    number.is_unsigned = true;
    assert_string_equal(mapped(map, &number, false, arena), "unsigned||");
    number.precision = 10;
    number.scale = 0;
    assert_string_equal(mapped(map, &number, false, arena), "d(10,0)||");
    number.precision = 3;
    number.scale = 5;
    assert_string_equal(mapped(map, &number, false, arena), "d(5,5)||");
    number.scale = -1;
    assert_string_equal(mapped(map, &number, false, arena), "d(4) of 3||");
    number.precision = 11;
    number.scale = 2;
    assert_string_equal(mapped(map, &number, false, arena), "unsigned||");
}

static void
arrays_and_their_elements_are_different_types(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *map = NULL;
    Error err;
    SourceColumn array = column("integer[]");
    SourceColumn plain = column("integer");

    (void)state;
    map = parse("- {type: '*', to: plain}\n- {type: '*r[]', to: ends in r}\n"
                "- {type: '*[]', to: array}\n",
        &err);
    assert_ok(map != NULL, err);
    assert_string_equal(mapped(map, &array, false, arena), "ends in r||");
    assert_string_equal(mapped(map, &plain, false, arena), "plain||");
    array = column("text[]");
    assert_string_equal(mapped(map, &array, false, arena), "array||");
}

static void
labels_are_strings_of_the_target(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *map = NULL;
    static const Text labels[] = {{"it's", 4}, {"a\\b", 3}};
    SourceColumn mood = column("enum");
    Error err;

    (void)state;
    mood.labels = labels;
    mood.label_count = 2;
    map = parse("- {type: enum, to: 'enum(%%LABELS%%)'}\n", &err);
    assert_ok(map != NULL, err);
    assert_string_equal(mapped(map, &mood, false, arena), "enum('it''s', 'a\\\\b')||");
}

static void
a_type_that_no_entry_fits_is_told_with_column_and_file(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *map = NULL;
    SourceColumn odd = column("odd");
    MappedType type;
    Error err;

    (void)state;
    map = parse("- {type: text, to: text}\n", &err);
    assert_ok(map != NULL, err);
    odd.type = TEXT("odd(3)");
    assert_false(type_map_column(map, &odd, true, arena, &type, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
        "column c: no entry of t.yaml fits its type odd(3) (odd, in the key): add one, in a copy "
        "of the file beside the configuration file");
}

static void
all_mistakes_are_told_at_once(void **state)
{
    CLEANUP(type_map_free) TypeMap *map = NULL;
    Error err;

    (void)state;
    map = parse("- type: text\n"
                "  too: text\n"
                "- to: x\n"
                "  length: 1...3\n"
                "- type: []\n"
                "  to: 'v(%%LENGTH%%)'\n"
                "  in_key: perhaps\n"
                "- type: varchar\n"
                "  length: none\n"
                "  scale: 5..1\n"
                "  to: 'v(%%BYTES%%, %%SIZE%%)'\n"
                "- just text\n"
                "- {type: '*', to: a}\n"
                "- {type: number, to: b}\n",
        &err);
    assert_null(map);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
        "t.yaml:1:3: to: missing, it must be given\n"
        "t.yaml:2:3: too: unknown option, did you mean to?\n"
        "t.yaml:3:3: type: missing, it must be given\n"
        "t.yaml:4:11: length: \"1...3\" is no range such as 1..255, 1.., ..255, 7 or none\n"
        "t.yaml:5:9: type: the list is empty\n"
        "t.yaml:6:7: to: %%LENGTH%% needs a range, since not every column has one: length: 0..\n"
        "t.yaml:7:11: in_key: \"perhaps\" is not one of any, false, true\n"
        "t.yaml:10:10: scale: \"5..1\" is no range such as 1..255, 1.., ..255, 7 or none\n"
        "t.yaml:11:7: to: %%BYTES%% needs a range, since not every column has one: length: 0..\n"
        "t.yaml:11:7: to: \"%%SIZE%%\" is no parameter: there are TYPE, NAME, LENGTH, BYTES, "
        "PRECISION, SCALE, DIGITS and LABELS\n"
        "t.yaml:12:3: type: an entry is a mapping: type: …, to: …\n"
        "t.yaml:14:10: type: number never fits: the entry in line 13 takes all of it");
}

static void
a_file_that_is_no_list_is_refused(void **state)
{
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"type: x\nto: y\n", "t.yaml:1:1: types: the file is not a list of entries"},
        {"", "t.yaml:1:1: types: the file is not a list of entries"},
        {"[]\n", "t.yaml:1:1: types: the list of entries is empty"},
    };
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(parse(cases[i].yaml, &err));
        assert_string_equal(err.text, cases[i].error);
    }
    assert_null(parse("- {type: x\n", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void
a_missing_mapping_table_is_told_with_both_places(void **state)
{
    Error err;

    (void)state;
    assert_null(type_map_load("/data", "/config", "oracle", &sql_dialect_sqlite, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text,
        "no mapping table from source oracle to target sqlite: looked for "
        "/config/templates/types/oracle-sqlite.yaml and "
        "/data/templates/types/oracle-sqlite.yaml");
}

/* Every shipped file is read without a mistake, and takes a type that it does not know. */
static void
shipped_files_take_every_type(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    SourceColumn odd = column("a type of nobody");
    SourceColumn array = column("a type of nobody[]");
    Error err;

    (void)state;
    for (const SqlDialect *const *sql = sql_dialects; *sql != NULL; sql++) {
        TypeMap *map = type_map_load(root(), "/nowhere", "postgres", *sql, &err);

        assert_ok(map != NULL, err);
        for (int in_key = 0; in_key < 2; in_key++) {
            (void)mapped(map, &odd, in_key == 1, arena);
            (void)mapped(map, &array, in_key == 1, arena);
        }
        type_map_free(map);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_entry_that_fits_wins),
    cmocka_unit_test(ranges_ask_for_length_precision_scale_and_digits),
    cmocka_unit_test(arrays_and_their_elements_are_different_types),
    cmocka_unit_test(labels_are_strings_of_the_target),
    cmocka_unit_test(a_type_that_no_entry_fits_is_told_with_column_and_file),
    cmocka_unit_test(all_mistakes_are_told_at_once),
    cmocka_unit_test(a_file_that_is_no_list_is_refused),
    cmocka_unit_test(a_missing_mapping_table_is_told_with_both_places),
    cmocka_unit_test(shipped_files_take_every_type),
};

TEST_MAIN(tests)
