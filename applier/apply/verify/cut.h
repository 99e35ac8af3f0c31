/*
 * cut.h - the exact cut: source and target as they are at one position
 *
 * Belongs to the main thread; each pair of connections may then be used by one thread.
 */
#pragma once

#include "apply/context.h"
#include "source/snapshot.h"

/* What one thread compares with. */
typedef struct VerifyPair {
    SnapshotReader *reader;
    SnapshotReader *rows; /* with repair: reads rows by their keys; else NULL */
    Target *target;
} VerifyPair;

typedef struct VerifyCut VerifyCut;

/* keep: the target stands still until the cut is closed, else only as long as it must. told as in
 * VerifyOptions. */
VerifyCut *verify_cut_open(const Context *context, size_t pairs, bool keep,
    void (*told)(void *context, const char *what), void *told_context, Error *err) MUST_CHECK;
void verify_cut_close(VerifyCut *cut);
CLEANUP_DEFINE(VerifyCut *, verify_cut_close);

Text verify_cut_position(const VerifyCut *cut);
VerifyPair *verify_cut_pair(VerifyCut *cut, size_t index);

/*
 * Around a repair's commit: make sure that the target still is where the cut was made, and stays
 * there. A service that was ended and started again while it stood still would go on; it waits for
 * the row of dray_position that is locked here. Where one transaction keeps all others from writing
 * the row is only looked at, before and after. ERR_FENCED when the service went on.
 */
bool verify_cut_guard(VerifyCut *cut, Error *err) MUST_CHECK;
bool verify_cut_unguard(VerifyCut *cut, Error *err) MUST_CHECK;

/* Before and after a repair: let the target's views go, take new ones. */
void verify_cut_leave_target(VerifyCut *cut);
bool verify_cut_enter_target(VerifyCut *cut, Error *err) MUST_CHECK;
