#include "block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"
#include "block/csv.h"
#include "block/unchanged.h"

#define PART_LIMIT 100 /* bytes of an encoded schema or table name */
#define READ_SIZE  ((size_t)256 * 1024)
#define HASH_LEN   18 /* "%%" and 16 hex digits */

static bool
is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* "%" never stands before "%", "." or the end in an encoded name, so these forms meet no other. */
static void
add_part(Text part, Buf *out)
{
    size_t start = out->len;
    size_t cut = out->len; /* where the last whole character ends that leaves room for the hash */

    if (part.len == 0)
        buf_add_char(out, '%');
    for (size_t i = 0; i < part.len && out->len - start <= PART_LIMIT; i++) {
        if (is_plain(part.data[i]))
            buf_add_char(out, part.data[i]);
        else
            buf_addf(out, "%%%02X", (unsigned char)part.data[i]);
        if (out->len - start <= PART_LIMIT - HASH_LEN)
            cut = out->len;
    }
    if (out->len - start <= PART_LIMIT)
        return;
    out->len = cut;
    buf_addf(out, "%%%%%016" PRIx64, (uint64_t)XXH3_64bits(part.data, part.len));
}

void
block_file_name(Text schema, Text table, uint64_t generation, Buf *out)
{
    if (schema.len > 0) {
        add_part(schema, out);
        buf_add_char(out, '.');
    }
    add_part(table, out);
    if (generation > 1)
        buf_addf(out, schema.len > 0 ? ".%" PRIu64 : ".%%%" PRIu64, generation);
    buf_add_string(out, ".csv");
}

void
block_directory_name(uint64_t first_seqno, char name[21])
{
    (void)snprintf(name, 21, "%020" PRIu64, first_seqno);
}

bool
line_set_has(const LineSet *set, uint64_t row_id)
{
    uint64_t bit = row_id - 1;

    return set != NULL && set->words != NULL && row_id > 0 && bit < set->bit_count &&
           (set->words[bit / 64] >> (bit % 64) & 1) != 0;
}

Block *
block_open(const char *path, Error *err)
{
    CLEANUP(block_free) Block *block = calloc(1, sizeof(*block));

    if (block == NULL)
        abort();
    block->arena = arena_new();
    block->path = text_dup(text_of(path));
    if (!manifest_read(path, block->arena, &block->manifest, err))
        return NULL;
    return STEAL(block);
}

void
block_free(Block *block)
{
    if (block == NULL)
        return;
    for (size_t i = 0; block->superseded != NULL && i < block->manifest.file_count; i++)
        free(block->superseded[i].words);
    free(block->path);
    arena_free(block->arena);
    free(block);
}

bool
block_remove(const char *path, Error *err)
{
    CLEANUP(buf_clear) Buf manifest = BUF_INIT;

    buf_addf(&manifest, "%s/%s", path, MANIFEST_FILE);
    if (FAULT("block.unlink") ||
        (unlink(manifest.data) != 0 && errno != ENOENT && errno != ENOTDIR))
        return error_set_errno(err, ERR_IO, "remove %s", manifest.data);
    return file_remove_tree(path, err);
}

typedef struct Checker {
    const Manifest *manifest;
    const BlockFile *file;
    const char *path;
    const CsvReader *reader;
    uint64_t rows[OPCODE_COUNT];
    uint64_t row_count;
    Opcode opcode;
    bool is_origin;  /* the line before this one has opcode O */
    bool *concerned; /* columns that lines may leave out */
    bool *marks;
} Checker;

static bool
bad_line(const Checker *checker, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "%s:%" PRIu64 ": table %.*s.%.*s: %s", checker->path,
        block_csv_line(checker->reader), TEXT_ARG(checker->file->schema),
        TEXT_ARG(checker->file->table), reason);
}

static bool
check_header(Checker *checker, HeaderColumn column, const Value *value, Error *err)
{
    const Manifest *manifest = checker->manifest;
    uint64_t number;
    Opcode opcode;

    if (value->kind != VALUE_TEXT && column != HEADER_UNCHANGED)
        return bad_line(checker, "a header column is null", err);
    switch (column) {
    case HEADER_OPCODE:
        if (!opcode_parse(value->text, &opcode))
            return bad_line(checker, "unknown opcode", err);
        checker->rows[opcode]++;
        checker->opcode = opcode;
        break;
    case HEADER_SEQNO:
        if (!text_to_u64(value->text, &number) || number < manifest->first_seqno ||
            number > manifest->last_seqno)
            return bad_line(checker, "seqno is outside the block", err);
        break;
    case HEADER_ROW_ID:
        if (!text_to_u64(value->text, &number) || number != checker->row_count)
            return bad_line(checker, "row_id does not grow by 1", err);
        break;
    case HEADER_TIMESTAMP:
    case HEADER_SERVICE:
    case HEADER_UNCHANGED:
    case HEADER_COUNT:
        break;
    }
    return true;
}

/* A line that leaves values out stands behind its O line, and has nothing in their place. */
static bool
check_unchanged(Checker *checker, const Value *values, Error *err)
{
    const CsvDialect *dialect = &checker->manifest->dialect;
    size_t at = dialect_header_at(dialect, HEADER_UNCHANGED);
    size_t count = checker->file->column_count;
    bool is_marked = at < dialect->header_count && values[at].kind == VALUE_TEXT;

    if (is_marked != checker->is_origin)
        return bad_line(checker,
            is_marked ? "it leaves values out, and no O line stands before it"
                      : "behind an O line, but it leaves no value out",
            err);
    checker->is_origin = checker->opcode == OPCODE_O;
    if (!is_marked)
        return true;
    memset(checker->marks, 0, count * sizeof(*checker->marks));
    if (!opcode_is_image(checker->opcode) ||
        !unchanged_parse(values[at].text, count, checker->marks))
        return bad_line(checker, "malformed list of columns left out", err);
    for (size_t i = 0; i < count; i++)
        if (checker->marks[i] &&
            (!checker->concerned[i] || values[dialect->header_count + i].kind != VALUE_NULL))
            return bad_line(checker,
                "a column is left out that the manifest does not name so, or "
                "that has a value",
                err);
    return true;
}

static bool
check_record(void *context, const Value *values, size_t count, Error *err)
{
    Checker *checker = context;
    const CsvDialect *dialect = &checker->manifest->dialect;
    size_t expected = dialect->header_count + checker->file->column_count;

    checker->row_count++;
    if (count != expected)
        return error_set(err, ERR_DATA,
            "%s:%" PRIu64 ": table %.*s.%.*s: %zu values where %zu are expected", checker->path,
            block_csv_line(checker->reader), TEXT_ARG(checker->file->schema),
            TEXT_ARG(checker->file->table), count, expected);
    for (size_t i = 0; i < dialect->header_count; i++)
        if (!check_header(checker, dialect->header[i], &values[i], err))
            return false;
    return check_unchanged(checker, values, err);
}

static bool
check_counts(const Checker *checker, Error *err)
{
    const CsvDialect *dialect = &checker->manifest->dialect;
    bool has_opcode = false;

    if (checker->row_count != checker->file->row_count)
        return error_set(err, ERR_DATA, "%s: %" PRIu64 " lines, but the manifest says %" PRIu64,
            checker->path, checker->row_count, checker->file->row_count);
    for (size_t i = 0; i < dialect->header_count; i++)
        has_opcode = has_opcode || dialect->header[i] == HEADER_OPCODE;
    if (checker->is_origin)
        return error_set(err, ERR_DATA, "%s: it ends in an O line", checker->path);
    for (size_t i = 0; has_opcode && i < OPCODE_COUNT; i++)
        if (checker->rows[i] != checker->file->rows[i])
            return error_set(err, ERR_DATA,
                "%s: %" PRIu64 " lines with opcode %s, but the manifest says %" PRIu64,
                checker->path, checker->rows[i], opcode_name((Opcode)i), checker->file->rows[i]);
    return true;
}

/* Read all of it: the checksum first tells damage, then a line what is wrong in it. */
static bool
read_through(int fd, const BlockFile *file, const char *path, CsvReader *reader, Error *err)
{
    CLEANUP(buf_clear) Buf piece = BUF_INIT;
    XXH3_state_t *state = XXH3_createState();
    uint64_t bytes = 0;
    uint64_t checksum;
    size_t len = 1;
    bool ok = true;

    if (state == NULL)
        abort();
    (void)XXH3_64bits_reset(state);
    while (ok && len > 0) {
        char *to = buf_reserve(&piece, READ_SIZE);

        ok = file_read(fd, to, READ_SIZE, path, &len, err) &&
             (reader == NULL || block_csv_feed(reader, (Text){to, len}, err));
        if (ok)
            (void)XXH3_64bits_update(state, to, len);
        bytes += len;
    }
    checksum = XXH3_64bits_digest(state);
    (void)XXH3_freeState(state);
    if (!ok || (reader != NULL && !block_csv_finish(reader, err)))
        return false;
    if (bytes != file->bytes)
        return error_set(err, ERR_DATA, "%s: %" PRIu64 " bytes, but the manifest says %" PRIu64,
            path, bytes, file->bytes);
    if (checksum != file->checksum)
        return error_set(err, ERR_DATA,
            "%s: checksum %016" PRIx64 ", but the manifest says %016" PRIx64, path, checksum,
            file->checksum);
    return true;
}

static bool
check_file(const Block *block, const BlockFile *file, bool parse, Error *err)
{
    char *path = file_join(block->path, file->name.data);
    CLEANUP(file_close) int fd = file_open(path, O_NOFOLLOW, err);
    CLEANUP(arena_free) Arena *arena = arena_new();
    Checker checker = {.manifest = &block->manifest,
        .file = file,
        .path = path,
        .concerned = ARENA_ARRAY(arena, bool, file->column_count + 1),
        .marks = ARENA_ARRAY(arena, bool, file->column_count + 1)};
    CsvReader *reader = NULL;
    bool ok = fd >= 0;

    for (size_t i = 0; i < file->unchanged_count; i++)
        checker.concerned[file->unchanged[i]] = true;
    if (ok && parse) {
        reader = block_csv_new(&block->manifest.dialect, path, check_record, &checker);
        checker.reader = reader;
    }
    ok = ok && read_through(fd, file, path, reader, err) && (!parse || check_counts(&checker, err));
    block_csv_free(reader);
    if (!ok && err->kind == ERR_IO && !file_exists(path))
        (void)error_set(err, ERR_DATA, "%s: the manifest names it, but it is missing", path);
    free(path);
    return ok;
}

bool
block_check(const Block *block, bool parse, Error *err)
{
    for (size_t i = 0; i < block->manifest.file_count; i++) {
        const BlockFile *file = &block->manifest.files[i];

        if (file->name.data != NULL && !check_file(block, file, parse, err))
            return false;
    }
    return true;
}
