#include "source/mysql/dump.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/mysql/packets.h"
#include "source/mysql/skip.h"

#define FIRST_OFFSET 4
/* A silent connection is lost after so many heartbeats, and not before so long. */
#define SILENT_HEARTBEATS 5
#define SILENT_MIN_MS     60000
/* Of a position in an error: sets of GTIDs can be long. */
#define SHOWN_POSITION 200

struct MysqlDump {
    MysqlServer *server;
    MysqlPackets *packets;
    int socket_fd; /* a second one: the library closes its own as soon as it finds it lost */
    bool until_end;
    uint32_t server_id;
    Buf position;
    MysqlSkip skip;
};

/* ---- errors ---- */

#define PURGED                                                                          \
    "the source has no log of this place any more: copy the tables anew (dray "         \
    "bootstrap), or bring the purged logs back; from then on let it keep its logs for " \
    "longer than the service may stand still (binlog_expire_logs_seconds)"
#define DIVERGED                                                                        \
    "the source's log does not have what the service has applied already: this is "     \
    "another server, or one that was restored, or whose log was reset; connect to the " \
    "right one, or copy the tables anew (dray bootstrap)"
#define DAMAGED                                                                           \
    "the source cannot read its own log: its error log tells more; copy the tables anew " \
    "(dray bootstrap) when the log is beyond repair"
#define SAME_ID                                                                          \
    "another replica or service uses the same server_id: give this one a number of its " \
    "own in source.server_id"

/* What a piece of the server's text means; the first match counts. */
static const struct {
    const char *piece;
    const char *way_out;
} explanations[] = {
    {"same server_", SAME_ID},
    {"max_allowed_packet",
        "an event of the log is larger than the source's max_allowed_packet: SET GLOBAL "
        "max_allowed_packet = 1073741824 there"},
    {"Could not find first log file", PURGED},
    {"purged", PURGED},
    {"Could not find GTID state", PURGED},
    {"not in the master's binlog", DIVERGED},
    {"missing the GTID", DIVERGED},
    {"has more GTIDs than", DIVERGED},
    {"impossible position", DIVERGED},
    {"position > file size", DIVERGED},
    {"Binary log is not open", "give the source's server log_bin and binlog_format = ROW"},
    {"GTID_MODE", "set the source's gtid_mode to ON, or give source.position: file"},
    {"bogus data", DAMAGED},
    {"truncated in the middle", DAMAGED},
    {"error reading log", DAMAGED},
};

static const char *
way_out(unsigned number, const char *text)
{
    if (number == 1227 || number == 1045)
        return "GRANT REPLICATION SLAVE ON *.* TO the service's user";
    for (size_t i = 0; i < ARRAY_LEN(explanations); i++)
        if (strcasestr(text, explanations[i].piece) != NULL)
            return explanations[i].way_out;
    return NULL;
}

/* The error of the connection, with what can be done about it. Returns false. */
static bool
dump_error(MysqlDump *dump, Error *err)
{
    MysqlServer *server = dump->server;
    unsigned number = mysql_errno(server->mysql);
    const char *advice = way_out(number, mysql_error(server->mysql));
    bool is_long = dump->position.len > SHOWN_POSITION;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    (void)source_mysql_server_error(server, err);
    if (err->kind != ERR_SOURCE || client_mysql_is_own_error(number))
        return error_wrap(err, "the source's binary log");
    if (advice != NULL) {
        client_mysql_add_message(&server->options, mysql_error(server->mysql), &text);
        (void)error_set(err, ERR_SOURCE, "%u: %s: %s", number, buf_string(&text), advice);
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", mysql_sqlstate(server->mysql));
    }
    return error_wrap(err, "the source's binary log from %.*s%s", SHOWN_POSITION,
        buf_string(&dump->position), is_long ? "…" : "");
}

/* ---- opening ---- */

/* "dray" and the number: of one service the newer connection ends the older one, and never another
 * replica's that happens to have the same number (MySQL goes by this name where there is one). */
static void
add_uuid(Buf *sql, uint32_t server_id)
{
    buf_addf(sql, "'64726179-0000-4000-8000-0000%08" PRIx32 "'", server_id);
}

/* The GTIDs of a position alone, as SET takes them. */
static Text
gtids_of(const Buf *position)
{
    Text text = buf_text(position);

    text.len = text_find(text, ';');
    return text_is(text, "-") ? TEXT("") : text;
}

static bool
set_variables(MysqlDump *dump, const MysqlStreamStart *start, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    /* in nanoseconds; at the end of the log it is over anyway */
    int64_t heartbeat = start->until_end ? 0 : start->options->heartbeat_ms * 1000000;

    buf_addf(&sql,
        "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum, @master_heartbeat_period = "
        "%" PRId64,
        heartbeat);
    if (dump->server->is_mariadb) {
        buf_add_string(&sql, ", @mariadb_slave_capability = 4");
    } else {
        buf_addf(&sql,
            ", @source_binlog_checksum = @@GLOBAL.binlog_checksum, @source_heartbeat_period = "
            "%" PRId64 ", @slave_uuid = ",
            heartbeat);
        add_uuid(&sql, dump->server_id);
        buf_add_string(&sql, ", @replica_uuid = ");
        add_uuid(&sql, dump->server_id);
    }
    if (binlog_position_kind(start->position) == BINLOG_POSITION_MARIADB) {
        buf_add_string(&sql, ", @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0, "
                             "@slave_connect_state = ");
        source_mysql_add_string(&sql, gtids_of(&dump->position));
    }
    return source_mysql_server_query(dump->server, buf_text(&sql), NULL, NULL, err);
}

static bool
ask(MysqlDump *dump, const BinlogPosition *position, Error *err)
{
    CLEANUP(buf_clear) Buf set = BUF_INIT;
    MysqlAsk question = {
        .server_id = dump->server_id,
        .until_end = dump->until_end,
        .file = TEXT(""),
        .offset = FIRST_OFFSET,
        .by_gtids = binlog_position_kind(position) == BINLOG_POSITION_MYSQL,
    };
    uint64_t offset;

    if (question.by_gtids) {
        binlog_position_encode(position, &set);
        question.set = buf_text(&set);
    } else if (binlog_position_kind(position) == BINLOG_POSITION_FILE) {
        question.file = binlog_position_file(position, &offset);
        question.offset = source_mysql_skip_start(&dump->skip, offset);
    }
    dump->packets = source_mysql_packets_open(dump->server->mysql, &question);
    return dump->packets != NULL || dump_error(dump, err);
}

static bool
check_kind(const MysqlDump *dump, const BinlogPosition *position, Error *err)
{
    BinlogPositionKind kind = binlog_position_kind(position);

    if (kind == BINLOG_POSITION_FILE ||
        (kind == BINLOG_POSITION_MARIADB) == dump->server->is_mariadb)
        return true;
    return error_set(err, ERR_SOURCE,
        "the position %.*s has GTIDs of %s, and the source is %s: connect to the right server, or "
        "copy the tables anew (dray bootstrap)",
        SHOWN_POSITION, buf_string(&dump->position),
        kind == BINLOG_POSITION_MARIADB ? "MariaDB" : "MySQL",
        dump->server->is_mariadb ? "MariaDB" : "MySQL");
}

/* How long the server may say nothing: heartbeats come in between. 0: for ever. */
static int64_t
silence_ms(const MysqlStreamStart *start)
{
    int64_t heartbeat_ms = start->options->heartbeat_ms;
    int64_t limit_ms = MAX(heartbeat_ms * SILENT_HEARTBEATS, (int64_t)SILENT_MIN_MS);

    return heartbeat_ms > 0 && !start->until_end ? MIN(limit_ms, (int64_t)INT32_MAX) : 0;
}

MysqlDump *
source_mysql_dump_open(const MysqlStreamStart *start, Error *err)
{
    CLEANUP(source_mysql_dump_close) MysqlDump *dump = calloc(1, sizeof(*dump));

    if (dump == NULL)
        abort();
    dump->socket_fd = -1;
    dump->server_id = start->server_id;
    dump->until_end = start->until_end;
    binlog_position_print(start->position, &dump->position);
    dump->server = source_mysql_server_open_patient(start->options, silence_ms(start), err);
    if (dump->server == NULL || !check_kind(dump, start->position, err) ||
        !set_variables(dump, start, err) || !ask(dump, start->position, err))
        return NULL;
    client_mysql_watch_stop(dump->server->mysql, false);
    dump->socket_fd = fcntl(client_mysql_socket(dump->server->mysql), F_DUPFD_CLOEXEC, 0);
    if (dump->socket_fd < 0) {
        (void)error_set_errno(err, ERR_SOURCE, "a second descriptor of the connection");
        return NULL;
    }
    return STEAL(dump);
}

void
source_mysql_dump_cut(MysqlDump *dump)
{
    (void)shutdown(dump->socket_fd, SHUT_RDWR);
}

void
source_mysql_dump_close(MysqlDump *dump)
{
    if (dump == NULL)
        return;
    /* without a word: the server would not read it */
    if (dump->socket_fd >= 0) {
        source_mysql_dump_cut(dump);
        (void)close(dump->socket_fd);
    }
    source_mysql_packets_close(dump->packets);
    source_mysql_server_close(dump->server);
    buf_clear(&dump->position);
    free(dump);
}

/* ---- reading ---- */

Next
source_mysql_dump_read(MysqlDump *dump, Text *ret_event, Error *err)
{
    do {
        if (!source_mysql_packets_read(dump->packets, ret_event)) {
            (void)dump_error(dump, err);
            return NEXT_FAILED;
        }
        if (ret_event->data == NULL && dump->until_end)
            return NEXT_END;
        if (ret_event->data == NULL) {
            (void)error_set_retriable(err, ERR_SOURCE,
                "the source ended the stream of its binary log: it shuts down, or somebody ended "
                "the connection");
            return NEXT_FAILED;
        }
        if (ret_event->len < BINLOG_HEADER_SIZE) {
            (void)error_set(err, ERR_SOURCE,
                "the source's binary log: a packet of %zu bytes that is no event", ret_event->len);
            return NEXT_FAILED;
        }
    } while (!source_mysql_skip_wants(&dump->skip, *ret_event));
    return NEXT_ITEM;
}
