/*
 * attr.h - compiler attributes and scope-bound cleanup
 *
 * "CLEANUP(target_close) Target *target = NULL;" closes the target when its scope ends, whichever
 * way that happens; CLEANUP_DEFINE(Target *, target_close), placed after the prototype of
 * target_close(), makes that possible. STEAL(target) hands the pointer on and leaves NULL behind.
 */
#pragma once

#include <stddef.h>

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK        __attribute__((warn_unused_result))
#define NORETURN          __attribute__((noreturn))
#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))

#define CLEANUP(free_fn) __attribute__((cleanup(free_fn##_auto)))
#define CLEANUP_DEFINE(type, free_fn)            \
    static inline void free_fn##_auto(type *var) \
    {                                            \
        free_fn(*var);                           \
    }                                            \
    struct free_fn##_semicolon

#define STEAL(var)                       \
    __extension__({                      \
        __typeof__(var) stolen_ = (var); \
        (var) = NULL;                    \
        stolen_;                         \
    })

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
