/*
 * server.h - the service's side of apply/hold/hold.h: the control socket, and what is asked
 *
 * A thread of its own, which only waits for the socket and for the reader, takes the requests of
 * other processes. The reader looks at transaction boundaries whether there is one, and answers:
 *
 *     client ── "hold P" ──▶ thread ── hold_server_wanted ──▶ reader
 *     client ◀── "held P 12" ── thread ◀── hold_server_held ── reader
 *
 * Socket: <block.directory>/control, only for the service's own user (mode 0600). A path that is
 * too long for a socket's address goes through /proc/self/fd.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct HoldServer HoldServer;

/* The lock of the directory is the caller's: a socket that is there already is a dead process's. */
HoldServer *hold_server_open(const char *directory, Error *err) MUST_CHECK;
/* Ends the thread, hangs up on all clients, removes the socket. */
void hold_server_close(HoldServer *server);
CLEANUP_DEFINE(HoldServer *, hold_server_close);

/*
 * Reader: the number of the request to fulfil, 0 for none; *position is filled when the number is
 * not known_number ("": at once). A request that replaces another, or ends it, has another number.
 * Costs next to nothing while nobody asks.
 */
uint64_t hold_server_wanted(HoldServer *server, uint64_t known_number, Buf *position);
/* Reader: wait up to wait_ms until hold_server_wanted() is not this number any more; true when so.
 */
bool hold_server_wait(HoldServer *server, uint64_t number, int64_t wait_ms);

/* Reader: answers to the request of this number; one that is gone is not answered. Everything up to
 * position is committed, and nothing further is read until the number changes. */
void hold_server_held(HoldServer *server, uint64_t number, Text position, uint64_t seqno);
/* The service was further already; the request is over. */
void hold_server_past(HoldServer *server, uint64_t number, Text position);
/* It cannot be fulfilled; the request is over. */
void hold_server_refuse(HoldServer *server, uint64_t number, const char *reason);
