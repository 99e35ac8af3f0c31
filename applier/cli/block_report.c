#include "cli/block_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static const char *
state_of(const BlockEntry *entry, const Block *block, const uint64_t *committed)
{
    if (!entry->finished)
        return "unfinished";
    if (block == NULL)
        return "damaged";
    if (committed == NULL)
        return "unknown";
    return block->manifest.last_seqno <= *committed ? "committed" : "waiting";
}

/* NULL for a block that is unfinished, or whose manifest cannot be read (then *err is set). */
static Block *
open_entry(const BlockEntry *entry, Error *err)
{
    return entry->finished ? block_open(entry->path, err) : NULL;
}

static uint64_t
rows_of(const Manifest *manifest)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < manifest->file_count; i++)
        rows += manifest->files[i].row_count;
    return rows;
}

static size_t
tables_of(const Manifest *manifest)
{
    size_t tables = 0;

    for (size_t i = 0; i < manifest->file_count; i++) {
        bool is_new = true;

        for (size_t j = 0; j < i; j++)
            is_new = is_new && !(text_equal(manifest->files[i].schema, manifest->files[j].schema) &&
                                   text_equal(manifest->files[i].table, manifest->files[j].table));
        tables += is_new ? 1 : 0;
    }
    return tables;
}

void
block_report_text(const BlockList *list, const uint64_t *committed, Buf *out)
{
    buf_addf(out, "%-20s %20s %12s %14s %6s  %-26s %s\n", "block", "last seqno", "rows", "bytes",
        "tables", "last commit (UTC)", "state");
    for (size_t i = 0; i < list->count; i++) {
        const BlockEntry *entry = &list->entries[i];
        Error err;
        CLEANUP(block_free) Block *block = open_entry(entry, &err);
        const char *state = state_of(entry, block, committed);
        char time[TIME_TEXT_SIZE] = "";

        if (block == NULL) {
            buf_addf(out, "%020" PRIu64 " %20s %12s %14" PRIu64 " %6s  %-26s %s\n",
                entry->first_seqno, "-", "-", entry->bytes, "-", "-", state);
            continue;
        }
        (void)clock_format(block->manifest.last_commit_us, time);
        buf_addf(out, "%020" PRIu64 " %20" PRIu64 " %12" PRIu64 " %14" PRIu64 " %6zu  %-26s %s\n",
            entry->first_seqno, block->manifest.last_seqno, rows_of(&block->manifest), entry->bytes,
            tables_of(&block->manifest), time[0] == '\0' ? "-" : time, state);
    }
    buf_addf(out, "%zu blocks, %" PRIu64 " bytes\n", list->count, list->bytes);
}

static void
set_value(json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        abort();
}

static void
add_json(json_t *value, Buf *out)
{
    char *text = json_dumps(value, JSON_INDENT(2));

    if (text == NULL)
        abort();
    buf_addf(out, "%s\n", text);
    free(text);
    json_decref(value);
}

static json_t *
block_json(const BlockEntry *entry, const uint64_t *committed)
{
    Error err;
    CLEANUP(block_free) Block *block = open_entry(entry, &err);
    json_t *object = json_object();
    char time[TIME_TEXT_SIZE] = "";

    set_value(object, "path", json_string(entry->path));
    set_value(object, "first_seqno", json_integer((json_int_t)entry->first_seqno));
    set_value(object, "bytes", json_integer((json_int_t)entry->bytes));
    set_value(object, "state", json_string(state_of(entry, block, committed)));
    if (block == NULL)
        return object;
    (void)clock_format(block->manifest.last_commit_us, time);
    set_value(object, "last_seqno", json_integer((json_int_t)block->manifest.last_seqno));
    set_value(object, "rows", json_integer((json_int_t)rows_of(&block->manifest)));
    set_value(object, "tables", json_integer((json_int_t)tables_of(&block->manifest)));
    set_value(object, "last_commit_timestamp", time[0] == '\0' ? json_null() : json_string(time));
    return object;
}

void
block_report_json(const BlockList *list, const uint64_t *committed, Buf *out)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        if (json_array_append_new(array, block_json(&list->entries[i], committed)) != 0)
            abort();
    }
    add_json(array, out);
}

static void
add_line(Buf *out, const char *name, Text text)
{
    buf_addf(out, "%-16s " TEXT_FMT "\n", name, TEXT_ARG(text.len == 0 ? TEXT("-") : text));
}

static void
add_time(Buf *out, const char *name, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    add_line(out, name, clock_format(time_us, text));
}

static void
add_file(const BlockFile *file, Buf *out)
{
    const char *between = " (";

    buf_addf(out, "\n" TEXT_FMT "%s" TEXT_FMT, TEXT_ARG(file->schema),
        file->schema.len > 0 ? "." : "", TEXT_ARG(file->table));
    if (file->generation > 1)
        buf_addf(out, " (generation %" PRIu64 ")", file->generation);
    buf_add_char(out, '\n');
    if (file->truncate)
        buf_addf(out, "  truncated by seqno %" PRIu64 "\n", file->truncate_seqno);
    if (file->name.data == NULL)
        return;
    buf_addf(out, "  file       " TEXT_FMT ", %" PRIu64 " bytes, checksum %016" PRIx64 "\n",
        TEXT_ARG(file->name), file->bytes, file->checksum);
    buf_addf(out, "  rows       %" PRIu64, file->row_count);
    for (int opcode = 0; opcode < OPCODE_COUNT; opcode++) {
        if (file->rows[opcode] == 0)
            continue;
        buf_addf(out, "%s%s %" PRIu64, between, opcode_name((Opcode)opcode), file->rows[opcode]);
        between = ", ";
    }
    buf_addf(out, "%s\n  columns    ", file->row_count == 0 ? "" : ")");
    for (size_t i = 0; i < file->column_count; i++) {
        const BlockColumn *column = &file->columns[i];

        buf_addf(out, "%s" TEXT_FMT " %s", i == 0 ? "" : ", ", TEXT_ARG(column->name),
            logical_type_name(column->logical));
    }
    buf_add_string(out, "\n  key        ");
    for (size_t i = 0; i < file->key_count; i++)
        buf_addf(
            out, "%s" TEXT_FMT, i == 0 ? "" : ", ", TEXT_ARG(file->columns[file->key[i]].name));
    buf_add_string(out, file->key_count == 0 ? "-\n" : "\n");
    for (size_t i = 0; i < file->unchanged_count; i++)
        buf_addf(out, "%s" TEXT_FMT "%s", i == 0 ? "  left out   " : ", ",
            TEXT_ARG(file->columns[file->unchanged[i]].name),
            i + 1 == file->unchanged_count ? "\n" : "");
}

void
block_report_manifest(const Block *block, Buf *out)
{
    const Manifest *manifest = &block->manifest;

    add_line(out, "block", text_of(block->path));
    add_line(out, "service", manifest->service);
    buf_addf(out, "%-16s %" PRIu64 "\n", "fence", manifest->fence);
    buf_addf(out, "%-16s %" PRIu64 " to %" PRIu64 "\n", "seqnos", manifest->first_seqno,
        manifest->last_seqno);
    buf_addf(out, "%-16s %" PRIu64 "\n", "transactions", manifest->transactions);
    add_time(out, "first commit", manifest->first_commit_us);
    add_time(out, "last commit", manifest->last_commit_us);
    add_line(out, "position before", manifest->position_before);
    add_line(out, "position after", manifest->position_after);
    add_line(out, "written for", manifest->target_type);
    buf_addf(out, "%-16s %" PRIu64 "\n", "rows", rows_of(manifest));
    for (size_t i = 0; i < manifest->file_count; i++)
        add_file(&manifest->files[i], out);
}

/* Every file by itself, so that one fault does not hide another. */
static size_t
check_files(const Block *block, Buf *out)
{
    size_t faults = 0;

    for (size_t i = 0; i < block->manifest.file_count; i++) {
        Block one = *block;
        Error err;

        one.manifest.files = &block->manifest.files[i];
        one.manifest.file_count = 1;
        if (!block_check(&one, true, &err)) {
            buf_addf(out, "fault: %s\n", err.text);
            faults++;
        }
    }
    return faults;
}

/* What the block before said, kept as text since that block is closed. */
typedef struct Before {
    bool known;
    uint64_t first_seqno;
    uint64_t last_seqno;
    Buf position;
} Before;

static size_t
check_order(const Before *before, const BlockEntry *entry, const Manifest *manifest, Buf *out)
{
    if (manifest->first_seqno != entry->first_seqno) {
        buf_addf(out, "fault: %s: the manifest begins with seqno %" PRIu64 "\n", entry->path,
            manifest->first_seqno);
        return 1;
    }
    if (!before->known)
        return 0;
    if (manifest->first_seqno <= before->last_seqno) {
        buf_addf(out,
            "fault: %s: seqno %" PRIu64 " is also in the block that begins with %" PRIu64 "\n",
            entry->path, manifest->first_seqno, before->first_seqno);
        return 1;
    }
    if (manifest->first_seqno == before->last_seqno + 1)
        return 0;
    buf_addf(out, "note: %s: no block holds the seqnos %" PRIu64 " to %" PRIu64 "%s\n", entry->path,
        before->last_seqno + 1, manifest->first_seqno - 1,
        text_equal(buf_text(&before->position), manifest->position_before)
            ? ", and nothing is missing: the source positions meet"
            : ": blocks that were removed");
    return 0;
}

size_t
block_report_check(const BlockList *list, Buf *out)
{
    Before before = {.position = BUF_INIT};
    size_t faults = 0;

    for (size_t i = 0; i < list->count; i++) {
        const BlockEntry *entry = &list->entries[i];
        Error err;
        CLEANUP(block_free) Block *block = NULL;

        if (!entry->finished) {
            buf_addf(out, "note: %s: unfinished, it is removed at the next start\n", entry->path);
            continue;
        }
        block = block_open(entry->path, &err);
        if (block == NULL) {
            buf_addf(out, "fault: %s\n", err.text);
            faults++;
            before.known = false;
            continue;
        }
        faults += check_files(block, out);
        faults += check_order(&before, entry, &block->manifest, out);
        before.known = true;
        before.first_seqno = block->manifest.first_seqno;
        before.last_seqno = block->manifest.last_seqno;
        buf_reset(&before.position, SIZE_MAX);
        buf_add_text(&before.position, block->manifest.position_after);
    }
    buf_clear(&before.position);
    return faults;
}

void
block_report_check_json(const BlockList *list, Text lines, Buf *out)
{
    json_t *object = json_object();
    json_t *faults = json_array();
    json_t *notes = json_array();

    while (lines.len > 0) {
        size_t end = text_find(lines, '\n');
        size_t start = text_find(lines, ' ') + 1; /* behind "fault:" or "note:" */
        json_t *text = json_stringn(lines.data + start, end - start);

        if (json_array_append_new(lines.data[0] == 'f' ? faults : notes,
                text != NULL ? text : json_string("a name that is not UTF-8")) != 0)
            abort();
        end = MIN(end + 1, lines.len);
        lines = (Text){lines.data + end, lines.len - end};
    }
    set_value(object, "blocks", json_integer((json_int_t)list->count));
    set_value(object, "faults", faults);
    set_value(object, "notes", notes);
    add_json(object, out);
}

static uint64_t
bytes_of(const BlockList *list)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++)
        bytes += list->entries[i].bytes;
    return bytes;
}

void
block_report_prune(const BlockList *removed, bool dry_run, Buf *out)
{
    for (size_t i = 0; i < removed->count; i++)
        buf_addf(out, "%s %s (%" PRIu64 " bytes)\n", dry_run ? "would remove" : "removed",
            removed->entries[i].path, removed->entries[i].bytes);
    buf_addf(
        out, "%" PRIu64 " bytes %s\n", bytes_of(removed), dry_run ? "would be freed" : "freed");
}

void
block_report_prune_json(const BlockList *removed, bool dry_run, Buf *out)
{
    json_t *object = json_object();
    json_t *blocks = json_array();

    for (size_t i = 0; i < removed->count; i++) {
        const BlockEntry *entry = &removed->entries[i];
        json_t *block = json_object();

        set_value(block, "path", json_string(entry->path));
        set_value(block, "first_seqno", json_integer((json_int_t)entry->first_seqno));
        set_value(block, "bytes", json_integer((json_int_t)entry->bytes));
        if (json_array_append_new(blocks, block) != 0)
            abort();
    }
    set_value(object, "dry_run", json_boolean(dry_run));
    set_value(object, "removed", blocks);
    set_value(object, "bytes", json_integer((json_int_t)bytes_of(removed)));
    add_json(object, out);
}
