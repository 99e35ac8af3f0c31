/*
 * socket.h - the address of a service's control socket
 *
 * A socket's address has room for 107 bytes of path (unix(7)); a directory with a longer one is
 * reached through /proc/self/fd/N.
 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "base/attr.h"
#include "base/error.h"

#define HOLD_SOCKET "control"

typedef struct HoldAddress {
    struct sockaddr_un name;
    socklen_t len;
} HoldAddress;

/* *ret_directory_fd, -1 where it is not needed, must stay open while the address is used; the
 * caller closes it. */
bool hold_address(
    const char *directory, int *ret_directory_fd, HoldAddress *ret_address, Error *err) MUST_CHECK;
