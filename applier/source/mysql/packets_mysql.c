#include <stdlib.h>

#include "source/mysql/packets.h"

#define DUMP_NON_BLOCK 1
#define FIRST_OFFSET   4
#define PACKET_EVENT   0x00

struct MysqlPackets {
    MYSQL *mysql;
    MYSQL_RPL rpl;
    Text set;
};

static void
give_set(MYSQL_RPL *rpl, unsigned char *packet)
{
    const MysqlPackets *packets = rpl->gtid_set_arg;

    memcpy(packet, packets->set.data, packets->set.len);
}

MysqlPackets *
source_mysql_packets_open(MYSQL *mysql, const MysqlAsk *ask)
{
    MysqlPackets *packets = calloc(1, sizeof(*packets));
    bool ok;

    if (packets == NULL)
        abort();
    packets->mysql = mysql;
    packets->set = ask->set;
    packets->rpl = (MYSQL_RPL){
        .file_name = ask->by_gtids ? "" : ask->file.data,
        .file_name_length = ask->by_gtids ? 0 : ask->file.len,
        .start_position = ask->by_gtids ? FIRST_OFFSET : ask->offset,
        .server_id = ask->server_id,
        .flags = ask->until_end ? DUMP_NON_BLOCK : 0,
    };
    if (ask->by_gtids) {
        packets->rpl.flags |= MYSQL_RPL_GTID;
        packets->rpl.gtid_set_encoded_size = ask->set.len;
        packets->rpl.fix_gtid_set = give_set;
        packets->rpl.gtid_set_arg = packets;
    }
    ok = mysql_binlog_open(mysql, &packets->rpl) == 0;
    /* the caller's, and needed no more */
    packets->set = TEXT_NONE;
    packets->rpl.file_name = NULL;
    packets->rpl.file_name_length = 0;
    if (ok)
        return packets;
    free(packets);
    return NULL;
}

/* Without mysql_binlog_close(): it reads what the server still has to send. */
void
source_mysql_packets_close(MysqlPackets *packets)
{
    free(packets);
}

bool
source_mysql_packets_read(MysqlPackets *packets, Text *ret_packet)
{
    MYSQL_RPL *rpl = &packets->rpl;

    if (mysql_binlog_fetch(packets->mysql, rpl) != 0)
        return false;
    if (rpl->size == 0)
        *ret_packet = TEXT_NONE;
    else if (rpl->buffer[0] == PACKET_EVENT)
        *ret_packet = (Text){(const char *)rpl->buffer + 1, rpl->size - 1};
    else
        *ret_packet = (Text){(const char *)rpl->buffer, rpl->size};
    return true;
}
