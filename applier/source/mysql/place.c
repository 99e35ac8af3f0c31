#include "source/mysql/place.h"

void
log_place_clear(LogPlace *place)
{
    buf_clear(&place->file);
    *place = (LogPlace){.file = BUF_INIT};
}

uint64_t
log_place_carry(uint64_t before, uint32_t end_offset)
{
    uint64_t end = (before & ~(uint64_t)UINT32_MAX) | end_offset;

    return end < before ? end + ((uint64_t)UINT32_MAX + 1) : end;
}

static bool
is_in_file(const BinlogEvent *event)
{
    return event->end_offset != 0 && (event->flags & BINLOG_FLAG_ARTIFICIAL) == 0;
}

static bool
take_rotate(LogPlace *place, const BinlogEvent *event, LogStep *step, Error *err)
{
    BinlogRotate rotate;

    if (!binlog_read_rotate(event, &rotate, err))
        return false;
    step->has_moved =
        !text_equal(rotate.file, buf_text(&place->file)) || place->offset != rotate.offset;
    if (!text_equal(rotate.file, buf_text(&place->file))) {
        buf_reset(&place->file, SIZE_MAX);
        buf_add_text(&place->file, rotate.file);
    }
    place->offset = rotate.offset;
    return true;
}

/* One that is sent again where we begin in the middle of a file has no place in it. */
static bool
take_format(LogPlace *place, const BinlogEvent *event, LogStep *step, Error *err)
{
    /* the server fills the time in when it made the file at its start, and 0 when it went on */
    const size_t created_at = 2 + 50;

    if (!binlog_read_format(event, &place->format, err))
        return false;
    if (!is_in_file(event))
        return true;
    for (size_t i = 0; i < 4 && created_at + i < event->body.len; i++)
        step->restarted |= event->body.data[created_at + i] != 0;
    step->has_moved = place->offset != event->end_offset;
    place->offset = event->end_offset;
    return true;
}

bool
log_place_take(LogPlace *place, const BinlogEvent *event, LogStep *ret_step, Error *err)
{
    *ret_step = (LogStep){.start = place->offset};
    if (event->type == BINLOG_ROTATE || event->type == BINLOG_FORMAT_DESCRIPTION) {
        ret_step->is_inside = true;
        return event->type == BINLOG_ROTATE ? take_rotate(place, event, ret_step, err)
                                            : take_format(place, event, ret_step, err);
    }
    if (!is_in_file(event) || event->type == BINLOG_HEARTBEAT || event->type == BINLOG_HEARTBEAT_V2)
        return true;
    ret_step->has_moved = true;
    place->offset = log_place_carry(place->offset, event->end_offset);
    ret_step->start = place->offset - MIN((uint64_t)event->size, place->offset);
    return true;
}
