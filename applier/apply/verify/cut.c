#include "apply/verify/cut.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/hold/hold.h"
#include "apply/pipeline.h"
#include "base/file.h"
#include "target/checksum.h"
#include "target/position.h"

struct VerifyCut {
    const Context *context;
    Snapshot *snapshot;
    Buf position;
    HoldClient *hold; /* NULL: no service runs */
    int lock_fd;      /* -1: a service runs, or nothing keeps the target */
    VerifyPair *pairs;
    size_t pair_count;
    Arena *arena;      /* has the cut itself */
    uint64_t seqno;    /* of the last transaction before C */
    Position standing; /* the target's position, as the first view has it; fence 0: not read yet */
    void (*told)(void *context, const char *what); /* NULL: nobody wants to know */
    void *told_context;
    Target *guard; /* has the position's row locked; NULL: nothing is guarded */
};

/* ---- the source ---- */

static bool
open_readers(VerifyCut *cut, bool rows, Error *err)
{
    const SnapshotDriver *driver = cut->context->source->snapshot;

    for (size_t i = 0; i < cut->pair_count; i++) {
        VerifyPair *pair = &cut->pairs[i];

        pair->reader = driver->reader_open(cut->snapshot, err);
        if (pair->reader == NULL)
            return false;
        if (!rows)
            continue;
        pair->rows = driver->reader_open(cut->snapshot, err);
        if (pair->rows == NULL)
            return false;
    }
    return true;
}

/* The readers hold the view themselves: the slot behind it is needed no more. */
static bool
take_snapshot(VerifyCut *cut, bool rows, Error *err)
{
    const Config *config = cut->context->config;
    const SnapshotDriver *driver = cut->context->source->snapshot;
    SourceStart start = {.service = config->service,
        .options = config->source_options,
        .position = TEXT(""),
        .until_end = true,
        .readers = cut->pair_count * (rows ? 2 : 1)};
    Text notice;

    cut->snapshot = driver->open(&start, err);
    if (cut->snapshot == NULL || !open_readers(cut, rows, err))
        return error_wrap(err, "take a snapshot of the source");
    buf_add_text(&cut->position, driver->position(cut->snapshot));
    notice = driver->notice == NULL ? TEXT_NONE : driver->notice(cut->snapshot);
    if (notice.data != NULL && cut->told != NULL)
        cut->told(cut->told_context, notice.data);
    snapshot_close(cut->snapshot);
    cut->snapshot = NULL;
    return true;
}

/* ---- the target ---- */

/* Is this connection's view the one of the cut? A service that was ended meanwhile and started
 * again has another fence, and may have gone on. */
static bool
check_place(VerifyCut *cut, Target *target, Error *err)
{
    const Config *config = cut->context->config;
    Position position = {0};
    bool found;

    if (!position_read(target, text_of(config->target.position_schema), text_of(config->service),
            cut->arena, &position, &found, err))
        return false;
    if (cut->standing.fence == 0)
        cut->standing = position;
    if (found && position.seqno == cut->seqno && position.fence == cut->standing.fence)
        return true;
    return error_set_retriable(err, ERR_FENCED,
        "the service went on to seqno %" PRIu64 " while it was to stand still at %" PRIu64
        " (it was started again?): verify again",
        position.seqno, cut->seqno);
}

bool
verify_cut_guard(VerifyCut *cut, Error *err)
{
    const Config *config = cut->context->config;
    const TargetDriver *driver = cut->context->target;

    cut->guard = driver->open(config->target_options, err);
    if (cut->guard == NULL)
        return false;
    if (checksum_family(driver->sql)->one_writer)
        return check_place(cut, cut->guard, err);
    /* the same position again: nothing changes, but the row is ours until the transaction ends */
    return driver->begin(cut->guard, err) &&
           position_write(cut->guard, text_of(config->target.position_schema),
               text_of(config->service), cut->seqno, &cut->standing, err);
}

bool
verify_cut_unguard(VerifyCut *cut, Error *err)
{
    const TargetDriver *driver = cut->context->target;
    bool ok = !checksum_family(driver->sql)->one_writer || check_place(cut, cut->guard, err);

    driver->rollback(cut->guard);
    target_close(cut->guard);
    cut->guard = NULL;
    return ok;
}

static bool
open_view(Target *target, Error *err)
{
    const ChecksumFamily *family = checksum_family(target->driver->sql);
    int64_t rows;

    for (size_t i = 0; family->open_view[i] != NULL; i++)
        if (!target->driver->execute(target, text_of(family->open_view[i]), NULL, &rows, err))
            return error_wrap(err, "open a view of the target");
    return true;
}

void
verify_cut_leave_target(VerifyCut *cut)
{
    for (size_t i = 0; i < cut->pair_count; i++)
        if (cut->pairs[i].target != NULL)
            cut->pairs[i].target->driver->rollback(cut->pairs[i].target);
}

bool
verify_cut_enter_target(VerifyCut *cut, Error *err)
{
    const Context *context = cut->context;

    for (size_t i = 0; i < cut->pair_count; i++) {
        VerifyPair *pair = &cut->pairs[i];

        if (pair->target == NULL)
            pair->target = context->target->open(context->config->target_options, err);
        if (pair->target == NULL || !open_view(pair->target, err) ||
            !check_place(cut, pair->target, err))
            return false;
    }
    return true;
}

static bool
keep_value(void *context, const Value *values, size_t count, Error *err)
{
    (void)err;
    if (count > 0 && values[0].kind == VALUE_TEXT)
        buf_add_text(context, values[0].text);
    return true;
}

/* Do our views of the target keep the service from writing? */
static bool
views_block_writers(VerifyCut *cut, bool *ret_block, Error *err)
{
    const ChecksumFamily *family = checksum_family(cut->context->target->sql);
    Target *target = cut->pairs[0].target;
    CLEANUP(buf_clear) Buf mode = BUF_INIT;

    *ret_block = false;
    if (family->free_mode_query == NULL)
        return true;
    if (!target->driver->query(target, text_of(family->free_mode_query), keep_value, &mode, err))
        return false;
    *ret_block = !text_is(buf_text(&mode), family->free_mode);
    return true;
}

/* ---- a service that runs ---- */

static bool
cut_running(VerifyCut *cut, bool keep, Error *err)
{
    CLEANUP(buf_clear) Buf stands = BUF_INIT;
    bool block;

    /* else the snapshot would have to be at a place that the service did not pass yet */
    if (!hold_at(cut->hold, TEXT(""), &stands, &cut->seqno, err) ||
        !take_snapshot(cut, keep, err) ||
        !hold_at(cut->hold, buf_text(&cut->position), &stands, &cut->seqno, err) ||
        !verify_cut_enter_target(cut, err) || !views_block_writers(cut, &block, err))
        return false;
    if (keep || block)
        return true;
    return hold_release(cut->hold, err);
}

/* ---- a service that does not run ---- */

static bool
read_seqno(VerifyCut *cut, uint64_t *ret_seqno, Error *err)
{
    const Config *config = cut->context->config;
    CLEANUP(target_close) Target *target = cut->context->target->open(config->target_options, err);
    Position position;
    bool found;

    if (target == NULL || !position_read(target, text_of(config->target.position_schema),
                              text_of(config->service), cut->arena, &position, &found, err))
        return false;
    *ret_seqno = found ? position.seqno : 0;
    return true;
}

static bool
take_lock(VerifyCut *cut, Error *err)
{
    char *path = file_join(cut->context->config->block.directory, "lock");

    cut->lock_fd = file_lock(path, err);
    free(path);
    return cut->lock_fd >= 0;
}

/* Under the lock the target must still be where our own run left it. */
static bool
cut_stopped(VerifyCut *cut, bool keep, Error *err)
{
    RunOptions how = {.until_position = TEXT_NONE};
    PipelineTotals totals = {0};
    bool block;

    if (!take_snapshot(cut, keep, err) || !read_seqno(cut, &cut->seqno, err))
        return false;
    how.until_position = buf_text(&cut->position);
    if (!pipeline_run(cut->context, &how, &totals, err))
        return error_wrap(err, "bring the target to %s", buf_string(&cut->position));
    if (!totals.complete)
        return error_set(
            err, ERR_STOPPED, "stopped before the target was at %s", buf_string(&cut->position));
    if (!take_lock(cut, err))
        return false;
    cut->seqno = MAX(cut->seqno, totals.seqno);
    if (!verify_cut_enter_target(cut, err) || !views_block_writers(cut, &block, err))
        return false;
    if (!keep && !block) {
        file_close(cut->lock_fd);
        cut->lock_fd = -1;
    }
    return true;
}

/* ---- open and close ---- */

VerifyCut *
verify_cut_open(const Context *context, size_t pairs, bool keep,
    void (*told)(void *context, const char *what), void *told_context, Error *err)
{
    Arena *arena = arena_new();
    CLEANUP(verify_cut_close) VerifyCut *cut = ARENA_NEW(arena, VerifyCut);
    bool running;

    cut->context = context;
    cut->arena = arena;
    cut->lock_fd = -1;
    cut->pairs = ARENA_ARRAY(arena, VerifyPair, pairs);
    cut->pair_count = pairs;
    cut->told = told;
    cut->told_context = told_context;
    cut->hold = hold_connect(context->config->block.directory, &running, err);
    if (cut->hold == NULL && running)
        return NULL;
    if (told != NULL)
        told(told_context,
            !running ? "the service does not run: carrying changes up to the cut"
            : (context->source->abilities & (SOURCE_PLACE_IN_TARGET | SOURCE_SNAPSHOT_AT_ONCE)) != 0
                ? "the service runs: it stands still for the cut"
                : "the service runs: it stands still for the cut, which waits for transactions "
                  "that are open at the source");
    if (running ? !cut_running(cut, keep, err) : !cut_stopped(cut, keep, err))
        return NULL;
    return STEAL(cut);
}

void
verify_cut_close(VerifyCut *cut)
{
    const SnapshotDriver *driver;

    if (cut == NULL)
        return;
    driver = cut->context->source->snapshot;
    for (size_t i = 0; i < cut->pair_count; i++) {
        driver->reader_close(cut->pairs[i].reader);
        driver->reader_close(cut->pairs[i].rows);
        target_close(cut->pairs[i].target);
    }
    target_close(cut->guard);
    snapshot_close(cut->snapshot);
    buf_clear(&cut->position);
    hold_disconnect(cut->hold);
    file_close(cut->lock_fd);
    arena_free(cut->arena);
}

Text
verify_cut_position(const VerifyCut *cut)
{
    return buf_text(&cut->position);
}

VerifyPair *
verify_cut_pair(VerifyCut *cut, size_t index)
{
    return &cut->pairs[index];
}
