/*
 * block_line.h - one line of a block's CSV file: header columns, then values in the target's
 * notation
 *
 * Shared by the block writer and the conversion. Pure.
 */
#pragma once

#include "block/csv.h"
#include "block/manifest.h"
#include "config/config.h"

typedef struct LineStyle {
    const CsvDialect *dialect;
    const ValuesConfig *values;
    Buf scratch; /* one value in the target's notation */
} LineStyle;

/* What the header columns say. */
typedef struct LineHeader {
    Opcode opcode;
    uint64_t seqno;
    uint64_t row_id;
    Text timestamp;
    Text service;
    Text unchanged; /* TEXT_NONE: null */
} LineHeader;

void line_style_clear(LineStyle *style);
/* Give memory back that a large value took. */
void line_style_trim(LineStyle *style);
void line_add_header(const LineStyle *style, const LineHeader *header, Buf *line);
/* VALUE_TEXT in its notation, anything else as null. ERR_DATA as notation_write(). */
bool line_add_value(LineStyle *style, LogicalType type, Value value, Buf *line, Error *err)
    MUST_CHECK;
/* The same for a text that is in the target's notation already. */
void line_add_written(const LineStyle *style, Value value, Buf *line);
