#include "mysql_world.h"

#include "source/mysql/columns.h"
#include "source/mysql/defaults.h"
#include "source/mysql/map_shape.h"
#include "source/mysql/tables.h"

static MysqlTable *
find(Arena *arena, const char *name)
{
    MysqlTable *table = NULL;
    Error err;

    assert_ok(
        source_mysql_tables_find(admin, &options, TEXT("s"), text_of(name), arena, &table, &err),
        err);
    if (table == NULL)
        fail_msg("no table %s", name);
    return table;
}

static size_t
index_of(const MysqlTable *table, const char *name)
{
    const SourceColumn *found = source_table_column(&table->base, text_of(name));

    if (found == NULL)
        fail_msg("no column %s", name);
    return (size_t)(found - table->base.columns);
}

static const SourceColumn *
column(const MysqlTable *table, const char *name)
{
    return &table->base.columns[index_of(table, name)];
}

/* ---- types ---- */

static void
check_type(const MysqlTable *table, const char *name, const char *type_name, int64_t length,
    int precision, int scale, LogicalType logical)
{
    const SourceColumn *found = column(table, name);

    assert_text(found->type_name, type_name);
    assert_int_equal(found->length, length);
    assert_int_equal(found->precision, precision);
    assert_int_equal(found->scale, scale);
    assert_int_equal(found->logical, logical);
    /* the targets are made by this one, the values are read by the other one */
    if (table->types[found - table->base.columns].special == BINLOG_PLAIN)
        assert_int_equal(found->logical, logical_type_of_mysql(found->type));
}

static void
columns_have_types_lengths_and_digits(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    run("CREATE TABLE t (a TINYINT(1), b BIGINT UNSIGNED ZEROFILL, c DECIMAL(65,30), d FLOAT(7,3),"
        " e DOUBLE, f BIT(9), g CHAR(3) CHARACTER SET utf8mb4, h VARCHAR(20) CHARACTER SET latin1,"
        " i BINARY(4), j VARBINARY(5), k TINYTEXT, l LONGBLOB, m DATE, n TIME(3), o DATETIME,"
        " p TIMESTAMP(6) NULL, q YEAR, r JSON, s POINT, t GEOMETRYCOLLECTION, u MEDIUMINT)");
    table = find(arena, "t");
    check_type(table, "a", "tinyint", -1, -1, -1, LOGICAL_INT);
    check_type(table, "b", "bigint", -1, -1, -1, LOGICAL_UINT);
    assert_true(column(table, "b")->is_unsigned);
    check_type(table, "c", "decimal", -1, 65, 30, LOGICAL_NUMERIC);
    check_type(table, "d", "float", -1, -1, -1, LOGICAL_FLOAT);
    check_type(table, "e", "double", -1, -1, -1, LOGICAL_FLOAT);
    check_type(table, "f", "bit", 9, -1, -1, LOGICAL_BIT);
    check_type(table, "g", "char", 3, -1, -1, LOGICAL_TEXT);
    check_type(table, "h", "varchar", 20, -1, -1, LOGICAL_TEXT);
    check_type(table, "i", "binary", 4, -1, -1, LOGICAL_BYTES);
    check_type(table, "j", "varbinary", 5, -1, -1, LOGICAL_BYTES);
    check_type(table, "k", "tinytext", 255, -1, -1, LOGICAL_TEXT);
    check_type(table, "l", "longblob", UINT32_MAX, -1, -1, LOGICAL_BYTES);
    check_type(table, "m", "date", -1, -1, -1, LOGICAL_DATE);
    check_type(table, "n", "time", -1, 3, -1, LOGICAL_TIME);
    check_type(table, "o", "datetime", -1, 0, -1, LOGICAL_TIMESTAMP);
    check_type(table, "p", "timestamp", -1, 6, -1, LOGICAL_TIMESTAMPTZ);
    check_type(table, "q", "year", -1, -1, -1, LOGICAL_INT);
    check_type(table, "r", "json", -1, -1, -1, LOGICAL_JSON);
    check_type(table, "s", "point", -1, -1, -1, LOGICAL_GEOMETRY);
    check_type(table, "t", "geometrycollection", -1, -1, -1, LOGICAL_GEOMETRY);
    check_type(table, "u", "mediumint", -1, -1, -1, LOGICAL_INT);
    assert_string_equal(binlog_charset_name(table->types[index_of(table, "h")].charset), "latin1");
    assert_null(table->types[index_of(table, "l")].charset);
}

static void
columns_tell_where_their_values_come_from(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b INT DEFAULT 3,"
        " v INT AS (a + 1) VIRTUAL, w INT AS (a + 2) STORED, i INT INVISIBLE)");
    table = find(arena, "t");
    assert_true(column(table, "id")->is_identity);
    assert_false(column(table, "id")->may_omit);
    assert_true(column(table, "a")->may_omit);
    assert_true(column(table, "a")->not_null);
    assert_false(column(table, "a")->has_default);
    assert_true(column(table, "b")->has_default);
    assert_true(column(table, "v")->is_generated);
    assert_true(column(table, "w")->is_generated);
    assert_false(column(table, "i")->is_generated);
    assert_int_equal(column(table, "i")->number, 0);
}

/* ---- members of enums ---- */

static void
check_labels(const char *type, const char *const *wanted, size_t count)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const Text *labels;

    assert_int_equal(source_mysql_column_labels(text_of(type), arena, &labels), count);
    for (size_t i = 0; i < count; i++)
        assert_text(labels[i], wanted[i]);
}

static void
members_of_enums_are_read_whatever_is_in_them(void **state)
{
    (void)state;
    check_labels("enum('a')", (const char *[]){"a"}, 1);
    check_labels("set('x','y')", (const char *[]){"x", "y"}, 2);
    check_labels("enum('','it''s',',','\\\\','a\\nb','\"(''')",
        (const char *[]){"", "it's", ",", "\\", "a\nb", "\"('"}, 6);
    check_labels("int(11)", NULL, 0);
    check_labels("varchar(10)", NULL, 0);
    /* torn texts end where they are torn */
    check_labels("enum('a','b", (const char *[]){"a"}, 1);
    check_labels("enum(", NULL, 0);
    check_labels("set", NULL, 0);
}

static void
members_come_back_as_they_were_created(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const char *const wanted[] = {
        "a\\b", "c'd", "e\nf", "''", ",", "t\tu", "\xc3\xa9", "\x1a"};
    MysqlTable *table;

    (void)state;
    run("CREATE TABLE t (a ENUM('a\\\\b', 'c''d', 'e\\nf', '''''', ',', 't\\tu', '\xc3\xa9', '\\Z')"
        " CHARACTER SET latin1)");
    table = find(arena, "t");
    assert_int_equal(column(table, "a")->label_count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_text(column(table, "a")->labels[i], wanted[i]);
}

/* ---- defaults ---- */

/* wanted NULL: null; "?": not known. */
static void
check_default(const MysqlTable *table, const char *name, const char *wanted)
{
    Value value = table->missing[index_of(table, name)];

    if (wanted == NULL)
        assert_int_equal(value.kind, VALUE_NULL);
    else if (strcmp(wanted, "?") == 0)
        assert_int_equal(value.kind, VALUE_ABSENT);
    else if (value.kind != VALUE_TEXT)
        fail_msg("%s: not known", name);
    else
        assert_text(value.text, wanted);
}

static void
literal_defaults_are_known_in_their_canonical_text(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    run("CREATE TABLE t (a INT, b INT DEFAULT 5, c BIGINT UNSIGNED ZEROFILL DEFAULT 7,"
        " d VARCHAR(20) DEFAULT 'it''s \\\\ \\n', e VARCHAR(5) DEFAULT '', f VARCHAR(9) DEFAULT"
        " 'NULL', g DECIMAL(5,2) DEFAULT 1.5, h BIT(9) DEFAULT b'101', i DATE DEFAULT '2020-01-02',"
        " j TIME(3) DEFAULT '-01:02:03.5', k DATETIME(3) DEFAULT '2020-01-02 03:04:05.120',"
        " l ENUM('x', 'y') DEFAULT 'y', m DOUBLE DEFAULT 0.1, n YEAR DEFAULT 1999,"
        " o VARCHAR(9) CHARACTER SET latin1 DEFAULT '\xc3\xa9', p INT DEFAULT (1 + 2),"
        " q DATETIME DEFAULT CURRENT_TIMESTAMP, r VARBINARY(5) DEFAULT 0x00ff, s TINYINT DEFAULT"
        " TRUE, t CHAR(4) DEFAULT 5)");
    table = find(arena, "t");
    check_default(table, "a", NULL);
    check_default(table, "b", "5");
    check_default(table, "c", "7");
    check_default(table, "d", "it's \\ \n");
    check_default(table, "e", "");
    check_default(table, "f", "NULL");
    check_default(table, "g", "1.50");
    check_default(table, "h", "000000101");
    check_default(table, "i", "2020-01-02");
    check_default(table, "j", "-01:02:03.5");
    check_default(table, "k", "2020-01-02 03:04:05.12");
    check_default(table, "l", "y");
    check_default(table, "m", "0.1");
    check_default(table, "n", "1999");
    check_default(table, "o", "\xc3\xa9");
    check_default(table, "p", "?");
    check_default(table, "q", "?");
    check_default(table, "r", "?");
    check_default(table, "s", "1");
    check_default(table, "t", "5");
    assert_text(column(table, "b")->added_value, "5");
    assert_null(column(table, "q")->added_value.data);
    assert_true(column(table, "q")->has_default);
}

static void
columns_that_are_not_null_have_the_servers_own_default(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b DECIMAL(5,2) NOT"
        " NULL, c VARCHAR(5) NOT NULL, d ENUM('x', 'y') NOT NULL, e BINARY(2) NOT NULL, f DATE NOT"
        " NULL, g BIT(3) NOT NULL, h YEAR NOT NULL, i SET('a') NOT NULL, j TIME NOT NULL)");
    /* what the server itself makes of it */
    run("SET sql_mode = ''");
    run("INSERT INTO t () VALUES ()");
    table = find(arena, "t");
    check_default(table, "id", "?");
    check_default(table, "a", "0");
    check_default(table, "b", "0.00");
    check_default(table, "c", "");
    check_default(table, "d", "x");
    check_default(table, "e", "0000");
    check_default(table, "f", "0000-00-00");
    check_default(table, "g", "000");
    check_default(table, "h", "0000");
    check_default(table, "i", "");
    check_default(table, "j", "00:00:00");
    assert_string_equal(ask("SELECT CONCAT_WS('|', a, b, c, d, HEX(e), f, BIN(g), h, i, j) FROM t"),
        "0|0.00||x|0000|0000-00-00|0|0000||00:00:00");
    /* such a date is none in a target */
    assert_null(column(table, "f")->added_value.data);
    assert_text(column(table, "a")->added_value, "0");
}

/* ---- keys ---- */

static void
check_key(const char *definition, const char *wanted, RowIdentity identity)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    MysqlTable *table;

    run("DROP TABLE IF EXISTS t");
    buf_addf(&sql, "CREATE TABLE t %s", definition);
    run(buf_string(&sql));
    table = find(arena, "t");
    for (size_t i = 0; i < table->base.key_count; i++)
        buf_addf(&key, "%s" TEXT_FMT, i == 0 ? "" : ",",
            TEXT_ARG(table->base.columns[table->base.key[i]].name));
    if (strcmp(buf_string(&key), wanted) != 0)
        fail_msg("%s: (%s) instead of (%s)", definition, buf_string(&key), wanted);
    assert_int_equal(table->base.identity, identity);
}

static void
the_key_is_the_one_by_which_the_server_tells_rows_apart(void **state)
{
    (void)state;
    check_key("(a INT, b INT, PRIMARY KEY (b, a))", "b,a", IDENTITY_KEY);
    check_key("(a INT NOT NULL UNIQUE, b INT PRIMARY KEY)", "b", IDENTITY_KEY);
    check_key("(a INT, b INT)", "", IDENTITY_FULL);
    check_key("(a INT UNIQUE, b INT NOT NULL)", "", IDENTITY_FULL);
    /* the first one that was defined, not the first by name */
    check_key(
        "(a INT NOT NULL, b INT NOT NULL, UNIQUE u2 (b), UNIQUE u1 (a))", "b", IDENTITY_INDEX);
    check_key("(a INT NOT NULL, b INT NOT NULL, c INT, UNIQUE (c), UNIQUE (b, a))", "b,a",
        IDENTITY_INDEX);
    check_key(
        "(a VARCHAR(20) NOT NULL, b INT NOT NULL, UNIQUE (a(3)), UNIQUE (b))", "b", IDENTITY_INDEX);
    check_key("(a VARCHAR(20) NOT NULL, UNIQUE (a(3)))", "", IDENTITY_FULL);
    check_key("(a VARCHAR(20), PRIMARY KEY (a(3)))", "a", IDENTITY_KEY);
    check_key("(a INT NOT NULL, b INT NOT NULL, KEY (b))", "", IDENTITY_FULL);
    if (on_mysql) {
        check_key("(a INT NOT NULL, UNIQUE ((a + 1)))", "", IDENTITY_FULL);
        check_key("(a INT, g INT AS (a + 1) STORED PRIMARY KEY)", "", IDENTITY_FULL);
    }
}

static void
tables_without_a_key_of_their_own_have_the_invisible_one(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    if (!on_mysql)
        return;
    run("SET sql_generate_invisible_primary_key = ON");
    run("CREATE TABLE t (a INT)");
    run("SET sql_generate_invisible_primary_key = OFF");
    table = find(arena, "t");
    assert_int_equal(table->base.column_count, 2);
    assert_text(table->base.columns[table->base.key[0]].name, "my_row_id");
}

/* ---- which tables there are ---- */

static void
views_sequences_and_other_schemas_are_no_tables(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable **tables;
    size_t count;
    Error err;

    (void)state;
    run("CREATE TABLE b (a INT)");
    run("CREATE TABLE A (a INT PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3");
    run("CREATE VIEW v AS SELECT * FROM b");
    run("CREATE TEMPORARY TABLE tmp (a INT)");
    if (!on_mysql)
        run("CREATE SEQUENCE q");
    assert_ok(source_mysql_tables_list(admin, &options, arena, &tables, &count, &err), err);
    run("DROP TEMPORARY TABLE tmp");
    assert_int_equal(count, 2);
    assert_text(tables[0]->base.name, "A");
    assert_text(tables[1]->base.name, "b");
    assert_false(tables[0]->base.is_partitioned);
    assert_true(tables[0]->base.is_published);
    assert_int_equal(tables[0]->base.column_count, 1);
}

static void
names_that_differ_in_case_are_two_tables(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;
    Error err;

    (void)state;
    run("CREATE TABLE t (a INT PRIMARY KEY)");
    run("CREATE TABLE T (b INT, c INT PRIMARY KEY)");
    table = find(arena, "T");
    assert_int_equal(table->base.column_count, 2);
    assert_text(table->base.columns[table->base.key[0]].name, "c");
    assert_int_equal(find(arena, "t")->base.column_count, 1);
    assert_ok(
        source_mysql_tables_find(admin, &options, TEXT("S"), TEXT("t"), arena, &table, &err), err);
    assert_null(table);
    assert_ok(
        source_mysql_tables_find(admin, &options, TEXT("s"), TEXT("x"), arena, &table, &err), err);
    assert_null(table);
}

static void
odd_names_are_found(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;
    Error err;

    (void)state;
    run("CREATE TABLE `it's \\ \"x` (`a``b` INT PRIMARY KEY, `j``` JSON)");
    assert_ok(source_mysql_tables_find(
                  admin, &options, TEXT("s"), TEXT("it's \\ \"x"), arena, &table, &err),
        err);
    assert_non_null(table);
    assert_text(table->base.columns[0].name, "a`b");
    assert_int_equal(column(table, "j`")->logical, LOGICAL_JSON);
}

/* ---- MariaDB's own ---- */

static void
mariadbs_own_types_are_known(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    if (on_mysql)
        return;
    run("CREATE TABLE t (u UUID, i6 INET6, i4 INET4, c VARCHAR(100) COMPRESSED CHARACTER SET "
        "utf8mb4,"
        " b TEXT COMPRESSED, j LONGTEXT CHECK (json_valid(j)), k LONGTEXT CHECK (length(k) > 3),"
        " x VARCHAR(5) COLLATE utf8mb4_uca1400_ai_ci)");
    table = find(arena, "t");
    assert_int_equal(column(table, "u")->logical, LOGICAL_UUID);
    assert_text(column(table, "i6")->type_name, "inet6");
    assert_int_equal(table->types[index_of(table, "i4")].special, BINLOG_INET4);
    assert_text(column(table, "c")->type, "varchar(100)");
    assert_int_equal(
        table->types[index_of(table, "c")].column.type, MYSQL_COLUMN_VARCHAR_COMPRESSED);
    assert_int_equal(table->types[index_of(table, "c")].column.length, 401);
    assert_int_equal(table->types[index_of(table, "b")].column.type, MYSQL_COLUMN_BLOB_COMPRESSED);
    assert_text(column(table, "j")->type_name, "json");
    assert_text(column(table, "k")->type_name, "longtext");
    assert_string_equal(binlog_charset_name(table->types[index_of(table, "x")].charset), "utf8mb4");
}

static void
system_versioned_tables_have_a_key_without_the_end_of_rows(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;

    (void)state;
    if (on_mysql)
        return;
    run("CREATE TABLE t (id INT PRIMARY KEY, rs TIMESTAMP(6) GENERATED ALWAYS AS ROW START,"
        " re TIMESTAMP(6) GENERATED ALWAYS AS ROW END, a INT, PERIOD FOR SYSTEM_TIME (rs, re))"
        " WITH SYSTEM VERSIONING");
    table = find(arena, "t");
    assert_true(table->is_versioned);
    assert_int_equal(table->base.key_count, 1);
    assert_int_equal(table->row_end, 2);
    assert_true(column(table, "re")->is_generated);
    run("CREATE TABLE h (id INT PRIMARY KEY) WITH SYSTEM VERSIONING");
    table = find(arena, "h");
    assert_true(table->is_versioned);
    assert_int_equal(table->row_end, table->base.column_count);
    assert_null(table->base.problem.data);
}

/* ---- problems ---- */

static void
check_problem(const char *definition, const char *part)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf problem = BUF_INIT;

    run("DROP TABLE IF EXISTS t");
    buf_addf(&sql, "CREATE TABLE t %s", definition);
    run(buf_string(&sql));
    buf_add_text(&problem, find(arena, "t")->base.problem);
    if (part == NULL ? problem.len > 0 : strstr(buf_string(&problem), part) == NULL)
        fail_msg("%s: %s", definition, buf_string(&problem));
}

static void
what_loses_data_is_a_problem_of_the_table(void **state)
{
    (void)state;
    run("CREATE TABLE parent (id INT PRIMARY KEY)");
    check_problem("(id INT PRIMARY KEY, a INT)", NULL);
    check_problem("(id INT PRIMARY KEY, a INT) ENGINE=MyISAM", "engine MyISAM");
    check_problem("(id VARCHAR(20), PRIMARY KEY (id(3)))", "indexes only the beginning");
    check_problem("(id FLOAT PRIMARY KEY)", "column id of its key is float");
    check_problem(
        "(id INT PRIMARY KEY, p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES parent (id))", NULL);
    /* MySQL 9.6 and later log them */
    check_problem("(id INT PRIMARY KEY, p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES parent (id)"
                  " ON DELETE SET NULL)",
        on_mysql && admin->version >= 90600 ? NULL : "foreign key f");
    if (on_mysql)
        check_problem("(a INT, g INT AS (a + 1) STORED PRIMARY KEY)", "column g of its key");
    else
        check_problem("(a INT, rs BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, re BIGINT UNSIGNED"
                      " GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (rs, re))"
                      " WITH SYSTEM VERSIONING",
            "logs changes of such a table as statements");
}

/* ---- table maps of the log ---- */

/* Where the log ends. */
static BinlogPosition *
end_of_log(void)
{
    Error err;
    BinlogPosition *position = source_mysql_server_file_position(admin, &err);

    assert_ok(position != NULL, err);
    return position;
}

/* The last table map behind the position. */
static BinlogTableMap
last_map(const BinlogPosition *from, Arena *arena)
{
    Error err;
    MysqlStreamStart start = {
        .options = &options, .server_id = 4711, .position = from, .until_end = true};
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = source_mysql_stream_open(&start, &err);
    BinlogFormat format = {.is_mariadb = !on_mysql};
    BinlogTableMap map = {0};
    BinlogEvent event;
    Text bytes;

    assert_ok(stream != NULL, err);
    for (;;) {
        Next next = source_mysql_stream_next(stream, 20000, &bytes, &err);

        assert_ok(next != NEXT_FAILED, err);
        if (next == NEXT_END)
            break;
        assert_int_equal(next, NEXT_ITEM);
        assert_ok(binlog_event_read(&format, bytes, &event, &err), err);
        if (event.type == BINLOG_FORMAT_DESCRIPTION)
            assert_ok(binlog_read_format(&event, &format, &err), err);
        if (event.type == BINLOG_TABLE_MAP)
            assert_ok(binlog_read_table_map(&format, &event, arena, &map, &err), err);
    }
    assert_true(map.column_count > 0);
    return map;
}

static const char every_type[] =
    "(id INT UNSIGNED PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT UNSIGNED,"
    " e DECIMAL(20,6), f FLOAT, g DOUBLE, h BIT(5), i DATE, j TIME(3), k DATETIME(6), l "
    "TIMESTAMP(2)"
    " NULL, m YEAR, n ENUM('x', '\xc3\xa9') CHARACTER SET latin1, o SET('a', 'b'), p JSON,"
    " q BINARY(4), r VARBINARY(300), s VARCHAR(100) CHARACTER SET utf8mb4, t CHAR(60) CHARACTER SET"
    " utf8mb4, u CHAR(100) CHARACTER SET utf8mb4, v TINYTEXT, w MEDIUMBLOB, x GEOMETRY, y INT AS"
    " (a + 1) VIRTUAL, z INT AS (a + 2) STORED, aa BIT(64), ab TIME, ac VARCHAR(5) COLLATE"
    " utf8mb4_bin, ad ENUM('q') NOT NULL%s)";

static void
make_every_type(void)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "CREATE TABLE t ");
    buf_addf(&sql, every_type,
        on_mysql ? ", va VECTOR(3)"
                 : ", ua UUID, ub INET6, uc INET4, ud BINARY(16), ue VARCHAR(9) COMPRESSED, uf BLOB"
                   " COMPRESSED, ug TEXT NOT NULL UNIQUE");
    run(buf_string(&sql));
}

static const BinlogValueType *
type_of(const MysqlShape *shape, const char *name)
{
    for (size_t i = 0; i < shape->table.column_count; i++)
        if (text_is(shape->table.columns[i].name, name))
            return &shape->types[shape->image_of[i]];
    fail_msg("no column %s", name);
    return &shape->types[0];
}

/* Under each setting the map and the catalogue give the same shape. */
static void
maps_and_the_catalogue_agree(const char *metadata)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(binlog_position_free) BinlogPosition *from = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MapShapeInput input = {.is_mariadb = !on_mysql};
    BinlogTableMap map;
    MysqlShape shape;
    size_t *catalogue;
    Error err;

    make_every_type();
    buf_addf(&sql, "SET GLOBAL binlog_row_metadata = '%s'", metadata);
    run(buf_string(&sql));
    from = end_of_log();
    run(on_mysql ? "INSERT INTO t (id) VALUES (1)" : "INSERT INTO t (id, ug) VALUES (1, 'x')");
    map = last_map(from, arena);
    run("SET GLOBAL binlog_row_metadata = DEFAULT");
    input.map = &map;
    input.table = find(arena, "t");
    assert_int_equal(map.has_names, strcmp(metadata, "FULL") == 0);
    assert_ok(map_shape_make(&input, arena, &shape, &catalogue, &err), err);
    /* without the two generated columns */
    assert_int_equal(shape.table.column_count, input.table->base.column_count - 2);
    for (size_t i = 0; i < shape.table.column_count; i++) {
        const Column *made = &shape.table.columns[i];
        const SourceColumn *known = &input.table->base.columns[catalogue[i]];
        const BinlogValueType *type = &shape.types[shape.image_of[i]];
        const BinlogValueType *shown = &input.table->types[catalogue[i]];

        assert_true(catalogue[i] != MAP_SHAPE_NONE);
        assert_true(text_equal(made->name, known->name));
        assert_true(text_equal(made->type, known->type));
        if (made->logical != known->logical || type->charset != shown->charset)
            fail_msg(TEXT_FMT ": not as the catalogue says", TEXT_ARG(made->name));
        assert_int_equal(made->in_key, i == 0);
        assert_int_equal(made->may_omit, i != 0);
        assert_int_equal(type->special, shown->special);
        assert_int_equal(type->column.label_count, known->label_count);
        for (size_t at = 0; at < known->label_count; at++)
            assert_true(text_equal(type->column.labels[at], known->labels[at]));
    }
    assert_true(shape.table.has_key);
    assert_int_equal(shape.row_end, shape.image_count);
}

static void
full_maps_agree_with_the_catalogue(void **state)
{
    (void)state;
    maps_and_the_catalogue_agree("FULL");
}

static void
minimal_maps_agree_with_the_catalogue(void **state)
{
    (void)state;
    maps_and_the_catalogue_agree("MINIMAL");
}

static void
maps_without_metadata_agree_with_the_catalogue(void **state)
{
    (void)state;
    if (on_mysql)
        return;
    maps_and_the_catalogue_agree("NO_LOG");
}

static void
a_full_map_is_enough_where_the_table_is_gone(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(binlog_position_free) BinlogPosition *from = NULL;
    MapShapeInput input = {.is_mariadb = !on_mysql};
    BinlogTableMap map;
    MysqlShape shape;
    size_t *catalogue;
    Error err;

    (void)state;
    run("CREATE TABLE t (id INT UNSIGNED, a VARCHAR(20) CHARACTER SET utf8mb4, b DECIMAL(9,2),"
        " c DATETIME(3), d ENUM('x', '\xc3\xa9') CHARACTER SET latin1, e LONGBLOB, f BIGINT,"
        " PRIMARY KEY (f, id))");
    run("SET GLOBAL binlog_row_metadata = 'FULL'");
    from = end_of_log();
    run("INSERT INTO t (id, f) VALUES (1, 2)");
    map = last_map(from, arena);
    run("SET GLOBAL binlog_row_metadata = DEFAULT");
    input.map = &map;
    assert_false(map_shape_needs_catalogue(&input));
    assert_ok(map_shape_make(&input, arena, &shape, &catalogue, &err), err);
    assert_int_equal(shape.table.column_count, 7);
    assert_text(shape.table.columns[0].type, "int unsigned");
    assert_text(shape.table.columns[1].type, "varchar(20)");
    assert_text(shape.table.columns[2].type, "decimal(9,2)");
    assert_text(shape.table.columns[3].type, "datetime(3)");
    assert_text(shape.table.columns[4].type, "enum('x','\xc3\xa9')");
    assert_text(shape.table.columns[5].type, "longblob");
    assert_true(shape.table.columns[0].in_key);
    assert_true(shape.table.columns[6].in_key);
    assert_false(shape.table.columns[1].in_key);
    assert_text(type_of(&shape, "d")->column.labels[1], "\xc3\xa9");
}

/* A table that was altered behind the map. */
static void
check_other_table(const char *metadata, const char *statement, const char *reason)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(binlog_position_free) BinlogPosition *from = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MapShapeInput input = {.is_mariadb = !on_mysql};
    BinlogTableMap map;
    MysqlShape shape;
    size_t *catalogue;
    Error err = {0};
    bool ok;

    run("DROP TABLE IF EXISTS t");
    run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT UNSIGNED, c BINARY(16))");
    buf_addf(&sql, "SET GLOBAL binlog_row_metadata = '%s'", metadata);
    run(buf_string(&sql));
    from = end_of_log();
    run("INSERT INTO t VALUES (1, 'x', 3, '')");
    map = last_map(from, arena);
    run("SET GLOBAL binlog_row_metadata = DEFAULT");
    run(statement);
    input.map = &map;
    input.table = find(arena, "t");
    ok = map_shape_make(&input, arena, &shape, &catalogue, &err);
    if (reason == NULL)
        assert_ok(ok, err);
    else if (ok)
        fail_msg("%s is not noticed", statement);
    else if (strstr(err.text, reason) == NULL)
        fail_msg("%s: %s", statement, err.text);
}

static void
a_catalogue_with_other_columns_is_not_believed(void **state)
{
    (void)state;
    check_other_table(
        "MINIMAL", "ALTER TABLE t ADD z INT", "its rows have 4 columns, and the catalogue has 5");
    check_other_table(
        "MINIMAL", "ALTER TABLE t MODIFY a VARCHAR(21)", "column 2 of its rows is not stored as a");
    check_other_table(
        "MINIMAL", "ALTER TABLE t MODIFY b INT", "column 3 of its rows is not stored");
    check_other_table(
        "MINIMAL", "ALTER TABLE t MODIFY b INT UNSIGNED FIRST", "column 1 of its rows");
    check_other_table("FULL", "ALTER TABLE t ADD z INT, MODIFY a TEXT, DROP b", NULL);
    if (!on_mysql)
        check_other_table("FULL", "ALTER TABLE t DROP c",
            "column c has 16 bytes, which may be a UUID, an INET6 or BINARY");
}

/* ---- many tables ---- */

static uint64_t
questions(void)
{
    uint64_t number;

    assert_true(text_to_u64(
        text_of(ask(on_mysql ? "SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE"
                               " VARIABLE_NAME = 'Questions'"
                             : "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE"
                               " VARIABLE_NAME = 'Questions'")),
        &number));
    return number;
}

static void
many_tables_are_listed_with_few_queries(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable **tables;
    uint64_t before;
    size_t count;
    Error err;

    (void)state;
    for (int i = 0; i < 50; i++) {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;

        buf_addf(&sql, "CREATE TABLE t%d (id INT PRIMARY KEY, j JSON, e ENUM('a', 'b'))", i);
        run(buf_string(&sql));
    }
    before = questions();
    assert_ok(source_mysql_tables_list(admin, &options, arena, &tables, &count, &err), err);
    assert_int_equal(count, 50);
    assert_true(questions() - before <= 10);
}

int
main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(columns_have_types_lengths_and_digits, clean),
        cmocka_unit_test_setup(columns_tell_where_their_values_come_from, clean),
        cmocka_unit_test(members_of_enums_are_read_whatever_is_in_them),
        cmocka_unit_test_setup(members_come_back_as_they_were_created, clean),
        cmocka_unit_test_setup(literal_defaults_are_known_in_their_canonical_text, clean),
        cmocka_unit_test_setup(columns_that_are_not_null_have_the_servers_own_default, clean),
        cmocka_unit_test_setup(the_key_is_the_one_by_which_the_server_tells_rows_apart, clean),
        cmocka_unit_test_setup(tables_without_a_key_of_their_own_have_the_invisible_one, clean),
        cmocka_unit_test_setup(views_sequences_and_other_schemas_are_no_tables, clean),
        cmocka_unit_test_setup(names_that_differ_in_case_are_two_tables, clean),
        cmocka_unit_test_setup(odd_names_are_found, clean),
        cmocka_unit_test_setup(mariadbs_own_types_are_known, clean),
        cmocka_unit_test_setup(system_versioned_tables_have_a_key_without_the_end_of_rows, clean),
        cmocka_unit_test_setup(what_loses_data_is_a_problem_of_the_table, clean),
        cmocka_unit_test_setup(full_maps_agree_with_the_catalogue, clean),
        cmocka_unit_test_setup(minimal_maps_agree_with_the_catalogue, clean),
        cmocka_unit_test_setup(maps_without_metadata_agree_with_the_catalogue, clean),
        cmocka_unit_test_setup(a_full_map_is_enough_where_the_table_is_gone, clean),
        cmocka_unit_test_setup(a_catalogue_with_other_columns_is_not_believed, clean),
        cmocka_unit_test_setup(many_tables_are_listed_with_few_queries, clean),
    };

    return run_world(argc, argv, tests, ARRAY_LEN(tests));
}
