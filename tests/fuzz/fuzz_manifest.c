/* manifest.json from anywhere: what is taken, is printed and taken again, and prints the same. */
#include <stdlib.h>

#include "block/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new();
    Manifest manifest;
    Manifest again;
    Buf first = BUF_INIT;
    Buf second = BUF_INIT;
    Error err;

    if (manifest_parse("fuzz", (Text){(const char *)data, size}, arena, &manifest, &err)) {
        manifest_print(&manifest, &first);
        if (!manifest_parse("fuzz", buf_text(&first), arena, &again, &err))
            abort();
        manifest_print(&again, &second);
        if (!text_equal(buf_text(&first), buf_text(&second)))
            abort();
    }
    buf_clear(&first);
    buf_clear(&second);
    arena_free(arena);
    return 0;
}
