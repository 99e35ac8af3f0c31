#include "source/binlog/rows.h"

#include "binlog_events.h"

#define COLUMNS 12

static const BinlogFormat mysql = {.server_version = "9.7.4"};
static const BinlogFormat mariadb = {.server_version = "10.11", .is_mariadb = true};

/* ---- table maps ---- */

/* Table d.t with these types (at most 8), metadata, and optional fields. */
static void
put_map(Buf *body, const char *types, const char *metadata, const char *fields)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;

    put_int(body, 42, 6);
    put_int(body, 1, 2);
    put_bytes(body, "01 64 00 01 74 00");
    put_bytes(&bytes, types);
    put_int(body, bytes.len, 1);
    buf_add_text(body, buf_text(&bytes));
    bytes.len = 0;
    put_bytes(&bytes, metadata);
    put_int(body, bytes.len, 1);
    buf_add_text(body, buf_text(&bytes));
    put_int(body, 2, 1); /* the second column may be null */
    put_bytes(body, fields);
}

static bool
read_map(const BinlogFormat *format, const Buf *body, Arena *arena, BinlogTableMap *map, Error *err)
{
    BinlogEvent event = event_of(BINLOG_TABLE_MAP, body);

    return binlog_read_table_map(format, &event, arena, map, err);
}

static void
a_table_has_its_columns_as_the_metadata_say(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogTableMap map;
    BinlogEvent event;
    Error err;

    (void)state;
    /* int, varchar(300), char(255) utf8mb4, enum, set, bit(11), decimal(9,3), datetime(6) */
    put_map(&body, "03 0f fe fe fe 10 f6 12", "2c01 ceff f701 f802 0301 0903 06", "");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_int_equal(map.id, 42);
    assert_text(map.schema, "d");
    assert_text(map.name, "t");
    assert_int_equal(map.column_count, 8);
    assert_int_equal(map.columns[1].length, 300);
    assert_true(map.columns[1].may_be_null);
    assert_false(map.columns[0].may_be_null);
    assert_int_equal(map.columns[2].type, MYSQL_COLUMN_STRING);
    assert_int_equal(map.columns[2].length, 1023);
    assert_int_equal(map.columns[3].type, MYSQL_COLUMN_ENUM);
    assert_int_equal(map.columns[3].length, 1);
    assert_int_equal(map.columns[4].type, MYSQL_COLUMN_SET);
    assert_int_equal(map.columns[4].length, 2);
    assert_int_equal(map.columns[5].length, 11);
    assert_int_equal(map.columns[6].length, 9);
    assert_int_equal(map.columns[6].decimals, 3);
    assert_int_equal(map.columns[7].decimals, 6);
    assert_false(map.has_signs || map.has_names || map.has_labels || map.has_key);
    assert_false(map.has_collations || map.has_end_marker);
    event = event_of(BINLOG_TABLE_MAP, &body);
    assert_int_equal(binlog_table_map_id(&event), 42);
}

static void
a_map_is_the_same_but_for_its_id(void **state)
{
    CLEANUP(buf_clear) Buf one = BUF_INIT;
    CLEANUP(buf_clear) Buf other = BUF_INIT;
    BinlogEvent event;

    (void)state;
    put_map(&one, "03", "", "");
    put_map(&other, "03", "", "");
    other.data[0] = 7;
    event = event_of(BINLOG_TABLE_MAP, &other);
    assert_true(binlog_table_map_same(&event, buf_text(&one)));
    other.data[6] = 7;
    assert_false(binlog_table_map_same(&event, buf_text(&one)));
    assert_false(binlog_table_map_same(&event, TEXT("")));
    event.body.len = 3;
    assert_false(binlog_table_map_same(&event, (Text){one.data, 3}));
}

static void
signs_are_of_numbers_and_years(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogTableMap map;
    Error err;

    (void)state;
    /* year, date, int, bit, tinyint, bigint: the bits are of 1, 3, 5 and 6 */
    put_map(&body, "0d 0a 03 10 01 08", "0801", "01 01 d0");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_true(map.has_signs);
    assert_true(map.columns[2].is_unsigned);
    assert_false(map.columns[4].is_unsigned);
    assert_true(map.columns[5].is_unsigned);
    /* more bits than can be meant: none are believed */
    body.len = 0;
    put_map(&body, "03", "", "01 02 8080");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_false(map.has_signs);
    assert_false(map.columns[0].is_unsigned);
}

static void
character_sets_are_of_vectors_in_mysql_and_of_geometries_in_mariadb(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogTableMap map;
    Error err;

    (void)state;
    /* geometry, vector, varchar, text: the second that has a set has number 8 */
    put_map(&body, "ff f2 0f fc", "04 04 0a00 02", "02 03 2d 01 08");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_true(map.has_collations);
    assert_int_equal(map.columns[0].collation, 0);
    assert_int_equal(map.columns[1].collation, 45);
    assert_int_equal(map.columns[2].collation, 8);
    assert_int_equal(map.columns[3].collation, 45);
    assert_ok(read_map(&mariadb, &body, arena, &map, &err), err);
    assert_int_equal(map.columns[0].collation, 45);
    assert_int_equal(map.columns[1].collation, 0);
    assert_int_equal(map.columns[2].collation, 8);
    /* one by one, of two bytes */
    body.len = 0;
    put_map(&body, "0f 0f", "0a00 0a00", "03 06 fc0008 fcff00");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_int_equal(map.columns[0].collation, 2048);
    assert_int_equal(map.columns[1].collation, 255);
}

static void
names_labels_and_keys_are_told(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogTableMap map;
    Error err;

    (void)state;
    /* int, enum, set */
    put_map(&body, "03 fe fe", "f701 f801",
        "04 06 01 61 01 62 01 63  06 05 02 01 78 01 79  05 03 01 01 7a  09 04 02 00 00 05"
        " 0b 02 08 2d  0c 01 ff");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_true(map.has_names && map.has_labels && map.has_key);
    assert_text(map.columns[2].name, "c");
    assert_int_equal(map.columns[1].label_count, 2);
    assert_text(map.columns[1].labels[1], "y");
    assert_text(map.columns[2].labels[0], "z");
    assert_int_equal(map.columns[1].collation, 8);
    assert_int_equal(map.columns[2].collation, 45);
    assert_int_equal(map.key_count, 2);
    assert_int_equal(map.key[0], 2);
    assert_int_equal(map.key[1], 0);
    /* no labels of the set */
    body.len = 0;
    put_map(&body, "03 fe fe", "f701 f801", "04 06 01 61 01 62 01 63  06 05 02 01 78 01 79");
    assert_ok(read_map(&mysql, &body, arena, &map, &err), err);
    assert_true(map.has_names && !map.has_labels && map.has_key);
    assert_int_equal(map.key_count, 0);
}

static void
maps_that_contradict_themselves_are_refused(void **state)
{
    static const struct {
        const char *types;
        const char *metadata;
        const char *fields;
        const char *error;
    } cases[] = {
        {"f4", "", "", "TABLE_MAP event of d.t, column 1 of type 244: the type is not known"},
        {"0f", "0a", "", "TABLE_MAP event of d.t, column 1 of type 15: the metadata end early"},
        {"03", "0a", "", "TABLE_MAP event of d.t: 1 bytes of metadata are left over"},
        {"fc", "05", "",
            "TABLE_MAP event of d.t, column 1 of type 252: the metadata have no length "
            "that it can have"},
        {"f6", "0506", "",
            "TABLE_MAP event of d.t, column 1 of type 246: the metadata have no "
            "length that it can have"},
        {"03", "", "04 01 05",
            "TABLE_MAP event of d.t: the metadata field of kind 4 ends early, or "
            "has a wrong length"},
        {"03", "", "04 09 01",
            "TABLE_MAP event of d.t: the metadata field of kind 4 ends early, or "
            "has a wrong length"},
        {"03", "", "08 01 01",
            "TABLE_MAP event of d.t: the metadata field of kind 8 ends early, or "
            "has a wrong length"},
        {"0f", "0a00", "02 03 2d 07 08",
            "TABLE_MAP event of d.t: the metadata field of kind 2 ends "
            "early, or has a wrong length"},
        {"fe", "f701", "06 09 feffffffffffffff7f",
            "TABLE_MAP event of d.t: the metadata field of "
            "kind 6 ends early, or has a wrong length"},
        {"03", "", "04",
            "TABLE_MAP event of d.t: the metadata field of kind 4 ends early, or has a "
            "wrong length"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_free) Arena *arena = arena_new();
        CLEANUP(buf_clear) Buf body = BUF_INIT;
        BinlogTableMap map;
        Error err;

        put_map(&body, cases[i].types, cases[i].metadata, cases[i].fields);
        assert_false(read_map(&mysql, &body, arena, &map, &err));
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, ERR_SOURCE);
    }
}

/* ---- rows ---- */

typedef struct World {
    BinlogValueType types[COLUMNS];
    Value before[COLUMNS];
    Value after[COLUMNS];
    BinlogMemory *memory;
    BinlogRows rows;
    Buf body;
    Buf scratch;
    Error err;
} World;

static int
set_up(void **state)
{
    World *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->memory = binlog_memory_new();
    *state = world;
    return 0;
}

static int
tear_down(void **state)
{
    World *world = *state;

    binlog_memory_free(world->memory);
    buf_clear(&world->body);
    buf_clear(&world->scratch);
    free(world);
    return 0;
}

/* An int, a JSON document, a tiny int, another document. */
static void
set_types(World *world)
{
    for (size_t i = 0; i < 4; i++) {
        world->types[i].column.type = i % 2 == 0 ? MYSQL_COLUMN_LONG : MYSQL_COLUMN_JSON;
        world->types[i].column.length = 4;
        world->types[i].logical = i % 2 == 0 ? LOGICAL_INT : LOGICAL_JSON;
    }
    world->types[2].column.type = MYSQL_COLUMN_TINY;
}

static bool
open_rows(World *world, unsigned type, const char *body)
{
    BinlogEvent event;

    world->body.len = 0;
    put_bytes(&world->body, "2a0000000000 0100");
    put_bytes(&world->body, body);
    event = event_of(type, &world->body);
    return binlog_rows_open(&mysql, &event, &world->scratch, &world->rows, &world->err);
}

static Next
next_row(World *world)
{
    Next next;

    next = binlog_rows_next(
        &world->rows, world->types, world->memory, world->before, world->after, &world->err);
    if (next == NEXT_FAILED)
        print_message("# %s\n", world->err.text);
    return next;
}

static void
columns_that_are_in_no_image_are_absent(void **state)
{
    World *world = *state;

    set_types(world);
    world->types[1].column.type = MYSQL_COLUMN_LONG;
    world->types[1].logical = LOGICAL_INT;
    /* version 2, with 3 bytes of extra data; 3 columns; the old image has the first one, the new
     * one the others */
    assert_ok(open_rows(world, BINLOG_UPDATE_ROWS,
                  "0500 aabbcc 03 f9 fe  fe 01000000 fd 05  fe 02000000 fc 03000000 ff"),
        world->err);
    assert_int_equal(world->rows.kind, BINLOG_ROWS_UPDATE);
    assert_int_equal(world->rows.table_id, 42);
    assert_true(world->rows.ends_statement);
    assert_int_equal(world->rows.column_count, 3);
    assert_int_equal(world->rows.before_count, 1);
    assert_int_equal(world->rows.after_count, 2);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->before[0].text, "1");
    assert_int_equal(world->before[1].kind, VALUE_ABSENT);
    assert_int_equal(world->after[0].kind, VALUE_ABSENT);
    assert_int_equal(world->after[1].kind, VALUE_NULL);
    assert_text(world->after[2].text, "5");
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->before[0].text, "2");
    assert_text(world->after[1].text, "3");
    assert_text(world->after[2].text, "-1");
    assert_int_equal(next_row(world), NEXT_END);
    assert_int_equal(next_row(world), NEXT_END);
}

static void
columns_that_are_left_out_are_absent_and_their_bytes_passed_over(void **state)
{
    World *world = *state;

    set_types(world);
    world->types[0].is_left_out = true;
    world->types[2].is_left_out = true;
    assert_ok(open_rows(world, BINLOG_WRITE_ROWS_V1, "03 07 f8 09000000 00000000 07"), world->err);
    world->types[1].column.type = MYSQL_COLUMN_LONG;
    world->types[1].logical = LOGICAL_INT;
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_int_equal(world->before[0].kind, VALUE_ABSENT);
    assert_int_equal(world->after[0].kind, VALUE_ABSENT);
    assert_text(world->after[1].text, "0");
    assert_int_equal(world->after[2].kind, VALUE_ABSENT);
    assert_int_equal(next_row(world), NEXT_END);
    /* also where it is null */
    assert_ok(open_rows(world, BINLOG_DELETE_ROWS_V1, "03 07 ff"), world->err);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_int_equal(world->before[0].kind, VALUE_ABSENT);
    assert_int_equal(world->before[1].kind, VALUE_NULL);
}

/* The document 1, and {"a": 1}, with their lengths of four bytes; and the diff that makes $.a 2. */
#define ONE    "03000000 05 0100"
#define OBJECT "0d000000 00 0100 0c00 0b00 0100 05 0100 61"
#define DIFF   "09000000 00 03 242e61 03 05 0200"

static void
diffs_of_json_apply_to_the_old_document_of_their_column(void **state)
{
    World *world = *state;

    set_types(world);
    /* the bits of the diffs are of all documents of the table: the second one's is set */
    assert_ok(open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS,
                  "0200 04 0f 08  00 01000000" ONE "05" OBJECT "01 02 00" DIFF),
        world->err);
    assert_true(world->rows.is_partial);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->before[1].text, "1");
    assert_text(world->before[3].text, "{\"a\": 1}");
    assert_int_equal(world->after[1].kind, VALUE_ABSENT);
    assert_text(world->after[3].text, "{\"a\": 2}");
    assert_int_equal(next_row(world), NEXT_END);
    /* a null before it has no bytes */
    assert_ok(open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS,
                  "0200 04 0f 08  02 01000000 05" OBJECT "01 02 00" DIFF),
        world->err);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->after[3].text, "{\"a\": 2}");
}

static void
rows_without_diffs_and_empty_diffs_are_whole(void **state)
{
    World *world = *state;

    set_types(world);
    /* first row: no options; second: an empty diff of the first document, none of the second */
    assert_ok(open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS,
                  "0200 04 02 0a  00" ONE "00 00" OBJECT ONE " 00" ONE "01 01 00 00000000" OBJECT),
        world->err);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->before[1].text, "1");
    assert_text(world->after[1].text, "{\"a\": 1}");
    assert_text(world->after[3].text, "1");
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_text(world->after[1].text, "1");
    assert_text(world->after[3].text, "{\"a\": 1}");
    assert_int_equal(next_row(world), NEXT_END);
}

static void
a_diff_without_its_old_document_is_refused_with_the_way_out(void **state)
{
    static const char text[] =
        "row 1: column 4 of the new image: a part of a JSON document changed, and the whole is not "
        "in the log: set binlog_row_value_options = '' or binlog_row_image = FULL on the server, "
        "and bootstrap the table anew";
    World *world = *state;

    set_types(world);
    assert_ok(
        open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS, "0200 04 01 08  00 01000000 01 02 00" DIFF),
        world->err);
    assert_int_equal(next_row(world), NEXT_FAILED);
    assert_int_equal(world->err.kind, ERR_DATA);
    assert_string_equal(world->err.text, text);
    /* it was null */
    assert_ok(
        open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS, "0200 04 09 08  02 01000000 01 02 00" DIFF),
        world->err);
    assert_int_equal(next_row(world), NEXT_FAILED);
    assert_string_equal(world->err.text, text);
    /* an empty one changes nothing, and nothing is known */
    assert_ok(open_rows(world, BINLOG_PARTIAL_UPDATE_ROWS,
                  "0200 04 01 08  00 01000000 01 02 00 00000000"),
        world->err);
    assert_int_equal(next_row(world), NEXT_ITEM);
    assert_int_equal(world->after[3].kind, VALUE_ABSENT);
}

static void
rows_that_end_early_say_where(void **state)
{
    static const struct {
        unsigned type;
        const char *body;
        const char *error;
    } cases[] = {
        {BINLOG_WRITE_ROWS_V1, "03 07 00 01000000 00000000", "row 1: column 3 of the new image: "},
        {BINLOG_DELETE_ROWS_V1, "03 07 06 010000", "row 1: column 1 of the old image: "},
        {BINLOG_UPDATE_ROWS_V1, "03 01 01 00 01000000", "row 1: the row goes past the event's end"},
        {BINLOG_WRITE_ROWS_V1, "03 00 00", "row 1: the images have no columns"},
        {BINLOG_PARTIAL_UPDATE_ROWS, "0200 03 01 01 00 01000000 fc",
            "row 1: the row goes past the event's end"},
        {BINLOG_PARTIAL_UPDATE_ROWS, "0200 03 01 01 00 01000000 02",
            "row 1: the row has options of a later server that are not known"},
        {BINLOG_PARTIAL_UPDATE_ROWS, "0200 03 01 01 00 01000000 01",
            "row 1: the row goes past the event's end"},
    };
    World *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_types(world);
        world->types[1].column.type =
            cases[i].type == BINLOG_PARTIAL_UPDATE_ROWS ? MYSQL_COLUMN_JSON : MYSQL_COLUMN_LONG;
        assert_ok(open_rows(world, cases[i].type, cases[i].body), world->err);
        assert_int_equal(next_row(world), NEXT_FAILED);
        if (strncmp(world->err.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s, not %s", world->err.text, cases[i].error);
    }
}

static void
events_whose_bits_go_past_their_end_are_refused(void **state)
{
    static const char *const bodies[] = {
        "", "09 ff", "fe ffffffffffffffff ff ff", "fe 0000000000000080 ff ff", "fb 01",
        "03 07", /* no second bits */
    };
    World *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_false(open_rows(world, BINLOG_UPDATE_ROWS_V1, bodies[i]));
        assert_non_null(strstr(world->err.text, "UPDATE_ROWS_V1 event, byte "));
    }
    assert_false(open_rows(world, BINLOG_WRITE_ROWS, "0100 03 07"));
    assert_false(open_rows(world, BINLOG_WRITE_ROWS, "0900 03 07"));
    assert_false(open_rows(world, BINLOG_XID, "03 07"));
    assert_string_equal(world->err.text, "XID event, byte 19: it has no rows");
    assert_false(open_rows(world, BINLOG_WRITE_ROWS_COMPRESSED_V1, "03 07 00"));
    assert_string_equal(world->err.text,
        "WRITE_ROWS_COMPRESSED_V1 event: compressed in a way that is not known (0x00)");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_table_has_its_columns_as_the_metadata_say),
    cmocka_unit_test(a_map_is_the_same_but_for_its_id),
    cmocka_unit_test(signs_are_of_numbers_and_years),
    cmocka_unit_test(character_sets_are_of_vectors_in_mysql_and_of_geometries_in_mariadb),
    cmocka_unit_test(names_labels_and_keys_are_told),
    cmocka_unit_test(maps_that_contradict_themselves_are_refused),
    cmocka_unit_test_setup_teardown(columns_that_are_in_no_image_are_absent, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        columns_that_are_left_out_are_absent_and_their_bytes_passed_over, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        diffs_of_json_apply_to_the_old_document_of_their_column, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        rows_without_diffs_and_empty_diffs_are_whole, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        a_diff_without_its_old_document_is_refused_with_the_way_out, set_up, tear_down),
    cmocka_unit_test_setup_teardown(rows_that_end_early_say_where, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        events_whose_bits_go_past_their_end_are_refused, set_up, tear_down),
};

TEST_MAIN(tests)
