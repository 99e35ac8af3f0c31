/*
 * jsonl_position.h - the position of source jsonl as text: "file:offset:line:check[:lsn]"
 *
 * "shop.jsonl:1739:3:0973fa0e62fcf4a6:0/155DA80". The file's name may have colons in it.
 */
#pragma once

#include "source/lines.h"

typedef struct JsonlPosition {
    LinesPlace place;
    bool has_lsn;
    uint64_t lsn; /* of the last commit before it */
} JsonlPosition;

/* ERR_SOURCE when it is not one. The place's file is a view into text. */
bool jsonl_position_parse(Text text, JsonlPosition *ret_position, Error *err) MUST_CHECK;
/* Replaces what is in *text. */
void jsonl_position_format(const JsonlPosition *position, Buf *text);
