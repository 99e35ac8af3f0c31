/*
 * next.h - what an iterator answers: "Next x_next(X *, Item *ret_item, Error *)"
 */
#pragma once

typedef enum Next {
    NEXT_ITEM,   /* *ret_item is set */
    NEXT_END,    /* nothing more, ever */
    NEXT_IDLE,   /* nothing now; ask again */
    NEXT_FAILED, /* *err is set */
} Next;
