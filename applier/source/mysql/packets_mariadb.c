#include <stdlib.h>
#include <unistd.h>

#include "source/mysql/packets.h"

/* Of MySQL, and not in the headers of MariaDB's library. */
#define DUMP_GTID      ((enum enum_server_command)0x1e)
#define DUMP_NON_BLOCK 1
#define FIRST_OFFSET   4
#define PACKET_EVENT   0x00
#define PACKET_END     0xfe
#define PACKET_END_MAX 8

struct MysqlPackets {
    MYSQL *mysql;
};

static void
add_le(Buf *out, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf_add_char(out, (char)(number >> (8 * i)));
}

static bool
send_command(
    MYSQL *mysql, enum enum_server_command command, const Buf *arguments, bool has_no_answer)
{
    return mysql->methods->db_command(mysql, command, buf_string(arguments), arguments->len,
               has_no_answer ? 1 : 0, NULL) == 0;
}

/* So that SHOW REPLICA HOSTS tells who reads the log, and from where. */
static bool
register_replica(MYSQL *mysql, uint32_t server_id)
{
    CLEANUP(buf_clear) Buf arguments = BUF_INIT;
    char host[61] = "";

    (void)gethostname(host, sizeof(host) - 1);
    add_le(&arguments, server_id, 4);
    buf_add_char(&arguments, (char)strlen(host));
    buf_add_string(&arguments, host);
    add_le(&arguments, 0, 2); /* user, password */
    add_le(&arguments, 0, 2); /* port */
    add_le(&arguments, 0, 8); /* rank, the source's id */
    return send_command(mysql, COM_REGISTER_SLAVE, &arguments, false);
}

static bool
ask_by_gtids(MYSQL *mysql, const MysqlAsk *ask)
{
    CLEANUP(buf_clear) Buf arguments = BUF_INIT;

    add_le(&arguments, ask->until_end ? DUMP_NON_BLOCK : 0, 2);
    add_le(&arguments, ask->server_id, 4);
    add_le(&arguments, 0, 4); /* no file */
    add_le(&arguments, FIRST_OFFSET, 8);
    add_le(&arguments, ask->set.len, 4);
    buf_add_text(&arguments, ask->set);
    return send_command(mysql, DUMP_GTID, &arguments, true);
}

static bool
ask_by_file(MYSQL *mysql, const MysqlAsk *ask)
{
    CLEANUP(buf_clear) Buf arguments = BUF_INIT;

    add_le(&arguments, ask->offset, 4);
    add_le(&arguments, ask->until_end ? DUMP_NON_BLOCK : 0, 2);
    add_le(&arguments, ask->server_id, 4);
    buf_add_text(&arguments, ask->file);
    return send_command(mysql, COM_BINLOG_DUMP, &arguments, true);
}

MysqlPackets *
source_mysql_packets_open(MYSQL *mysql, const MysqlAsk *ask)
{
    MysqlPackets *packets;

    if (!register_replica(mysql, ask->server_id) ||
        !(ask->by_gtids ? ask_by_gtids(mysql, ask) : ask_by_file(mysql, ask)))
        return NULL;
    packets = calloc(1, sizeof(*packets));
    if (packets == NULL)
        abort();
    packets->mysql = mysql;
    return packets;
}

void
source_mysql_packets_close(MysqlPackets *packets)
{
    free(packets);
}

bool
source_mysql_packets_read(MysqlPackets *packets, Text *ret_packet)
{
    unsigned long len = mysql_net_read_packet(packets->mysql);
    const unsigned char *packet = packets->mysql->net.read_pos;

    if (len == packet_error)
        return false;
    if (len > 0 && len <= PACKET_END_MAX && packet[0] == PACKET_END)
        *ret_packet = TEXT_NONE;
    else if (len > 0 && packet[0] == PACKET_EVENT)
        *ret_packet = (Text){(const char *)packet + 1, len - 1};
    else
        *ret_packet = (Text){(const char *)packet, len};
    return true;
}
