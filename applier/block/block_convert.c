#include "block/block_convert.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/file.h"
#include "block/block_line.h"
#include "block/block_output.h"
#include "block/csv.h"
#include "block/notation.h"

#define READ_SIZE   ((size_t)256 * 1024)
#define WRITE_SIZE  ((size_t)256 * 1024)
#define KEPT_MEMORY ((size_t)1 << 20)

typedef struct Converter {
    const ConvertRequest *request;
    Manifest *manifest; /* of the new block */
    LineStyle style;
    Buf line;
    Buf canonical;

    /* the file that is being read */
    const ConvertFile *file;
    const CsvReader *reader;
    BlockFile *entry;
    BlockOutput *output;
} Converter;

static bool
read_header(const Converter *converter, const Value *values, LineHeader *header, Error *err)
{
    const CsvDialect *from = &converter->request->manifest.dialect;

    for (size_t i = 0; i < from->header_count; i++) {
        Text text = values[i].text;
        bool ok = values[i].kind == VALUE_TEXT;
        uint64_t ignored;

        switch (from->header[i]) {
        case HEADER_OPCODE:
            ok = ok && opcode_parse(text, &header->opcode);
            break;
        case HEADER_SEQNO:
            ok = ok && text_to_u64(text, &header->seqno);
            break;
        case HEADER_ROW_ID:
            ok = ok && text_to_u64(text, &ignored);
            break;
        case HEADER_TIMESTAMP:
            header->timestamp = text;
            break;
        case HEADER_SERVICE:
            header->service = text;
            break;
        case HEADER_UNCHANGED:
            header->unchanged = text;
            ok = true;
            break;
        case HEADER_COUNT:
            break;
        }
        if (!ok)
            return error_set(err, ERR_DATA, "header column %s: malformed or unknown",
                header_column_name(from->header[i]));
    }
    return true;
}

static bool
count_header(Converter *converter, const LineHeader *header, Error *err)
{
    Manifest *manifest = converter->manifest;
    int64_t time_us = TIME_UNKNOWN;

    if (!converter->request->counts_seqnos)
        return true;
    if (header->seqno < manifest->first_seqno)
        return error_set(err, ERR_DATA,
            "seqno %" PRIu64 " is less than the block's first, %" PRIu64, header->seqno,
            manifest->first_seqno);
    manifest->last_seqno = MAX(manifest->last_seqno, header->seqno);
    if (!clock_parse(header->timestamp, &time_us))
        return true;
    if (manifest->first_commit_us == TIME_UNKNOWN || time_us < manifest->first_commit_us)
        manifest->first_commit_us = time_us;
    manifest->last_commit_us = MAX(manifest->last_commit_us, time_us);
    return true;
}

static bool
convert_value(Converter *converter, const BlockColumn *column, Value value, Error *err)
{
    const Notation *from = &converter->request->manifest.dialect.notation;

    if (value.kind == VALUE_TEXT) {
        converter->canonical.len = 0;
        if (!notation_read(from, column->logical, value.text, &converter->canonical, err))
            return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(column->name));
        value.text = buf_text(&converter->canonical);
    }
    if (!line_add_value(&converter->style, column->logical, value, &converter->line, err))
        return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(column->name));
    return true;
}

static bool
convert_line(Converter *converter, const Value *values, size_t count, Error *err)
{
    BlockFile *entry = converter->entry;
    size_t header_count = converter->request->manifest.dialect.header_count;
    char time_text[TIME_TEXT_SIZE];
    LineHeader header = {OPCODE_I, converter->manifest->first_seqno, entry->row_count + 1,
        clock_format(converter->manifest->first_commit_us, time_text), converter->manifest->service,
        TEXT_NONE};

    if (count != header_count + entry->column_count)
        return error_set(err, ERR_DATA, "%zu values where %zu are expected", count,
            header_count + entry->column_count);
    if (!read_header(converter, values, &header, err) || !count_header(converter, &header, err))
        return false;
    converter->line.len = 0;
    line_add_header(&converter->style, &header, &converter->line);
    for (size_t i = 0; i < entry->column_count; i++)
        if (!convert_value(converter, &entry->columns[i], values[header_count + i], err))
            return false;
    block_csv_end_line(&converter->line);
    entry->row_count++;
    entry->rows[header.opcode]++;
    return block_output_add(converter->output, buf_text(&converter->line), err);
}

static bool
on_record(void *context, const Value *values, size_t count, Error *err)
{
    Converter *converter = context;

    if (!convert_line(converter, values, count, err)) {
        if (err->kind == ERR_IO)
            return false;
        return error_wrap(
            err, "%s:%" PRIu64, converter->file->path, block_csv_line(converter->reader));
    }
    if (converter->line.size > KEPT_MEMORY) {
        buf_reset(&converter->line, KEPT_MEMORY);
        buf_reset(&converter->canonical, KEPT_MEMORY);
        line_style_trim(&converter->style);
    }
    return true;
}

static bool
read_through(Converter *converter, CsvReader *reader, Error *err)
{
    const ConvertFile *file = converter->file;
    CLEANUP(file_close) int fd = file_open(file->path, O_NOFOLLOW, err);
    CLEANUP(buf_clear) Buf piece = BUF_INIT;
    XXH3_state_t *state = XXH3_createState();
    uint64_t checksum;
    uint64_t bytes = 0;
    size_t len = 1;
    bool ok = fd >= 0;

    if (state == NULL)
        abort();
    (void)XXH3_64bits_reset(state);
    while (ok && len > 0) {
        char *to = buf_reserve(&piece, READ_SIZE);

        ok = file_read(fd, to, READ_SIZE, file->path, &len, err) &&
             block_csv_feed(reader, (Text){to, len}, err);
        if (ok)
            (void)XXH3_64bits_update(state, to, len);
        bytes += len;
    }
    checksum = XXH3_64bits_digest(state);
    (void)XXH3_freeState(state);
    if (!ok || !block_csv_finish(reader, err))
        return false;
    if (file->is_verified && (bytes != file->table.bytes || checksum != file->table.checksum))
        return error_set(err, ERR_DATA,
            "%s: %" PRIu64 " bytes with checksum %016" PRIx64 ", but the manifest says %" PRIu64
            " and %016" PRIx64,
            file->path, bytes, checksum, file->table.bytes, file->table.checksum);
    return true;
}

static bool
convert_file(Converter *converter, const char *directory, Arena *arena, Error *err)
{
    BlockFile *entry = converter->entry;
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    CLEANUP(block_output_free) BlockOutput *output = NULL;
    CLEANUP(block_csv_free) CsvReader *reader = NULL;

    buf_addf(&path, "%s/", directory);
    block_file_name(entry->schema, entry->table, entry->generation, &path);
    entry->name = arena_text(
        arena, (Text){path.data + strlen(directory) + 1, path.len - strlen(directory) - 1});
    output = block_output_new(path.data);
    reader = block_csv_new(
        &converter->request->manifest.dialect, converter->file->path, on_record, converter);
    converter->output = output;
    converter->reader = reader;
    block_output_open(output, WRITE_SIZE, true);
    if (!read_through(converter, reader, err) || !block_output_finish(output, err))
        return false;
    entry->bytes = block_output_bytes(output);
    entry->checksum = block_output_checksum(output);
    return true;
}

/* What the lines will count, and texts that may go with the request. */
static void
copy_table(BlockFile *entry, const BlockFile *from, Arena *arena)
{
    *entry = (BlockFile){.schema = arena_text(arena, from->schema),
        .table = arena_text(arena, from->table),
        .generation = MAX(from->generation, (uint64_t)1),
        .truncate = from->truncate,
        .truncate_seqno = from->truncate_seqno,
        .truncate_time_us = from->truncate_time_us,
        .column_count = from->column_count,
        .key_count = from->key_count};
    entry->columns = ARENA_ARRAY(arena, BlockColumn, from->column_count + 1);
    for (size_t i = 0; i < from->column_count; i++)
        entry->columns[i] = (BlockColumn){arena_text(arena, from->columns[i].name),
            arena_text(arena, from->columns[i].source_type), from->columns[i].logical};
    entry->key = ARENA_ARRAY(arena, size_t, from->key_count + 1);
    for (size_t i = 0; i < from->key_count; i++)
        entry->key[i] = from->key[i];
    entry->unchanged_count = from->unchanged_count;
    entry->unchanged = ARENA_ARRAY(arena, size_t, from->unchanged_count + 1);
    for (size_t i = 0; i < from->unchanged_count; i++)
        entry->unchanged[i] = from->unchanged[i];
    entry->moved_origins = from->moved_origins;
    /* line by line the same, so that the row_ids are too */
    entry->contested_count = from->contested_count;
    entry->contested = ARENA_ARRAY(arena, ContestedPair, from->contested_count + 1);
    for (size_t i = 0; i < from->contested_count; i++)
        entry->contested[i] = from->contested[i];
}

static void
set_manifest(const ConvertRequest *request, Manifest *manifest, Arena *arena)
{
    *manifest = request->manifest;
    manifest->service = arena_text(arena, manifest->service);
    manifest->position_before = arena_text(arena, manifest->position_before);
    manifest->position_after = arena_text(arena, manifest->position_after);
    manifest->target_type = arena_text(arena, text_of(request->target_type));
    manifest->dialect = *request->to;
    manifest->dialect.null_word = arena_text(arena, request->to->null_word);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        manifest->dialect.header_names[i] = arena_text(arena, request->to->header_names[i]);
    manifest->files = ARENA_ARRAY(arena, BlockFile, request->file_count + 1);
    manifest->file_count = 0;
    if (request->counts_seqnos) {
        manifest->last_seqno = manifest->first_seqno;
        manifest->first_commit_us = manifest->last_commit_us = TIME_UNKNOWN;
    }
}

static bool
convert_all(Converter *converter, const char *path, Arena *arena, Error *err)
{
    const ConvertRequest *request = converter->request;
    Manifest *manifest = converter->manifest;

    for (size_t i = 0; i < request->file_count; i++) {
        converter->file = &request->files[i];
        if (converter->file->table.unchanged_count > 0 &&
            dialect_header_at(request->to, HEADER_UNCHANGED) == request->to->header_count)
            return error_set(err, ERR_INTERNAL,
                "a block that leaves values out needs the header "
                "column unchanged");
        converter->entry = &manifest->files[manifest->file_count++];
        copy_table(converter->entry, &converter->file->table, arena);
        if (converter->file->path != NULL && !convert_file(converter, path, arena, err))
            return false;
    }
    if (request->counts_seqnos)
        manifest->transactions = manifest->last_seqno - manifest->first_seqno + 1;
    return file_sync_directory(request->directory, err) && manifest_write(manifest, path, err);
}

Block *
block_convert(const ConvertRequest *request, Error *err)
{
    CLEANUP(block_free) Block *block = calloc(1, sizeof(*block));
    Converter converter = {.request = request};
    char name[21];
    Error ignored;
    bool ok;

    if (block == NULL)
        abort();
    block->arena = arena_new();
    set_manifest(request, &block->manifest, block->arena);
    block_directory_name(request->manifest.first_seqno, name);
    block->path = file_join(request->directory, name);
    converter.manifest = &block->manifest;
    converter.style = (LineStyle){&block->manifest.dialect, request->values, BUF_INIT};
    if (file_exists(block->path)) {
        (void)error_set(err, ERR_DATA, "%s: exists already", block->path);
        return NULL;
    }
    ok = file_make_directory(block->path, err);
    if (ok && !convert_all(&converter, block->path, block->arena, err))
        ok = false;
    line_style_clear(&converter.style);
    buf_clear(&converter.line);
    buf_clear(&converter.canonical);
    if (ok)
        return STEAL(block);
    if (!block_remove(block->path, &ignored))
        (void)error_wrap(err, "%s is left behind", block->path);
    return NULL;
}

Block *
block_convert_block(const Block *from, const char *directory, const CsvDialect *to,
    const char *target_type, const ValuesConfig *values, Error *err)
{
    const Manifest *manifest = &from->manifest;
    ConvertFile *files = calloc(manifest->file_count + 1, sizeof(*files));
    ConvertRequest request = {.manifest = *manifest,
        .files = files,
        .file_count = manifest->file_count,
        .directory = directory,
        .to = to,
        .target_type = target_type,
        .values = values};
    char **paths = calloc(manifest->file_count + 1, sizeof(*paths));
    Block *block;

    if (files == NULL || paths == NULL)
        abort();
    for (size_t i = 0; i < manifest->file_count; i++) {
        const BlockFile *file = &manifest->files[i];

        if (file->name.data != NULL)
            paths[i] = file_join(from->path, file->name.data);
        files[i] = (ConvertFile){paths[i], *file, true};
    }
    block = block_convert(&request, err);
    for (size_t i = 0; i < manifest->file_count; i++)
        free(paths[i]);
    free(paths);
    free(files);
    return block;
}
