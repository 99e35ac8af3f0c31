/* block_check(): the files of a block against its manifest. */
#include "block/block.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/file.h"
#include "block/csv.h"

#define READ_SIZE ((size_t)256 * 1024)

typedef struct Checker {
    const Manifest *manifest;
    const BlockFile *file;
    const char *path;
    const CsvReader *reader;
    uint64_t rows[OPCODE_COUNT];
    uint64_t row_count;
} Checker;

static bool
bad_line(const Checker *checker, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "%s:%" PRIu64 ": table %.*s.%.*s: %s", checker->path,
        csv_reader_line(checker->reader), TEXT_ARG(checker->file->schema),
        TEXT_ARG(checker->file->table), reason);
}

static bool
check_header(Checker *checker, HeaderColumn column, const Value *value, Error *err)
{
    const Manifest *manifest = checker->manifest;
    uint64_t number;
    Opcode opcode;

    if (value->kind != VALUE_TEXT)
        return bad_line(checker, "a header column is null", err);
    switch (column) {
    case HEADER_OPCODE:
        if (!opcode_parse(value->text, &opcode))
            return bad_line(checker, "unknown opcode", err);
        checker->rows[opcode]++;
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
    case HEADER_COUNT:
        break;
    }
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
            csv_reader_line(checker->reader), TEXT_ARG(checker->file->schema),
            TEXT_ARG(checker->file->table), count, expected);
    for (size_t i = 0; i < dialect->header_count; i++)
        if (!check_header(checker, dialect->header[i], &values[i], err))
            return false;
    return true;
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
             (reader == NULL || csv_reader_feed(reader, (Text){to, len}, err));
        if (ok)
            (void)XXH3_64bits_update(state, to, len);
        bytes += len;
    }
    checksum = XXH3_64bits_digest(state);
    (void)XXH3_freeState(state);
    if (!ok || (reader != NULL && !csv_reader_finish(reader, err)))
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
    Checker checker = {&block->manifest, file, path, NULL, {0}, 0};
    CsvReader *reader = NULL;
    bool ok = fd >= 0;

    if (ok && parse) {
        reader = csv_reader_new(&block->manifest.dialect, path, check_record, &checker);
        checker.reader = reader;
    }
    ok = ok && read_through(fd, file, path, reader, err) && (!parse || check_counts(&checker, err));
    csv_reader_free(reader);
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
