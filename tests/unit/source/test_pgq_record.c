#include "source/pgq/record.h"

#include "support/test.h"

typedef struct Decoded {
    PgqRecord record;
    Buf bytes; /* the event's */
    Buf shown;
    Error err;
} Decoded;

static int
set_up(void **state)
{
    *state = calloc(1, sizeof(Decoded));
    assert_non_null(*state);
    return 0;
}

static int
tear_down(void **state)
{
    Decoded *decoded = *state;

    pgq_record_clear(&decoded->record);
    buf_clear(&decoded->bytes);
    buf_clear(&decoded->shown);
    free(decoded);
    return 0;
}

static void
show_row(Buf *out, const char *label, const Text *names, const Value *values, size_t count)
{
    buf_addf(out, " %s", label);
    for (size_t i = 0; i < count; i++)
        if (values[i].kind == VALUE_TEXT)
            buf_addf(
                out, " " TEXT_FMT "=<" TEXT_FMT ">", TEXT_ARG(names[i]), TEXT_ARG(values[i].text));
        else
            buf_addf(out, " " TEXT_FMT, TEXT_ARG(names[i]));
}

static void
show(const PgqRecord *record, Buf *out)
{
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE"};

    buf_reset(out, SIZE_MAX);
    if (record->kind == PGQ_RECORD_UNKNOWN) {
        buf_add_string(out, "UNKNOWN");
        return;
    }
    if (record->kind == PGQ_RECORD_TRUNCATE) {
        buf_addf(out, "TRUNCATE <" TEXT_FMT "> <" TEXT_FMT ">", TEXT_ARG(record->schema),
            TEXT_ARG(record->table));
        return;
    }
    buf_addf(out, "%s%s <" TEXT_FMT "> <" TEXT_FMT "> (", changes[record->change],
        record->style == PGQ_STYLE_JSON ? " json" : "", TEXT_ARG(record->schema),
        TEXT_ARG(record->table));
    for (size_t i = 0; i < record->key_count; i++)
        buf_addf(out, "%s<" TEXT_FMT ">", i == 0 ? "" : " ", TEXT_ARG(record->keys[i]));
    buf_add_char(out, ')');
    if (record->old_count > 0)
        show_row(out, "old", record->old_names, record->old_row, record->old_count);
    show_row(out, "row", record->names, record->row, record->count);
}

static Text
writable_copy(Buf *bytes, const char *text, bool is_json)
{
    size_t begin = bytes->len;

    if (text == NULL)
        return TEXT_NONE;
    buf_add_string(bytes, text);
    for (size_t i = begin; is_json && i < bytes->len; i++)
        if (bytes->data[i] == '\'')
            bytes->data[i] = '"';
    return (Text){bytes->data + begin, bytes->len - begin};
}

/* Where type or data begin with "{", ' stands for ". */
static bool
decode(Decoded *decoded, const char *type, const char *data, const char *extra1, const char *extra2)
{
    bool is_json = type != NULL && type[0] == '{';
    PgqEvent event = {.retry = -1};

    buf_reset(&decoded->bytes, SIZE_MAX);
    (void)buf_reserve(&decoded->bytes, 65536);
    event.type = writable_copy(&decoded->bytes, type, is_json);
    event.data = writable_copy(&decoded->bytes, data, is_json);
    event.extra1 = writable_copy(&decoded->bytes, extra1, false);
    event.extra2 = writable_copy(&decoded->bytes, extra2, is_json);
    event.extra3 = event.extra4 = TEXT_NONE;
    return pgq_record_read(&event, &decoded->record, &decoded->err);
}

typedef struct Case {
    const char *type, *data, *extra1, *extra2, *expected;
} Case;

static void
check(Decoded *decoded, const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Case *c = &cases[i];

        if (decode(decoded, c->type, c->data, c->extra1, c->extra2)) {
            show(&decoded->record, &decoded->shown);
        } else {
            buf_reset(&decoded->shown, SIZE_MAX);
            assert_int_equal(decoded->err.kind, ERR_DATA);
            assert_false(decoded->err.retriable);
            buf_addf(&decoded->shown, "error: %s", decoded->err.text);
        }
        assert_string_equal(decoded->shown.data, c->expected);
    }
}

static void
events_of_logutriga(void **state)
{
    static const Case cases[] = {
        {"I:id", "id=1&a&b=", "public.t", NULL, "INSERT <public> <t> (<id>) row id=<1> a b=<>"},
        {"U:id,part", "id=1&part=2&a=x+y", "s.t", NULL,
            "UPDATE <s> <t> (<id> <part>) row id=<1> part=<2> a=<x y>"},
        {"D:part,id", "id=1&part=2", "s.t", NULL,
            "DELETE <s> <t> (<part> <id>) row id=<1> part=<2>"},
        {"I:", "a=1", "s.t", NULL, "INSERT <s> <t> () row a=<1>"},
        {"I:", "", "s.t", NULL, "INSERT <s> <t> () row"},
        {"R", "", "s.t", NULL, "TRUNCATE <s> <t>"},
        {"R", NULL, "s.t", NULL, "TRUNCATE <s> <t>"},
        {"I:id", "id=1", "t", NULL, "INSERT <> <t> (<id>) row id=<1>"},
        {"I:id", "id=1", "public.Odd.Sch\"x", NULL,
            "INSERT <public> <Odd.Sch\"x> (<id>) row id=<1>"},
        {"I:My Key", "My+Key=1&%c3%a9=2", "s.My Table", NULL,
            "INSERT <s> <My Table> (<My Key>) row My Key=<1> \xc3\xa9=<2>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
the_old_row_of_an_update(void **state)
{
    static const Case cases[] = {
        {"U:id", "id=2&a=x", "s.t", "id=1&a",
            "UPDATE <s> <t> (<id>) old id=<1> a row id=<2> a=<x>"},
        /* a part of it, in another order */
        {"U:id", "id=2&a=x&b=y", "s.t", "b=z&id=1",
            "UPDATE <s> <t> (<id>) old b=<z> id=<1> row id=<2> a=<x> b=<y>"},
        /* that of older triggers, in events that need none */
        {"I:id", "id=2", "s.t", "id=1", "INSERT <s> <t> (<id>) row id=<2>"},
        {"D:id", "id=2", "s.t", "id=2", "DELETE <s> <t> (<id>) row id=<2>"},
        /* the writer's own ev_extra2 */
        {"U:id", "id=2", "s.t", "a note", "UPDATE <s> <t> (<id>) row id=<2>"},
        {"U:id", "id=2", "s.t", "note", "UPDATE <s> <t> (<id>) row id=<2>"},
        {"U:id", "id=2&a=1", "s.t", "a=1", "UPDATE <s> <t> (<id>) row id=<2> a=<1>"},
        {"U:id", "id=2&a=1", "s.t", "id&a=1", "UPDATE <s> <t> (<id>) row id=<2> a=<1>"},
        {"U:id", "id=2&a=1", "s.t", "id=1&other=2", "UPDATE <s> <t> (<id>) row id=<2> a=<1>"},
        {"U:id", "id=2", "s.t", "id=1&id=1", "UPDATE <s> <t> (<id>) row id=<2>"},
        {"U:id", "id=2", "s.t", "", "UPDATE <s> <t> (<id>) row id=<2>"},
        {"{'op':'UPDATE','table':['s','t'],'pkey':['id']}", "{'id':2,'a':'x'}", NULL,
            "{'id':1,'a':null}", "UPDATE json <s> <t> (<id>) old id=<1> a row id=<2> a=<x>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
urlencoded_rows_are_in_the_encoding_of_the_database(void **state)
{
    static const Case cases[] = {
        {"I:id,é", "id=1&%e9=%fc", "s.t", NULL, "INSERT <s> <t> (<id> <é>) row id=<1> é=<ü>"},
        {"U:id", "id=1&%e9=%fc", "s.t", "id=0&%e9=%e9",
            "UPDATE <s> <t> (<id>) old id=<0> é=<é> row id=<1> é=<ü>"},
        /* what else an event has was converted by the connection */
        {"{'op':'INSERT','table':['s','t'],'pkey':['é']}", "{'é':'ü'}", NULL, NULL,
            "INSERT json <s> <t> (<é>) row é=<ü>"},
        {"I:id", "id=1&a=%81", "s.t", NULL,
            "error: table s.t: ev_data: byte 8, column a: what begins with 0x81 is no character of "
            "WIN1252, the encoding of the source database, that PostgreSQL has in UTF-8 too: "
            "correct the value at the source"},
        /* it might be an old row with another key */
        {"U:id", "id=1&a=x", "s.t", "id=%81&a=x",
            "error: table s.t: ev_extra2: byte 4, column id: what begins with 0x81 is no character "
            "of WIN1252, the encoding of the source database, that PostgreSQL has in UTF-8 too: "
            "correct the value at the source"},
        {"U:id", "id=1&a=x", "s.t", "=x", "UPDATE <s> <t> (<id>) row id=<1> a=<x>"},
    };
    CLEANUP(pgq_encoding_free) PgqEncoding *encoding = pgq_encoding_new("WIN1252");
    Decoded *decoded = *state;

    decoded->record.encoding = encoding;
    check(decoded, cases, ARRAY_LEN(cases));
    decoded->record.encoding = NULL;
}

static void
bare_types_have_their_key_in_extra2(void **state)
{
    static const Case cases[] = {
        {"I", "id=1&part=2", "s.t", "id,part", "INSERT <s> <t> (<id> <part>) row id=<1> part=<2>"},
        {"U", "id=1", "s.t", NULL, "UPDATE <s> <t> () row id=<1>"},
        {"D", "id=1", "s.t", "id", "DELETE <s> <t> (<id>) row id=<1>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
sql_is_refused_with_the_way_out(void **state)
{
#define SQL_REFUSED                                                               \
    "error: table s.t: ev_data is SQL, which pgq.sqltriga writes and nobody can " \
    "take apart for sure: make a trigger of pgq.logutriga or pgq.jsontriga in its place"
    static const Case cases[] = {
        {"I", "(id,a) values ('1','a')", "s.t", NULL, SQL_REFUSED},
        {"I", "(id) values (null)", "s.t", NULL, SQL_REFUSED},
        {"U", "a='c' where id='1'", "s.t", NULL, SQL_REFUSED},
        {"D", "id='1'", "s.t", NULL, SQL_REFUSED},
        {"R", "", "s.t", NULL, "TRUNCATE <s> <t>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
events_of_jsontriga(void **state)
{
    static const Case cases[] = {
        {"{'op':'INSERT','table':['public','js'],'pkey':['id']}",
            "{'id':-5,'b':true,'c':false,'n':null,'t':'x\\'y\\u00e9\\n','e':''}", "public.js", NULL,
            "INSERT json <public> <js> (<id>) row id=<-5> b=<t> c=<f> n t=<x\"y\xc3\xa9\n> e=<>"},
        {"{'op':'UPDATE','table':['a.b','c.\\\"d'],'pkey':['i,d','\\u0065']}", "{'i,d':1,'e':2}",
            "a.b.c.\"d", NULL, "UPDATE json <a.b> <c.\"d> (<i,d> <e>) row i,d=<1> e=<2>"},
        {"{'op':'DELETE','table':['s','t'],'pkey':['id']}", "{'id':1}", NULL, NULL,
            "DELETE json <s> <t> (<id>) row id=<1>"},
        {"{'op':'INSERT','table':['s','t'],'pkey':[]}", "{}", "s.t", NULL,
            "INSERT json <s> <t> () row"},
        {"{'op':'TRUNCATE','table':['s','t'],'pkey':['id']}", "{}", "s.t", NULL,
            "TRUNCATE <s> <t>"},
        {" {'op':'INSERT'}", "{}", "s.t", NULL, "UNKNOWN"},
        {"{ 'op' : 'INSERT', 'more': [1,{}], 'pkey': ['id'], 'table': ['s', 't'] }",
            " { 'id' : 1e2 } ", "s.t", NULL, "INSERT json <s> <t> (<id>) row id=<1e2>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
keys_with_blanks_and_commas(void **state)
{
    static const Case cases[] = {
        {"U:id, part", "id=1&part=2", "s.t", NULL,
            "UPDATE <s> <t> (<id> <part>) row id=<1> part=<2>"},
        {"U:id, part", "id=1&part=2&+part=3", "s.t", NULL,
            "UPDATE <s> <t> (<id> < part>) row id=<1> part=<2>  part=<3>"},
        {"{'op':'UPDATE','table':['s','t'],'pkey':['id',' part']}", "{'id':1,'part':2}", NULL, NULL,
            "UPDATE json <s> <t> (<id> <part>) row id=<1> part=<2>"},
        {"U:a,b", "a%2cb=1&c=2", "s.t", NULL, "UPDATE <s> <t> (<a,b>) row a,b=<1> c=<2>"},
        {"U:a,b,c", "a%2cb=1&c=2&b=3", "s.t", NULL,
            "UPDATE <s> <t> (<a,b> <c>) row a,b=<1> c=<2> b=<3>"},
        {"U:a,,b", "a%2c=1&b=2", "s.t", NULL, "UPDATE <s> <t> (<a,> <b>) row a,=<1> b=<2>"},
        {"U:,a", "%2ca=1", "s.t", NULL, "UPDATE <s> <t> (<,a>) row ,a=<1>"},
        {"U:a,b", "a%2cb=1&a=2&b=3", "s.t", NULL,
            "error: table s.t: the key \"a,b\" can be read in several ways, since names have \",\" "
            "in them; use pgq.jsontriga, whose names are quoted"},
        {"U:a,b,c", "a%2cb=1&b=2", "s.t", NULL,
            "error: table s.t: the row lacks a column of its key (\"a,b,c\")"},
        {"U:a:b", "a%3ab=1", "s.t", NULL, "UPDATE <s> <t> (<a:b>) row a:b=<1>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
other_producers_events_are_unknown(void **state)
{
    static const Case cases[] = {
        {NULL, "x", NULL, NULL, "UNKNOWN"},
        {"", "x", NULL, NULL, "UNKNOWN"},
        {"EXECUTE", "x", NULL, NULL, "UNKNOWN"},
        {"IX", "x", NULL, NULL, "UNKNOWN"},
        {"Insert", "x", NULL, NULL, "UNKNOWN"},
        {"R:", "x", NULL, NULL, "UNKNOWN"},
        {"pgq.tick-id", "x", NULL, NULL, "UNKNOWN"},
        {"{", "x", NULL, NULL, "UNKNOWN"},
        {"{'op':'COMMENT'}", "x", NULL, NULL, "UNKNOWN"},
        {"{'type':'INSERT'}", "x", NULL, NULL, "UNKNOWN"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

static void
every_refusal_names_table_and_place(void **state)
{
#define INSERT_JSON "{'op':'INSERT','table':['s','t'],'pkey':['id']}"
    static const Case cases[] = {
        {"I:id", "id=1", NULL, NULL,
            "error: ev_extra1 is null, where schema and table should stand"},
        {"R", "", "", NULL, "error: ev_extra1 is empty, where schema and table should stand"},
        {"I:id", NULL, "s.t", NULL, "error: table s.t: ev_data is null, where a row should stand"},
        {"I:id", "id=%zz", "s.t", NULL,
            "error: table s.t: ev_data: byte 4: \"%\" without two hexadecimal digits"},
        {"I:id", "id=1&id=1", "t", NULL, "error: table t: ev_data: column id is there twice"},
        {"I:id,x", "id=1", "s.t", NULL, "error: table s.t: the row lacks column x of its key"},
        {"I:,id", "id=1", "s.t", NULL, "error: table s.t: the row lacks column  of its key"},
        {INSERT_JSON, NULL, NULL, NULL,
            "error: table s.t: ev_data is null, where a row should stand"},
        {INSERT_JSON, "{'id':[1]}", NULL, NULL,
            "error: table s.t: ev_data: column 7: an array where a single value should stand"},
        {INSERT_JSON, "{'id':1,'id':2}", NULL, NULL,
            "error: table s.t: ev_data: column id is there twice"},
        {INSERT_JSON, "{'id':1} x", NULL, NULL,
            "error: table s.t: ev_data: column 10: bytes behind the end of the object"},
        {INSERT_JSON, "{'a':1}", NULL, NULL,
            "error: table s.t: the row lacks column id of its key"},
        {INSERT_JSON, "{'':1}", NULL, NULL,
            "error: table s.t: ev_data: column 6: a column without a name"},
        {"{'op':'INSERT','pkey':['id']}", "{}", NULL, NULL,
            "error: ev_type: column 30: \"table\" is not there"},
        {"{'op':'INSERT','table':['t']}", "{}", NULL, NULL,
            "error: ev_type: column 29: schema and table should stand before this"},
        {"{'op':'INSERT','table':['s','t','u']}", "{}", NULL, NULL,
            "error: ev_type: column 33: a third name of the table"},
        {"{'op':'INSERT','table':['s',1]}", "{}", NULL, NULL,
            "error: ev_type: column 30: a name that is not a text"},
        {"{'op':'INSERT','table':", "{}", NULL, NULL,
            "error: ev_type: column 24: the line ends where an array should stand"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

/* A wide row, with and without a name that comes twice. */
static void
a_name_that_comes_twice_is_found_in_wide_rows(void **state)
{
    Decoded *decoded = *state;
    CLEANUP(buf_clear) Buf data = BUF_INIT;

    for (int i = 0; i < 1600; i++)
        buf_addf(&data, "%scolumn%d=%d", i == 0 ? "" : "&", i, i);
    assert_ok(decode(decoded, "I:column1599", data.data, "s.t", NULL), decoded->err);
    assert_int_equal(decoded->record.count, 1600);
    assert_text(decoded->record.row[1599].text, "1599");
    assert_text(decoded->record.keys[0], "column1599");
    buf_add_string(&data, "&column77=x");
    assert_false(decode(decoded, "I:column1599", data.data, "s.t", NULL));
    assert_string_equal(decoded->err.text, "table s.t: ev_data: column column77 is there twice");
}

static void
a_key_of_more_pieces_than_columns_are_allowed_is_refused(void **state)
{
    Decoded *decoded = *state;
    CLEANUP(buf_clear) Buf type = BUF_INIT;

    buf_add_string(&type, "U:");
    for (int i = 0; i < 1601; i++)
        buf_add_string(&type, "a,");
    assert_false(decode(decoded, type.data, "a=1&a%2c=2", "s.t", NULL));
    assert_string_equal(
        decoded->err.text, "table s.t: more columns in the key than a table can have");
}

static void
a_record_forgets_the_event_before(void **state)
{
    static const Case cases[] = {
        {"U:id,a", "id=1&a=2", "s.t", "id=1&a=1",
            "UPDATE <s> <t> (<id> <a>) old id=<1> a=<1> row id=<1> a=<2>"},
        {"U:id", "id=1&a=2", "s.t", NULL, "UPDATE <s> <t> (<id>) row id=<1> a=<2>"},
        {INSERT_JSON, "{'id':1}", NULL, NULL, "INSERT json <s> <t> (<id>) row id=<1>"},
        {"I:", "b=1", "t", NULL, "INSERT <> <t> () row b=<1>"},
    };

    (void)state;
    check(*state, cases, ARRAY_LEN(cases));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(events_of_logutriga),
    TEST(the_old_row_of_an_update),
    TEST(urlencoded_rows_are_in_the_encoding_of_the_database),
    TEST(bare_types_have_their_key_in_extra2),
    TEST(sql_is_refused_with_the_way_out),
    TEST(events_of_jsontriga),
    TEST(keys_with_blanks_and_commas),
    TEST(other_producers_events_are_unknown),
    TEST(every_refusal_names_table_and_place),
    TEST(a_name_that_comes_twice_is_found_in_wide_rows),
    TEST(a_key_of_more_pieces_than_columns_are_allowed_is_refused),
    TEST(a_record_forgets_the_event_before),
};

TEST_MAIN(tests)
