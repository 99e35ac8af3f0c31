#include "source/mysql/skip.h"

#include "source/binlog/event.h"

#define FIRST_OFFSET 4
/* In an event's header. */
#define TYPE_AT       4
#define END_OFFSET_AT 13

uint32_t
source_mysql_skip_start(MysqlSkip *skip, uint64_t offset)
{
    *skip = (MysqlSkip){0};
    if (offset <= UINT32_MAX)
        return (uint32_t)offset;
    skip->at = FIRST_OFFSET;
    skip->wanted = offset;
    return FIRST_OFFSET;
}

bool
source_mysql_skip_wants(MysqlSkip *skip, Text event)
{
    static const char made_for_us[4];
    uint8_t type;

    if (skip->wanted == 0 || event.len < BINLOG_HEADER_SIZE)
        return true;
    type = (uint8_t)event.data[TYPE_AT];
    if (memcmp(event.data + END_OFFSET_AT, made_for_us, sizeof(made_for_us)) == 0 ||
        type == BINLOG_HEARTBEAT || type == BINLOG_HEARTBEAT_V2)
        return true;
    if (skip->at >= skip->wanted || type == BINLOG_ROTATE) {
        skip->wanted = 0;
        return true;
    }
    skip->at += event.len;
    return type == BINLOG_FORMAT_DESCRIPTION;
}
