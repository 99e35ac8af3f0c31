/*
 * replay.c - run a fuzz target over its corpus, as an ordinary test
 *
 * Arguments are files and directories. A corpus that is empty or missing fails: a test that ran
 * nothing must not pass.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned inputs_run;

static void
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    char piece[65536];
    size_t len = 0;
    while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(&bytes, piece, len);
    (void)fclose(file);
    /* an exact copy on the heap, so that a read past the end is seen */
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    if (copy == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    LLVMFuzzerTestOneInput(copy, bytes.len);
    free(copy);
    inputs_run++;
}

static void
replay_path(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        replay_file(path);
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(buf_clear) Buf name = BUF_INIT;
        buf_addf(&name, "%s/%s", path, entry->d_name);
        replay_file(buf_string(&name));
    }
    closedir(directory);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay_path(argv[i]);
    printf("%u inputs replayed\n", inputs_run);
    return inputs_run > 0 ? 0 : 1;
}
