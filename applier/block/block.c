#include "block/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"

#define PART_LIMIT 100 /* bytes of an encoded schema or table name */
#define HASH_LEN   18  /* "%%" and 16 hex digits */

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
