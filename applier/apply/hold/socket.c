#include "apply/hold/socket.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

bool
hold_address(const char *directory, int *ret_directory_fd, HoldAddress *ret_address, Error *err)
{
    struct sockaddr_un *name = &ret_address->name;
    int len;

    *ret_address = (HoldAddress){.name = {.sun_family = AF_UNIX}};
    *ret_directory_fd = -1;
    len = snprintf(name->sun_path, sizeof(name->sun_path), "%s/" HOLD_SOCKET, directory);
    if (len >= (int)sizeof(name->sun_path)) {
        *ret_directory_fd = file_open(directory, O_DIRECTORY, err);
        if (*ret_directory_fd < 0)
            return false;
        len = snprintf(name->sun_path, sizeof(name->sun_path), "/proc/self/fd/%d/" HOLD_SOCKET,
            *ret_directory_fd);
    }
    ret_address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + 1);
    return true;
}
