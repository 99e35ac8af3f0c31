#include "source/mysql/transaction.h"

#include <ctype.h>
#include <stdlib.h>

/* memory that is kept from one transaction to the next */
#define KEPT_MEMORY ((size_t)1 << 20)

typedef struct Savepoint {
    char *name;
    uint64_t number; /* of the event that set it */
} Savepoint;

/* Events of these numbers, the last one not included, were undone. */
typedef struct Undone {
    uint64_t from;
    uint64_t to;
} Undone;

struct Transaction {
    size_t limit;
    Buf events; /* BinlogEvent and its body, one behind the other */
    size_t at;  /* of the one that is taken out next */
    uint64_t taken;
    uint64_t count;
    Savepoint *savepoints; /* in the order in which they were set */
    size_t savepoint_count;
    size_t savepoint_size;
    Undone *undone; /* in order, none within another one */
    size_t undone_count;
    size_t undone_size;
    size_t undone_at; /* the first one that may matter still */
    bool has_savepoints;
};

bool
transaction_has_type(unsigned type)
{
    switch (type) {
    case BINLOG_QUERY:
    case BINLOG_QUERY_COMPRESSED:
    case BINLOG_EXECUTE_LOAD_QUERY:
    case BINLOG_XID:
    case BINLOG_XA_PREPARE:
    case BINLOG_TABLE_MAP:
    case BINLOG_WRITE_ROWS_V1:
    case BINLOG_UPDATE_ROWS_V1:
    case BINLOG_DELETE_ROWS_V1:
    case BINLOG_WRITE_ROWS:
    case BINLOG_UPDATE_ROWS:
    case BINLOG_DELETE_ROWS:
    case BINLOG_PARTIAL_UPDATE_ROWS:
    case BINLOG_WRITE_ROWS_COMPRESSED_V1:
    case BINLOG_UPDATE_ROWS_COMPRESSED_V1:
    case BINLOG_DELETE_ROWS_COMPRESSED_V1:
    case BINLOG_WRITE_ROWS_COMPRESSED:
    case BINLOG_UPDATE_ROWS_COMPRESSED:
    case BINLOG_DELETE_ROWS_COMPRESSED:
        return true;
    default:
        return false;
    }
}

Transaction *
transaction_new(size_t limit)
{
    Transaction *transaction = calloc(1, sizeof(*transaction));

    if (transaction == NULL)
        abort();
    transaction->limit = limit;
    return transaction;
}

static void
forget_savepoints(Transaction *transaction, size_t kept)
{
    while (transaction->savepoint_count > kept)
        free(transaction->savepoints[--transaction->savepoint_count].name);
}

void
transaction_free(Transaction *transaction)
{
    if (transaction == NULL)
        return;
    forget_savepoints(transaction, 0);
    free(transaction->savepoints);
    free(transaction->undone);
    buf_clear(&transaction->events);
    free(transaction);
}

void
transaction_reset(Transaction *transaction)
{
    forget_savepoints(transaction, 0);
    buf_reset(&transaction->events, KEPT_MEMORY);
    transaction->at = 0;
    transaction->taken = 0;
    transaction->count = 0;
    transaction->undone_count = 0;
    transaction->undone_at = 0;
    transaction->has_savepoints = false;
}

void
transaction_add(Transaction *transaction, const BinlogEvent *event)
{
    buf_add(&transaction->events, event, sizeof(*event));
    buf_add_text(&transaction->events, event->body);
    transaction->count++;
}

bool
transaction_is_full(const Transaction *transaction)
{
    return transaction->events.len >= transaction->limit;
}

bool
transaction_next(Transaction *transaction, BinlogEvent *ret_event, uint64_t *ret_number)
{
    if (transaction->at >= transaction->events.len)
        return false;
    memcpy(ret_event, transaction->events.data + transaction->at, sizeof(*ret_event));
    transaction->at += sizeof(*ret_event);
    ret_event->body.data = transaction->events.data + transaction->at;
    transaction->at += ret_event->body.len;
    *ret_number = transaction->taken++;
    return true;
}

uint64_t
transaction_count(const Transaction *transaction)
{
    return transaction->count;
}

uint64_t
transaction_pass(Transaction *transaction)
{
    return transaction->count++;
}

/* ---- savepoints ----------------------------------------------------------------------------- */

typedef enum Verb {
    VERB_SET,
    VERB_ROLLBACK,
    VERB_RELEASE,
    VERB_NONE,
} Verb;

/* The next word or quoted name, without its quotes; TEXT_NONE at the end. */
static Text
next_word(Text *rest)
{
    Text word = text_trim(*rest);
    size_t len = 0;

    if (word.len == 0 || word.data[0] == ';')
        return TEXT_NONE;
    if (word.data[0] == '`' || word.data[0] == '"') {
        char quote = word.data[0];

        word = (Text){word.data + 1, word.len - 1};
        while (len < word.len &&
               (word.data[len] != quote || (len + 1 < word.len && word.data[len + 1] == quote)))
            len += word.data[len] == quote ? 2 : 1;
        *rest = (Text){word.data + MIN(len + 1, word.len), word.len - MIN(len + 1, word.len)};
        return (Text){word.data, len};
    }
    while (len < word.len && !isspace((unsigned char)word.data[len]) && word.data[len] != ';')
        len++;
    *rest = (Text){word.data + len, word.len - len};
    return (Text){word.data, len};
}

/* SAVEPOINT a; ROLLBACK [WORK] TO [SAVEPOINT] a; RELEASE SAVEPOINT a */
static Verb
read_savepoint(Text statement, Text *ret_name)
{
    Text rest = statement;
    Text word = next_word(&rest);
    Verb verb = VERB_NONE;

    *ret_name = TEXT_NONE;
    if (word.data == NULL)
        return VERB_NONE;
    if (text_equal_nocase(word, TEXT("savepoint"))) {
        *ret_name = next_word(&rest);
        return VERB_SET;
    }
    if (text_equal_nocase(word, TEXT("rollback")))
        verb = VERB_ROLLBACK;
    else if (text_equal_nocase(word, TEXT("release")))
        verb = VERB_RELEASE;
    for (word = next_word(&rest); word.data != NULL; word = next_word(&rest))
        *ret_name = word;
    return ret_name->data == NULL ? VERB_NONE : verb;
}

/* Index of the savepoint of this name, or savepoint_count. */
static size_t
find_savepoint(const Transaction *transaction, Text name)
{
    for (size_t i = transaction->savepoint_count; i > 0; i--)
        if (text_equal_nocase(text_of(transaction->savepoints[i - 1].name), name))
            return i - 1;
    return transaction->savepoint_count;
}

/* One of the same name goes. */
static void
set_savepoint(Transaction *transaction, Text name, uint64_t number)
{
    size_t index = find_savepoint(transaction, name);

    if (index < transaction->savepoint_count) {
        free(transaction->savepoints[index].name);
        transaction->savepoint_count--;
        memmove(&transaction->savepoints[index], &transaction->savepoints[index + 1],
            (transaction->savepoint_count - index) * sizeof(*transaction->savepoints));
    }
    if (transaction->savepoint_count == transaction->savepoint_size) {
        transaction->savepoint_size = MAX(transaction->savepoint_size * 2, (size_t)8);
        transaction->savepoints = realloc(transaction->savepoints,
            transaction->savepoint_size * sizeof(*transaction->savepoints));
        if (transaction->savepoints == NULL)
            abort();
    }
    transaction->savepoints[transaction->savepoint_count++] = (Savepoint){text_dup(name), number};
}

static void
add_undone(Transaction *transaction, uint64_t from, uint64_t to)
{
    while (transaction->undone_count > 0 &&
           transaction->undone[transaction->undone_count - 1].to >= from) {
        from = MIN(from, transaction->undone[transaction->undone_count - 1].from);
        transaction->undone_count--;
    }
    if (transaction->undone_count == transaction->undone_size) {
        transaction->undone_size = MAX(transaction->undone_size * 2, (size_t)8);
        transaction->undone =
            realloc(transaction->undone, transaction->undone_size * sizeof(*transaction->undone));
        if (transaction->undone == NULL)
            abort();
    }
    transaction->undone[transaction->undone_count++] = (Undone){from, to};
}

bool
transaction_savepoint(Transaction *transaction, uint64_t number, Text statement, Error *err)
{
    Text name;
    Verb verb = read_savepoint(statement, &name);
    size_t index;

    if (verb == VERB_NONE || name.data == NULL)
        return error_set(err, ERR_SOURCE, "\"" TEXT_FMT "\" is no statement about a savepoint",
            TEXT_ARG(statement));
    transaction->has_savepoints = true;
    if (verb == VERB_SET) {
        set_savepoint(transaction, name, number);
        return true;
    }
    index = find_savepoint(transaction, name);
    if (index == transaction->savepoint_count)
        return error_set(err, ERR_SOURCE,
            "\"" TEXT_FMT "\": the transaction has no savepoint of this name", TEXT_ARG(statement));
    if (verb == VERB_RELEASE) {
        forget_savepoints(transaction, index);
        return true;
    }
    add_undone(transaction, transaction->savepoints[index].number, number);
    /* the savepoint itself stays */
    forget_savepoints(transaction, index + 1);
    return true;
}

bool
transaction_is_undone(Transaction *transaction, uint64_t number)
{
    while (transaction->undone_at < transaction->undone_count &&
           transaction->undone[transaction->undone_at].to <= number)
        transaction->undone_at++;
    return transaction->undone_at < transaction->undone_count &&
           transaction->undone[transaction->undone_at].from <= number;
}

bool
transaction_has_savepoints(const Transaction *transaction)
{
    return transaction->has_savepoints;
}

void
transaction_keep_undone(Transaction *transaction)
{
    buf_reset(&transaction->events, KEPT_MEMORY);
    transaction->at = 0;
    transaction->taken = 0;
    transaction->count = 0;
    transaction->undone_at = 0;
}

void
transaction_take_undone(Transaction *transaction, Transaction *other)
{
    free(transaction->undone);
    transaction->undone = STEAL(other->undone);
    transaction->undone_count = other->undone_count;
    transaction->undone_size = other->undone_size;
    transaction->undone_at = 0;
    other->undone_count = 0;
    other->undone_size = 0;
}
