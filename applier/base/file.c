#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

void
file_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

int
file_open(const char *path, int flags, Error *err)
{
    int fd = FAULT("file.open") ? -1 : open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0)
        (void)error_set_errno(err, ERR_IO, "open %s", path);
    return fd;
}

int
file_create(const char *path, Error *err)
{
    int fd = -1;

    if (!FAULT("file.create"))
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        (void)error_set_errno(err, ERR_IO, "create %s", path);
    return fd;
}

bool
file_read(int fd, void *data, size_t len, const char *path, size_t *ret_len, Error *err)
{
    ssize_t n;

    do
        n = FAULT("file.read") ? -1 : read(fd, data, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERR_IO, "read %s", path);
    *ret_len = (size_t)n;
    return true;
}

bool
file_write(int fd, const void *data, size_t len, const char *path, Error *err)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = FAULT("file.write") ? -1 : write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ERR_IO, "write %s", path);
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool
file_sync(int fd, const char *path, Error *err)
{
    if (FAULT("file.sync") || fsync(fd) != 0)
        return error_set_errno(err, ERR_IO, "fsync %s", path);
    return true;
}

bool
file_sync_directory(const char *path, Error *err)
{
    CLEANUP(file_close) int fd = file_open(path, O_DIRECTORY, err);

    return fd >= 0 && file_sync(fd, path, err);
}

bool
file_read_all(const char *path, size_t limit, Buf *buf, Error *err)
{
    CLEANUP(file_close) int fd = file_open(path, 0, err);
    size_t start = buf->len;
    size_t len = 0;

    if (fd < 0)
        return false;
    do {
        char *to = buf_reserve(buf, 16384);

        if (!file_read(fd, to, 16384, path, &len, err))
            return false;
        buf_grown(buf, len);
        if (buf->len - start > limit)
            return error_set(err, ERR_IO, "read %s: larger than %zu bytes", path, limit);
    } while (len > 0);
    return true;
}

static bool
write_synced(const char *path, const void *data, size_t len, Error *err)
{
    CLEANUP(file_close) int fd = file_create(path, err);

    return fd >= 0 && file_write(fd, data, len, path, err) && file_sync(fd, path, err);
}

bool
file_write_durable(const char *path, const void *data, size_t len, Error *err)
{
    CLEANUP(buf_clear) Buf tmp = BUF_INIT;
    char *directory;
    bool ok;

    buf_addf(&tmp, "%s.tmp", path);
    if (!write_synced(tmp.data, data, len, err)) {
        (void)unlink(tmp.data);
        return false;
    }
    if (FAULT("file.rename") || rename(tmp.data, path) != 0) {
        (void)error_set_errno(err, ERR_IO, "rename %s to %s", tmp.data, path);
        (void)unlink(tmp.data);
        return false;
    }
    directory = file_directory(path);
    ok = file_sync_directory(directory, err);
    free(directory);
    return ok;
}

bool
file_make_directory(const char *path, Error *err)
{
    CLEANUP(buf_clear) Buf part = BUF_INIT;
    struct stat status;

    buf_add_string(&part, path);
    for (char *slash = part.data; slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL)
            *slash = '\0';
        if (stat(part.data, &status) != 0 &&
            (FAULT("file.mkdir") || (mkdir(part.data, 0750) != 0 && errno != EEXIST)))
            return error_set_errno(err, ERR_IO, "make directory %s", part.data);
        if (slash != NULL)
            *slash = '/';
    }
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return error_set(err, ERR_IO, "make directory %s: a file is in the way", path);
    return true;
}

static int
is_listed(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool
file_list(const char *directory, FileList *ret_list, Error *err)
{
    struct dirent **entries = NULL;
    int count = FAULT("file.list") ? -1 : scandir(directory, &entries, is_listed, by_bytes);

    if (count < 0)
        return error_set_errno(err, ERR_IO, "list directory %s", directory);
    ret_list->count = (size_t)count;
    ret_list->names = calloc((size_t)count + 1, sizeof(*ret_list->names));
    if (ret_list->names == NULL)
        abort();
    for (int i = 0; i < count; i++) {
        ret_list->names[i] = text_dup(text_of(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return true;
}

void
file_list_free(FileList *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (FileList){NULL, 0};
}

static bool remove_tree_at(const char *path, int depth, Error *err);

static bool
remove_entries(const char *path, const FileList *list, int depth, Error *err)
{
    struct stat status;

    for (size_t i = 0; i < list->count; i++) {
        CLEANUP(buf_clear) Buf child = BUF_INIT;

        buf_addf(&child, "%s/%s", path, list->names[i]);
        if (lstat(child.data, &status) == 0 && S_ISDIR(status.st_mode)) {
            if (!remove_tree_at(child.data, depth + 1, err))
                return false;
        } else if (FAULT("file.unlink") || (unlink(child.data) != 0 && errno != ENOENT)) {
            return error_set_errno(err, ERR_IO, "remove %s", child.data);
        }
    }
    return true;
}

static bool
remove_tree_at(const char *path, int depth, Error *err)
{
    FileList list = {NULL, 0};
    struct stat status;
    bool ok;

    if (lstat(path, &status) != 0 && errno == ENOENT)
        return true;
    if (depth > 16)
        return error_set(err, ERR_IO, "remove %s: nested too deeply", path);
    if (!file_list(path, &list, err))
        return lstat(path, &status) != 0 && errno == ENOENT; /* somebody else removes it, too */
    ok = remove_entries(path, &list, depth, err);
    file_list_free(&list);
    if (!ok)
        return false;
    if (FAULT("file.rmdir") || (rmdir(path) != 0 && errno != ENOENT))
        return error_set_errno(err, ERR_IO, "remove directory %s", path);
    return true;
}

bool
file_remove_tree(const char *path, Error *err)
{
    return remove_tree_at(path, 0, err);
}

bool
file_exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

static bool
lock_held(int fd, const char *path, Error *err)
{
    char holder[32] = "";
    ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

    holder[n < 0 ? 0 : strcspn(holder, "\n")] = '\0';
    return error_set(err, ERR_FENCED, "%s is locked: another process of this service runs%s%s",
        path, holder[0] == '\0' ? "" : ", pid ", holder);
}

/* Who only asks whether the lock is held has it for a moment, too. */
static bool
take_lock(int fd)
{
    static const struct timespec turn = {0, 20 * 1000L * 1000};
    bool taken = flock(fd, LOCK_EX | LOCK_NB) == 0;

    for (int i = 0; !taken && errno == EWOULDBLOCK && i < 5; i++) {
        (void)nanosleep(&turn, NULL);
        taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
    }
    return taken;
}

bool
file_is_locked(const char *path)
{
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static int
steal_descriptor(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

int
file_lock(const char *path, Error *err)
{
    CLEANUP(file_close) int fd = -1;
    char pid[32];
    int len;

    if (!FAULT("file.lock"))
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        (void)error_set_errno(err, ERR_IO, "open lock %s", path);
        return -1;
    }
    if (!take_lock(fd)) {
        if (errno == EWOULDBLOCK)
            (void)lock_held(fd, path, err);
        else
            (void)error_set_errno(err, ERR_IO, "lock %s", path);
        return -1;
    }
    len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        (void)error_set_errno(err, ERR_IO, "write lock %s", path);
        return -1;
    }
    return steal_descriptor(&fd);
}

char *
file_join(const char *directory, const char *name)
{
    Buf path = BUF_INIT;

    if (name[0] == '/')
        buf_add_string(&path, name);
    else
        buf_addf(&path, "%s/%s", directory, name);
    return buf_steal(&path);
}

char *
file_directory(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return text_dup(TEXT("."));
    return text_dup((Text){path, slash == path ? 1 : (size_t)(slash - path)});
}
