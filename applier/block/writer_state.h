/*
 * writer_state.h - the block writer's own structs: only block_writer.c and writer_*.c include it
 */
#pragma once

#include "base/map.h"
#include "block/block_line.h"
#include "block/block_output.h"
#include "block/block_writer.h"
#include "block/key_moves.h"
#include "block/unchanged.h"

/* 300 tables take 6.2 MiB of buffers and 128 descriptors. */
#define OPEN_FILES 384 /* with a buffer */

typedef struct WriterFile WriterFile;

/* One generation of a table. */
struct WriterFile {
    WriterFile *next; /* of the same table */
    BlockFile entry;
    BlockOutput *csv; /* NULL: a TRUNCATE with no row after it */
    KeyIndex *index;  /* NULL: not compacted */
    KeyMoves *moves;  /* NULL: no update has changed a key */
    RowIndex *rows;   /* NULL: no update leaves values out */
    bool *unchanged;  /* columns that a line leaves out; NULL: none yet */
    WriterFile *next_moving;
    bool is_moving; /* a key changed in this transaction */
    uint64_t used;  /* BlockWriter.tick at the last line */
};

typedef struct WriterTable {
    Text schema;
    Text name;
    WriterFile *first;
    WriterFile *last;
    WriterFile *file;    /* takes the next line; NULL: a new generation begins with it */
    const OutTable *out; /* shape of the last file */
    bool truncated;      /* since the last line */
    uint64_t truncate_seqno;
    int64_t truncate_time_us;
} WriterTable;

struct BlockWriter {
    const BlockWriterConfig *config;
    uint64_t seed;
    LineStyle style;
    Buf line;
    Value *row;    /* columns of the line that is being made */
    bool *written; /* those whose value is in the target's notation already */
    Text *keys;    /* its key, and behind it the old one */
    size_t row_size;
    Unchanged *unchanged; /* NULL: the lines have no place to say that a value is left out */

    Block *block; /* NULL: none is open */
    char *path;   /* its directory; NULL until it is made */
    Map tables;   /* "schema NUL table" to WriterTable */
    Map shapes;   /* an OutTable's address to WriterTable */
    const OutTable *last_out;
    WriterTable *last_table;
    WriterFile *open[OPEN_FILES];
    size_t open_count;
    size_t file_count;
    uint64_t tick;
    KeyBudget budget;
    KeyBudget move_budget;
    KeyBudget row_budget;
    WriterFile *moving; /* files with key changes in this transaction */
    uint64_t rows;
    uint64_t bytes;
    int64_t first_change_ms;

    uint64_t seqno;          /* of the transaction, or the last one */
    uint64_t finished_seqno; /* last one of the last finished block */
    int64_t commit_time_us;
    int64_t shown_us; /* commit time, or else the time it was read */
    Buf position;     /* after the last transaction */
    char time_text[TIME_TEXT_SIZE];
    Text timestamp;
    bool in_transaction;
    bool failed;
};
