/*
 * fuzz_binlog.c - a binary log, a statement or positions: whatever they are, reading ends in a
 * result or an error
 *
 * The first byte tells: 'S' a statement, with a name behind the first line end; 'P' two positions,
 * with a line end between; anything else a log file, as a server writes it (0xfe "bin", events).
 * Wrong checksums are passed over, so that changed bytes get further than to them.
 */
#include <stdlib.h>

#include "source/binlog/position.h"
#include "source/binlog/statement.h"
#include "support/binlog_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_statement(Text sql, Text name)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogXid xid;

    for (int ansi_quotes = 0; ansi_quotes < 2; ansi_quotes++) {
        Statement statement;

        statement_read(sql, ansi_quotes != 0, &statement);
        (void)statement_kind_name(statement.kind);
        if (statement.words.len > 60 || !text_is_utf8(buf_text(&statement.words), NULL))
            abort();
        /* a name that was read stands there */
        if (statement.table.len > 0 && !statement_mentions(sql, buf_text(&statement.table)))
            abort();
        (void)!statement_xid(statement.xid, &bytes, &xid);
        statement_clear(&statement);
    }
    (void)statement_mentions(sql, name);
}

/* What is printed is the same position, and prints the same. */
static BinlogPosition *
take_position(Text text)
{
    Error err;
    CLEANUP(buf_clear) Buf printed = BUF_INIT;
    CLEANUP(buf_clear) Buf again = BUF_INIT;
    CLEANUP(buf_clear) Buf encoded = BUF_INIT;
    BinlogPosition *position;
    BinlogPosition *copy;

    position = binlog_position_parse(text, BINLOG_POSITION_MARIADB, &err);
    if (position == NULL)
        return NULL;
    binlog_position_print(position, &printed);
    binlog_position_encode(position, &encoded);
    copy = binlog_position_parse(buf_text(&printed), BINLOG_POSITION_MARIADB, &err);
    if (copy == NULL || binlog_position_compare(text, buf_text(&printed)) != 0)
        abort();
    binlog_position_print(copy, &again);
    if (!text_equal(buf_text(&printed), buf_text(&again)))
        abort();
    binlog_position_free(copy);
    return position;
}

static void
take_positions(Text a, Text b)
{
    CLEANUP(binlog_position_free) BinlogPosition *x = take_position(a);
    CLEANUP(binlog_position_free) BinlogPosition *y = take_position(b);

    if (binlog_position_compare(a, b) != -binlog_position_compare(b, a))
        abort();
    if (x == NULL && y != NULL && binlog_position_compare(a, b) >= 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Text text = {(const char *)data, size};
    size_t end = text_find(text, '\n');
    /* the second line is what ends exactly where the input does */
    Text first = {text.data + 1, end == 0 ? 0 : end - 1};
    Text second = {text.data + end, 0};
    BinlogDump dump;

    if (end < size)
        second = (Text){text.data + end + 1, size - end - 1};
    if (size > 0 && data[0] == 'S') {
        take_statement(first, second);
        take_statement(second, first);
    } else if (size > 0 && data[0] == 'P') {
        take_positions(first, second);
    } else {
        binlog_dump_init(&dump);
        dump.ignores_checksums = true;
        binlog_dump_file(&dump, text);
        binlog_dump_clear(&dump);
    }
    return 0;
}
