/* A geometry in any of its spellings, from anywhere: what is taken comes back the same. */
#include <stdlib.h>

#include "block/geometry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* hex is canonical: through EWKT and through MySQL's bytes, and back. */
static void
check_canonical(Text hex)
{
    CLEANUP(buf_clear) Buf ewkt = BUF_INIT;
    CLEANUP(buf_clear) Buf mysql = BUF_INIT;
    CLEANUP(buf_clear) Buf back = BUF_INIT;
    CLEANUP(buf_clear) Buf again = BUF_INIT;

    if (geometry_to_mysql(hex, &mysql) != NULL || geometry_to_ewkt(hex, &ewkt) != NULL ||
        geometry_from_ewkt(buf_text(&ewkt), &back) != NULL)
        abort();
    /* not always the same bytes: an SRID of 0 that is spelled out, other NaNs, are left out */
    if (geometry_to_ewkt(buf_text(&back), &again) != NULL ||
        !text_equal(buf_text(&again), buf_text(&ewkt)))
        abort();
    buf_reset(&again, 0);
    buf_reset(&back, 0);
    if (geometry_from_mysql(buf_text(&mysql), &back) != NULL ||
        geometry_to_mysql(buf_text(&back), &again) != NULL ||
        !text_equal(buf_text(&again), buf_text(&mysql)))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Text input = {(const char *)data, size};
    CLEANUP(buf_clear) Buf hex = BUF_INIT;

    if (geometry_check(input) == NULL)
        check_canonical(input);
    if (geometry_from_ewkt(input, &hex) == NULL)
        check_canonical(buf_text(&hex));
    buf_reset(&hex, 0);
    if (geometry_from_mysql(input, &hex) == NULL)
        check_canonical(buf_text(&hex));
    return 0;
}
