/*
 * queue.h - the blocks between reader and loader: at most one waits
 *
 *     reader ── queue_push ──▶ queue_pop ── loader
 *     reader ◀─ queue_acknowledged ── queue_done ── loader
 *
 * Pushing a block gives it away. The way back carries only how far the target is committed. A move
 * of the position alone (loader_position_move()) travels as a block without a directory, so that it
 * keeps its place between the others.
 */
#pragma once

#include "block/block.h"

typedef struct Queue Queue;

Queue *queue_new(void) MUST_CHECK;
void queue_free(Queue *queue); /* frees a block that still waits */
CLEANUP_DEFINE(Queue *, queue_free);

/* Reader: waits while a block is already waiting. False when the loader has ended or STOP_NOW was
 * requested; the block then is freed. */
bool queue_push(Queue *queue, Block *block);
/* Reader: wait up to wait_ms until queue_push() would not wait (it would return false, or take the
 * block at once); true when that is so. */
bool queue_wait_room(Queue *queue, int64_t wait_ms);
/* Reader: wait up to wait_ms until queue_is_idle(), or the loader has ended; true when that is so.
 */
bool queue_wait_idle(Queue *queue, int64_t wait_ms);
/* Any thread: the loader takes no more (queue_end()). */
bool queue_has_ended(const Queue *queue);
/* Reader: nothing waits and nothing is being loaded, so a small block may be closed. */
bool queue_is_idle(Queue *queue);
/* Reader: the source's position of the last committed block, copied into *position, if it moved
 * since the last call. */
bool queue_acknowledged(Queue *queue, Buf *position);
/* Reader: would queue_acknowledged() tell something new? Costs nothing: may be asked for every
 * event. */
bool queue_has_news(const Queue *queue);
/* Reader: there will be no more blocks. */
void queue_close(Queue *queue);

/* Loader: waits up to wait_ms for a block. NULL: none came; *ret_ended tells that none ever will,
 * since the queue is closed and empty, or STOP_NOW was requested. */
Block *queue_pop(Queue *queue, int64_t wait_ms, bool *ret_ended);
/* Loader: the popped block is committed (or, at the end, given up: position NULL). */
void queue_done(Queue *queue, const Text *position);
/* Loader: it takes no more. */
void queue_end(Queue *queue);
