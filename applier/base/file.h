/*
 * file.h - local files: descriptors, whole and durable writes, directories, the lock
 *
 * Every call that touches the disk passes a fault point named "file.<call>". Errors are ERR_IO,
 * name the path, and end in errno's text. EINTR and short writes are handled here.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Close; -1 is fine. For CLEANUP(file_close) int fd = -1; */
void file_close(int fd);
CLEANUP_DEFINE(int, file_close);

/* Open for reading; flags are added to O_RDONLY | O_CLOEXEC. -1 on failure. */
int file_open(const char *path, int flags, Error *err) MUST_CHECK;
/* Create or truncate for writing, mode 0640. */
int file_create(const char *path, Error *err) MUST_CHECK;
/* Up to len bytes; *ret_len 0 at the end of the file. */
bool file_read(int fd, void *data, size_t len, const char *path, size_t *ret_len, Error *err)
    MUST_CHECK;
/* All of len bytes. */
bool file_write(int fd, const void *data, size_t len, const char *path, Error *err) MUST_CHECK;
bool file_sync(int fd, const char *path, Error *err) MUST_CHECK;
bool file_sync_directory(const char *path, Error *err) MUST_CHECK;

/* The whole file appended to *buf; larger than limit bytes is an error. */
bool file_read_all(const char *path, size_t limit, Buf *buf, Error *err) MUST_CHECK;
/* Write path + ".tmp", fsync, rename to path, fsync the directory: after a crash the file is there
 * whole, in its old or its new form. Leaves no .tmp on failure. */
bool file_write_durable(const char *path, const void *data, size_t len, Error *err) MUST_CHECK;

/* Make the directory and its parents, mode 0750; an existing one is fine. */
bool file_make_directory(const char *path, Error *err) MUST_CHECK;
/* Remove a directory, the files and (one level after the other) directories in it; symbolic links
 * are removed, not followed. A missing directory is fine. */
bool file_remove_tree(const char *path, Error *err) MUST_CHECK;
bool file_exists(const char *path);

/* Names in a directory ("." and ".." left out), sorted by bytes; free with file_list_free(). */
typedef struct FileList {
    char **names;
    size_t count;
} FileList;
bool file_list(const char *directory, FileList *ret_list, Error *err) MUST_CHECK;
void file_list_free(FileList *list);
CLEANUP_DEFINE(FileList *, file_list_free);

/* flock() path (created if absent) without waiting. ERR_FENCED naming the holder's pid when another
 * process has it. The lock lasts until the descriptor is closed. -1 on failure. */
int file_lock(const char *path, Error *err) MUST_CHECK;
/* Does a process hold it? Changes nothing; a missing or unreadable file is not locked. */
bool file_is_locked(const char *path);

/* directory + "/" + name, on the heap; an absolute name is returned as it is. */
char *file_join(const char *directory, const char *name) MUST_CHECK;
/* The part before the last "/", on the heap: "." when there is none, "/" for the root. */
char *file_directory(const char *path) MUST_CHECK;
