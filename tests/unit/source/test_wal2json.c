#include "source/wal2json.h"

#include "events.h"

typedef struct Decoded {
    Wal2json *decoder;
    Buf line; /* the bytes that the decoder works on */
    WalLine result;
    Error err;
    EventDump dump;
} Decoded;

static int
set_up(void **state)
{
    Decoded *decoded = calloc(1, sizeof(*decoded));

    assert_non_null(decoded);
    decoded->decoder = wal2json_new();
    *state = decoded;
    return 0;
}

static int
tear_down(void **state)
{
    Decoded *decoded = *state;

    wal2json_free(decoded->decoder);
    buf_clear(&decoded->line);
    buf_clear(&decoded->dump.text);
    free(decoded);
    return 0;
}

/* ' stands for " in the line. */
static bool
decode(Decoded *decoded, const char *line)
{
    decoded->line.len = 0;
    buf_add_string(&decoded->line, line);
    for (size_t i = 0; i < decoded->line.len; i++)
        if (decoded->line.data[i] == '\'')
            decoded->line.data[i] = '"';
    return wal2json_decode(
        decoded->decoder, decoded->line.data, decoded->line.len, &decoded->result, &decoded->err);
}

/* The change of a line as one line of text. */
static void
assert_change(Decoded *decoded, const char *line, const char *expected)
{
    assert_ok(decode(decoded, line), decoded->err);
    assert_int_equal(decoded->result.action, WAL_CHANGE);
    decoded->dump.text.len = 0;
    dump_change(&decoded->dump, &decoded->result.change);
    decoded->dump.text.data[--decoded->dump.text.len] = '\0';
    assert_string_equal(decoded->dump.text.data, expected);
}

static void
assert_refused(Decoded *decoded, const char *line, const char *error)
{
    assert_false(decode(decoded, line));
    assert_string_equal(decoded->err.text, error);
    assert_int_equal(decoded->err.kind, ERR_DATA);
    assert_false(decoded->err.retriable);
}

#define ID(value)          "{'name':'id','type':'integer','value':" value "}"
#define BIG(value)         "{'name':'big','type':'text','value':" value "}"
#define N(value)           "{'name':'n','type':'integer','value':" value "}"
#define PK_ID              ",'pk':[{'name':'id','type':'integer'}]"
#define LINE(action, rest) "{'action':'" action "','schema':'s','table':'t'" rest "}"

static void
transaction_lines_carry_xid_lsn_and_time(void **state)
{
    Decoded *decoded = *state;

    assert_ok(decode(decoded, "{'action':'B','xid':745,'timestamp':'2026-11-21 09:06:59+00',"
                              "'lsn':'16/B374D848','nextlsn':'0/0','origin':3}"),
        decoded->err);
    assert_int_equal(decoded->result.action, WAL_BEGIN);
    assert_true(decoded->result.has_xid && decoded->result.xid == 745);
    assert_true(decoded->result.has_lsn && decoded->result.lsn == UINT64_C(0x16B374D848));
    assert_text(decoded->result.timestamp, "2026-11-21 09:06:59+00");
    assert_ok(decode(decoded, "{'action':'C'}"), decoded->err);
    assert_int_equal(decoded->result.action, WAL_COMMIT);
    assert_false(decoded->result.has_xid || decoded->result.has_lsn);
    assert_null(decoded->result.timestamp.data);
    assert_ok(decode(decoded, "{'action':'M','xid':null,'timestamp':null,'lsn':'0/15669D8',"
                              "'transactional':false,'prefix':'nt','content':'\\u0000'}"),
        decoded->err);
    assert_int_equal(decoded->result.action, WAL_MESSAGE);
}

static void
values_have_their_canonical_text(void **state)
{
    assert_change(*state,
        LINE("I", ",'columns':["
                  "{'name':'a','type':'boolean','value':true},"
                  "{'name':'b','type':'boolean','value':false},"
                  "{'name':'c','type':'bytea','value':'00FFde'},"
                  "{'name':'d','type':'bytea','value':'\\\\x00FF'},"
                  "{'name':'e','type':'numeric(10,2)','value':12.50},"
                  "{'name':'f','type':'double precision','value':null},"
                  "{'name':'g','type':'text','value':''},"
                  "{'name':'h','type':'mood','value':'a\\nb'}]"),
        "INSERT s.t #1 (a bool boolean, b bool boolean, c bytes bytea, d bytes bytea, "
        "e numeric numeric(10,2), f float double precision, g text text, h other mood) "
        "new \"t\", \"f\", \"00ffde\", \"00ff\", \"12.50\", null, \"\", \"a\\x0Ab\"");
}

static void
rows_with_the_same_columns_share_a_shape(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, n int integer) new \"1\", \"2\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("1") "," N("3") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #1 (id* int integer, n int integer) new \"1\", \"3\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("2") "," N("3") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #1 (id* int integer, n int integer) old \"1\", - new \"2\", \"3\"");
    assert_change(*state, LINE("D", ",'identity':[" ID("2") "]" PK_ID),
        "DELETE s.t #1 (id* int integer, n int integer) old \"2\", -");
    /* a type changes, and changes back */
    assert_change(*state,
        LINE("I", ",'columns':[" ID("1") ",{'name':'n','type':'bigint','value':2}]" PK_ID),
        "INSERT s.t #2 (id* int integer, n int bigint) new \"1\", \"2\"");
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, n int integer) new \"1\", \"2\"");
    /* order matters */
    assert_change(*state, LINE("I", ",'columns':[" N("2") "," ID("1") "]" PK_ID),
        "INSERT s.t #3 (n int integer, id* int integer) new \"2\", \"1\"");
}

static void
a_key_is_learned_from_a_partial_identity(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]"),
        "INSERT s.t #1 (id int integer, n int integer) new \"1\", \"2\"");
    assert_change(*state, LINE("U", ",'columns':[" ID("1") "," N("3") "],'identity':[" ID("1") "]"),
        "UPDATE s.t #2 (id* int integer, n int integer) new \"1\", \"3\"");
    assert_change(*state, LINE("I", ",'columns':[" ID("4") "," N("2") "]"),
        "INSERT s.t #2 (id* int integer, n int integer) new \"4\", \"2\"");
}

static void
a_delete_teaches_the_key_where_the_full_shape_is_known(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]"),
        "INSERT s.t #1 (id int integer, n int integer) new \"1\", \"2\"");
    assert_change(*state, LINE("D", ",'identity':[" ID("1") "]"),
        "DELETE s.t #2 (id* int integer, n int integer) old \"1\", -");
}

static void
an_identity_of_all_columns_is_no_key(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]"),
        "INSERT s.t #1 (id int integer, n int integer) new \"1\", \"2\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("1") "," N("3") "],'identity':[" ID("1") "," N("2") "]"),
        "UPDATE s.t #1 (id int integer, n int integer) old \"1\", \"2\" new \"1\", \"3\"");
    assert_change(*state, LINE("D", ",'identity':[" ID("1") "," N("3") "]"),
        "DELETE s.t #1 (id int integer, n int integer) old \"1\", \"3\"");
}

static void
an_identity_without_the_primary_key_is_the_key(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, n int integer) new \"1\", \"2\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("1") "," N("3") "],'identity':[" N("2") "]" PK_ID),
        "UPDATE s.t #2 (id int integer, n* int integer) old -, \"2\" new \"1\", \"3\"");
    assert_change(*state, LINE("I", ",'columns':[" ID("5") "," N("6") "]" PK_ID),
        "INSERT s.t #2 (id int integer, n* int integer) new \"5\", \"6\"");
}

static void
unchanged_toast_gives_a_shape_of_what_is_there(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," BIG("'x'") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, big text text, n int integer) new \"1\", \"x\", \"2\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("1") "," N("3") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #2 (id* int integer, n int integer) new \"1\", \"3\"");
    assert_change(*state,
        LINE("U",
            ",'columns':[" ID("1") "," BIG("'y'") "," N("4") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #1 (id* int integer, big text text, n int integer) new \"1\", \"y\", \"4\"");
    assert_change(*state,
        LINE("U", ",'columns':[" ID("1") "," N("5") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #2 (id* int integer, n int integer) new \"1\", \"5\"");
    assert_change(*state, LINE("D", ",'identity':[" ID("1") "]" PK_ID),
        "DELETE s.t #1 (id* int integer, big text text, n int integer) old \"1\", -, -");
}

static void
unchanged_toast_is_taken_from_a_full_identity(void **state)
{
    const char *update = LINE("U", ",'columns':[" ID("2") "," N("3") "],'identity':[" ID(
                                       "1") "," BIG("'x'") "," N("2") "]" PK_ID);

    /* also where the table was never seen before */
    for (int i = 0; i < 2; i++)
        assert_change(*state, update,
            "UPDATE s.t #1 (id* int integer, big text text, n int integer) "
            "old \"1\", \"x\", \"2\" new \"2\", \"x\", \"3\"");
}

static void
unchanged_toast_under_a_new_key_is_refused(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," BIG("'x'") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, big text text, n int integer) new \"1\", \"x\", \"2\"");
    assert_refused(*state,
        LINE("U", ",'columns':[" ID("2") "," N("3") "],'identity':[" ID("1") "]" PK_ID),
        "table s.t: update changes the key and does not repeat column big (unchanged TOAST): "
        "set REPLICA IDENTITY FULL");
}

static void
a_dropped_column_is_not_taken_for_toast(void **state)
{
    assert_change(*state, LINE("I", ",'columns':[" ID("1") "," BIG("'x'") "," N("2") "]" PK_ID),
        "INSERT s.t #1 (id* int integer, big text text, n int integer) new \"1\", \"x\", \"2\"");
    /* an integer is never stored out of line */
    assert_change(*state,
        LINE("U", ",'columns':[" ID("2") "," BIG("'x'") "],'identity':[" ID("1") "]" PK_ID),
        "UPDATE s.t #2 (id* int integer, big text text) old \"1\", - new \"2\", \"x\"");
    /* the whole old row does not have big either */
    assert_change(*state,
        LINE("U", ",'columns':[" ID("2") "," N("3") "],'identity':[" ID("1") "," N("2") "]" PK_ID),
        "UPDATE s.t #3 (id* int integer, n int integer) old \"1\", \"2\" new \"2\", \"3\"");
    assert_change(*state, LINE("D", ",'identity':[" ID("2") "," N("3") "]" PK_ID),
        "DELETE s.t #3 (id* int integer, n int integer) old \"2\", \"3\"");
}

static void
a_table_seen_first_in_a_delete_has_its_identity_alone(void **state)
{
    assert_change(*state, LINE("D", ",'identity':[" ID("2") "]" PK_ID),
        "DELETE s.t #1 (id* int integer) old \"2\"");
    assert_change(*state, "{'action':'D','table':'u','identity':[{'name':'id','value':2}]}",
        "DELETE .u #2 (id unknown) old \"2\"");
}

static void
a_column_without_type_is_bool_from_the_first_true_on(void **state)
{
    assert_change(*state, "{'action':'I','table':'t','columns':[{'name':'b','value':null}]}",
        "INSERT .t #1 (b unknown) new null");
    assert_change(*state, "{'action':'I','table':'t','columns':[{'name':'b','value':true}]}",
        "INSERT .t #2 (b bool) new \"t\"");
    assert_change(*state, "{'action':'I','table':'t','columns':[{'name':'b','value':null}]}",
        "INSERT .t #2 (b bool) new null");
}

static void
a_truncate_names_its_table(void **state)
{
    Decoded *decoded = *state;

    assert_ok(decode(decoded, LINE("T", "")), decoded->err);
    assert_int_equal(decoded->result.action, WAL_TRUNCATE);
    assert_text(decoded->result.schema, "s");
    assert_text(decoded->result.table, "t");
}

static void
every_refusal_says_where_and_why(void **state)
{
    static const struct {
        const char *line, *error;
    } bad[] = {
        {"[]", "column 1: \"[\" where an object should stand"},
        {"{}", "column 1: no \"action\": this is not wal2json's format version 2"},
        {"{'action':'X'}", "column 11: unknown action \"X\" (known are B, I, U, D, T, M and C)"},
        {"{'action':1}", "column 11: action is not a text"},
        {"{'xid':7,'change':[]}", "column 19: this is wal2json's format version 1: record the log "
                                  "with -o format-version=2"},
        {"{'action':'B','xid':-1}", "column 21: xid is not a transaction number"},
        {"{'action':'B','lsn':'12'}", "column 21: lsn is not two hexadecimal numbers with \"/\""},
        {"{'action':'B','timestamp':5}", "column 27: timestamp is not a text"},
        {"{'action':'I','columns':[]}", "column 11: a change without a table"},
        {"{'action':'T'}", "column 11: a truncate without a table"},
        {"{'action':'I','table':'t'}", "table t: an insert without columns"},
        {LINE("U", ""), "table s.t: an update without columns"},
        {LINE("D", ""), "table s.t: a delete without identity: set a REPLICA IDENTITY"},
        {LINE("I", ",'columns':[" ID("1") "," ID("2") "]"), "table s.t: column id is there twice"},
        {LINE("I", ",'columns':[],'columns':[]"), "column 63: an array of columns is there twice"},
        {LINE("I", ",'columns':[{'value':1}]"), "column 51: a column without a name"},
        {LINE("I", ",'columns':[{'name':'a'}]"), "column 51: column a has no value"},
        {LINE("I", ",'columns':[{'name':'a','name':'b'}]"), "column 70: name is there twice"},
        {LINE("I", ",'columns':[{'name':'a','value':[1]}]"),
            "column 71: an array where a single value should stand"},
        {LINE("I", ",'columns':[{'name':'a','type':'bytea','value':'0g'}]"),
            "column 51: value of column a is not hexadecimal: the log must be recorded with "
            "bytea_output = hex"},
        {LINE("I", ",'columns':[{'name':'a','type':'bytea','value':'012'}]"),
            "column 51: value of column a is not hexadecimal: the log must be recorded with "
            "bytea_output = hex"},
        {LINE("I", ",'columns':[{'name':'a','value':'\\u0000'}]"),
            "column 72: \\u0000: a text cannot hold the NUL character"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_refused(*state, bad[i].line, bad[i].error);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(transaction_lines_carry_xid_lsn_and_time),
    TEST(values_have_their_canonical_text),
    TEST(rows_with_the_same_columns_share_a_shape),
    TEST(a_key_is_learned_from_a_partial_identity),
    TEST(a_delete_teaches_the_key_where_the_full_shape_is_known),
    TEST(an_identity_of_all_columns_is_no_key),
    TEST(an_identity_without_the_primary_key_is_the_key),
    TEST(unchanged_toast_gives_a_shape_of_what_is_there),
    TEST(unchanged_toast_is_taken_from_a_full_identity),
    TEST(unchanged_toast_under_a_new_key_is_refused),
    TEST(a_dropped_column_is_not_taken_for_toast),
    TEST(a_table_seen_first_in_a_delete_has_its_identity_alone),
    TEST(a_column_without_type_is_bool_from_the_first_true_on),
    TEST(a_truncate_names_its_table),
    TEST(every_refusal_says_where_and_why),
};

TEST_MAIN(tests)
