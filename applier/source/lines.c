#include "source/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"

#define READ_SIZE ((size_t)256 << 10)
#define KEEP_SIZE ((size_t)1 << 20)
#define TAIL_SIZE ((size_t)(4 * LINES_CHECK_SIZE))

typedef enum LinesKind {
    LINES_FILE,
    LINES_DIRECTORY,
    LINES_STREAM,
} LinesKind;

struct Lines {
    LinesConfig config; /* path and pattern are copies */
    LinesKind kind;
    int fd;         /* -1: no file yet */
    char *file;     /* its name without directory, "" before the first one */
    FileList names; /* directory: as last listed */
    Buf buf;
    size_t at;      /* first byte that is not given out */
    size_t scanned; /* no line end before it */
    bool ended;     /* standard input: nothing more */
    bool looked;    /* the end was reached after a later file was seen */
    uint64_t number;
    uint64_t begin; /* offset of the line given last */
    uint64_t offset;
    /* The raw bytes before the line given last, and (from tail_line on) its own: decoding a line
     * changes it in the buffer. */
    char tail[TAIL_SIZE];
    size_t tail_line;
    size_t tail_len;
    LinesPlace previous; /* the end of the file before this one */
    char *previous_file;
    uint64_t start; /* where reading began in the first file */
    bool first_file;
};

static bool
is_stream_path(const char *path)
{
    size_t len = strlen(path);

    return strcmp(path, "-") == 0 || (len >= 2 && strcmp(path + len - 2, "/-") == 0);
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* A local fault in the log is one of the source; trying again may help. */
static bool
source_fault(Error *err)
{
    err->kind = ERR_SOURCE;
    err->retriable = true;
    return false;
}

static char *
full_path(const Lines *lines, const char *file)
{
    return lines->kind == LINES_DIRECTORY ? file_join(lines->config.path, file)
                                          : text_dup(text_of(lines->config.path));
}

static void
set_file(Lines *lines, const char *file)
{
    char *copy = text_dup(text_of(file));

    free(lines->file);
    lines->file = copy;
}

/* Open the file at its start; what was open is closed. */
static bool
open_file(Lines *lines, const char *file, Error *err)
{
    char *path = full_path(lines, file);
    int fd = file_open(path, 0, err);
    bool missing = fd < 0 && !file_exists(path);

    free(path);
    if (fd < 0) {
        (void)source_fault(err);
        err->retriable = lines->config.follow || !missing;
        return false;
    }
    if (lines->fd >= 0)
        lines->first_file = false;
    file_close(lines->fd);
    lines->fd = fd;
    set_file(lines, file);
    lines->number = lines->begin = lines->offset = 0;
    lines->at = lines->scanned = 0;
    lines->buf.len = 0;
    lines->tail_line = lines->tail_len = 0;
    lines->looked = false;
    return true;
}

static bool
list_files(Lines *lines, Error *err)
{
    FileList all = {NULL, 0};
    size_t count = 0;

    if (!file_list(lines->config.path, &all, err))
        return source_fault(err);
    for (size_t i = 0; i < all.count; i++) {
        if (text_glob(text_of(all.names[i]), lines->config.pattern))
            all.names[count++] = all.names[i];
        else
            free(all.names[i]);
    }
    all.count = count;
    file_list_free(&lines->names);
    lines->names = all;
    return true;
}

static bool
is_listed(const FileList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i], name) == 0)
            return true;
    return false;
}

/* List again; a new name before the open file would never be read. */
static bool
list_again(Lines *lines, Error *err)
{
    FileList before = lines->names;
    bool ok;

    lines->names = (FileList){NULL, 0};
    ok = list_files(lines, err);
    for (size_t i = 0; ok && lines->fd >= 0 && i < lines->names.count; i++) {
        const char *name = lines->names.names[i];

        if (strcmp(name, lines->file) < 0 && !is_listed(&before, name))
            ok = error_set(err, ERR_SOURCE,
                "%s: appeared when %s was already being read: names must sort in the order of time",
                name, lines->file);
    }
    file_list_free(&before);
    return ok;
}

/* The first listed name behind the open file, or NULL. */
static const char *
later_file(const Lines *lines)
{
    for (size_t i = 0; i < lines->names.count; i++)
        if (strcmp(lines->names.names[i], lines->file) > 0)
            return lines->names.names[i];
    return NULL;
}

static bool
later_has_content(const Lines *lines)
{
    bool found = false;

    for (size_t i = 0; !found && i < lines->names.count; i++) {
        struct stat status;
        char *path;

        if (strcmp(lines->names.names[i], lines->file) <= 0)
            continue;
        path = full_path(lines, lines->names.names[i]);
        found = stat(path, &status) == 0 && status.st_size > 0;
        free(path);
    }
    return found;
}

static uint64_t
tail_check(const Lines *lines, size_t end)
{
    size_t len = MIN(end, (size_t)LINES_CHECK_SIZE);

    return XXH3_64bits(lines->tail + end - len, len);
}

static bool
fail_resume(const LinesPlace *place, const char *reason, Error *err)
{
    return error_set(err, ERR_SOURCE,
        "cannot go on at " TEXT_FMT ", byte %" PRIu64
        ": %s: bring back the log that was read so far, or "
        "start a new service",
        TEXT_ARG(place->file), place->offset, reason);
}

/* Open the place's file there, and see that what was read before is still the same. */
static bool
resume_file(Lines *lines, const LinesPlace *place, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    size_t len = (size_t)MIN(place->offset, (uint64_t)LINES_CHECK_SIZE);
    struct stat status;
    char *path;
    ssize_t got;
    bool missing;

    buf_add_text(&name, place->file);
    path = full_path(lines, buf_string(&name));
    missing = !file_exists(path);
    free(path);
    if (missing)
        return fail_resume(place, "the file is missing", err);
    if (!open_file(lines, lines->kind == LINES_FILE ? lines->file : buf_string(&name), err))
        return false;
    if (FAULT("lines.stat") || fstat(lines->fd, &status) != 0) {
        (void)error_set_errno(err, ERR_IO, "stat %s", lines->file);
        return source_fault(err);
    }
    if ((uint64_t)status.st_size < place->offset)
        return fail_resume(place, "the file is shorter", err);
    got = FAULT("lines.pread") ? -1
                               : pread(lines->fd, lines->tail, len, (off_t)(place->offset - len));
    if (got != (ssize_t)len || lseek(lines->fd, (off_t)place->offset, SEEK_SET) < 0) {
        (void)error_set_errno(err, ERR_IO, "read %s", lines->file);
        return source_fault(err);
    }
    lines->tail_len = lines->tail_line = len;
    if (tail_check(lines, len) != place->check)
        return fail_resume(place, "the file has other content before it", err);
    lines->offset = lines->begin = lines->start = place->offset;
    lines->number = place->line;
    return true;
}

static bool
open_input(Lines *lines, const LinesPlace *place, Error *err)
{
    struct stat status;

    if (is_stream_path(lines->config.path)) {
        lines->kind = LINES_STREAM;
        lines->fd = STDIN_FILENO;
        set_file(lines, "-");
        return true;
    }
    if (FAULT("lines.stat") || stat(lines->config.path, &status) != 0) {
        bool missing = errno == ENOENT;

        (void)error_set_errno(err, ERR_SOURCE, "open %s", lines->config.path);
        err->retriable = lines->config.follow || !missing;
        return false;
    }
    if (S_ISREG(status.st_mode)) {
        lines->kind = LINES_FILE;
        set_file(lines, base_name(lines->config.path));
        return place != NULL ? resume_file(lines, place, err) : open_file(lines, lines->file, err);
    }
    if (!S_ISDIR(status.st_mode))
        return error_set(err, ERR_SOURCE,
            "open %s: neither a file nor a directory (for a pipe use path: \"-\")",
            lines->config.path);
    lines->kind = LINES_DIRECTORY;
    return list_files(lines, err) && (place == NULL || resume_file(lines, place, err));
}

Lines *
lines_open(const LinesConfig *config, const LinesPlace *place, Error *err)
{
    Lines *lines = calloc(1, sizeof(*lines));

    if (lines == NULL)
        abort();
    lines->config = *config;
    lines->config.path = text_dup(text_of(config->path));
    lines->config.pattern = text_dup(text_of(config->pattern));
    lines->fd = -1;
    lines->file = text_dup(TEXT(""));
    lines->first_file = true;
    if (open_input(lines, place, err))
        return lines;
    lines_close(lines);
    return NULL;
}

void
lines_close(Lines *lines)
{
    if (lines == NULL)
        return;
    if (lines->kind != LINES_STREAM)
        file_close(lines->fd);
    file_list_free(&lines->names);
    buf_clear(&lines->buf);
    free(lines->file);
    free(lines->previous_file);
    free((char *)(uintptr_t)lines->config.path);
    free((char *)(uintptr_t)lines->config.pattern);
    free(lines);
}

bool
lines_is_stream(const Lines *lines)
{
    return lines->kind == LINES_STREAM;
}

/* Remember the raw bytes of the line for checks, before it is decoded in place. */
static void
tail_add(Lines *lines, const char *raw, size_t len)
{
    size_t kept = MIN(len, (size_t)LINES_CHECK_SIZE);

    if (lines->tail_len + kept > TAIL_SIZE) {
        memmove(lines->tail, lines->tail + lines->tail_len - LINES_CHECK_SIZE, LINES_CHECK_SIZE);
        lines->tail_len = LINES_CHECK_SIZE;
    }
    lines->tail_line = lines->tail_len;
    memcpy(lines->tail + lines->tail_len, raw + len - kept, kept);
    lines->tail_len += kept;
}

/* Give out raw_len bytes of the buffer as a line. */
static void
give_line(Lines *lines, size_t raw_len, Line *ret_line)
{
    char *data = lines->buf.data + lines->at;
    size_t len = raw_len;

    tail_add(lines, data, raw_len);
    if (len > 0 && data[len - 1] == '\n')
        len--;
    if (len > 0 && data[len - 1] == '\r')
        len--;
    *ret_line = (Line){.data = data, .len = len};
    lines->at += raw_len;
    lines->scanned = lines->at;
    lines->begin = lines->offset;
    lines->offset += raw_len;
    lines->number++;
}

/* Is a whole line in the buffer? */
static bool
find_line(Lines *lines, size_t *ret_raw_len)
{
    const char *data = lines->buf.data;
    const char *end;

    if (lines->scanned >= lines->buf.len)
        return false;
    end = memchr(data + lines->scanned, '\n', lines->buf.len - lines->scanned);
    lines->scanned = lines->buf.len;
    if (end == NULL)
        return false;
    *ret_raw_len = (size_t)(end - data) + 1 - lines->at;
    return true;
}

/* Room for more: what was given out goes, and memory that a long line took is given back. */
static size_t
make_room(Lines *lines)
{
    Buf *buf = &lines->buf;
    size_t left = buf->len - lines->at;

    if (lines->at > 0 && left > 0)
        memmove(buf->data, buf->data + lines->at, left);
    buf->len = left;
    lines->at = 0;
    lines->scanned = left;
    if (buf->size > KEEP_SIZE && left < READ_SIZE) {
        Buf smaller = BUF_INIT;

        buf_add_text(&smaller, buf_text(buf));
        buf_clear(buf);
        *buf = smaller;
    }
    return MAX(READ_SIZE, left / 4);
}

static bool
fail_long(const Lines *lines, uint64_t number, Error *err)
{
    return error_set(err, ERR_DATA,
        "%s:%" PRIu64 ": the line is longer than max_line (%" PRId64 " bytes)", lines->file, number,
        lines->config.max_line);
}

static bool
read_more(Lines *lines, size_t *ret_len, Error *err)
{
    size_t room;

    *ret_len = 0;
    if (lines->buf.len - lines->at > (uint64_t)lines->config.max_line)
        return fail_long(lines, lines->number + 1, err);
    if (lines->fd < 0 || lines->ended)
        return true;
    if (lines->kind == LINES_STREAM) {
        struct pollfd wait = {.fd = lines->fd, .events = POLLIN};

        if (poll(&wait, 1, 0) <= 0)
            return true;
    }
    room = make_room(lines);
    if (!file_read(lines->fd, buf_reserve(&lines->buf, room), room, lines->file, ret_len, err))
        return source_fault(err);
    buf_grown(&lines->buf, *ret_len);
    lines->ended = lines->kind == LINES_STREAM && *ret_len == 0;
    return true;
}

/* The end of a file is reached, and another one comes after it. */
static bool
go_to(Lines *lines, const char *file, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_string(&name, file);
    if (lines->fd >= 0) {
        free(lines->previous_file);
        lines->previous_file = text_dup(text_of(lines->file));
        lines->previous = lines_after(lines);
        lines->previous.file = text_of(lines->previous_file);
    }
    return open_file(lines, buf_string(&name), err);
}

/* One file, followed: does another file with content stand under its name? */
static bool
is_replaced(Lines *lines, bool *ret_replaced, Error *err)
{
    struct stat open_status;
    struct stat status;

    *ret_replaced = false;
    if (FAULT("lines.stat") || fstat(lines->fd, &open_status) != 0) {
        (void)error_set_errno(err, ERR_IO, "stat %s", lines->file);
        return source_fault(err);
    }
    if ((uint64_t)open_status.st_size < lines->offset)
        return error_set(err, ERR_SOURCE,
            "%s: was truncated while it was read: what stood in it is lost", lines->file);
    if (stat(lines->config.path, &status) == 0)
        *ret_replaced = status.st_size > 0 && (status.st_ino != open_status.st_ino ||
                                                  status.st_dev != open_status.st_dev);
    return true;
}

/* Is there a file to go to once this one is read? */
static bool
has_later(Lines *lines, bool *ret_later, Error *err)
{
    *ret_later = false;
    if (lines->kind == LINES_FILE)
        return !lines->config.follow || is_replaced(lines, ret_later, err);
    if (lines->kind == LINES_STREAM)
        return true;
    if (!list_again(lines, err))
        return false;
    *ret_later = lines->config.follow && lines->fd >= 0 ? later_has_content(lines)
                                                        : later_file(lines) != NULL;
    return true;
}

/* Nothing more in the open file for now. NEXT_ITEM: look at the buffer again. */
static Next
at_end(Lines *lines, Line *ret_line, bool *ret_given, Error *err)
{
    size_t left = lines->buf.len - lines->at;
    bool later;

    if (!has_later(lines, &later, err))
        return NEXT_FAILED;
    if (later && lines->fd >= 0 && !lines->looked) {
        /* what was written before the later file came is there now at the latest */
        lines->looked = true;
        return NEXT_ITEM;
    }
    if (!later && (lines->kind == LINES_STREAM ? !lines->ended : lines->config.follow))
        return NEXT_IDLE;
    if (left > 0) {
        give_line(lines, left, ret_line);
        ret_line->torn = true;
        ret_line->later = later;
        *ret_given = ret_line->len > 0;
        return NEXT_ITEM;
    }
    if (!later)
        return NEXT_END;
    if (!go_to(lines, lines->kind == LINES_FILE ? lines->file : later_file(lines), err))
        return NEXT_FAILED;
    return NEXT_ITEM;
}

Next
lines_next(Lines *lines, Line *ret_line, Error *err)
{
    for (;;) {
        bool given = false;
        size_t raw_len;
        size_t got;
        Next next;

        while (find_line(lines, &raw_len)) {
            give_line(lines, raw_len, ret_line);
            if (ret_line->len > (uint64_t)lines->config.max_line) {
                (void)fail_long(lines, lines->number, err);
                return NEXT_FAILED;
            }
            if (ret_line->len > 0)
                return NEXT_ITEM;
        }
        if (!read_more(lines, &got, err))
            return NEXT_FAILED;
        if (got > 0) {
            lines->looked = false;
            continue;
        }
        next = at_end(lines, ret_line, &given, err);
        if (next != NEXT_ITEM || given)
            return next;
    }
}

bool
lines_wait(Lines *lines, int64_t wait_ms)
{
    struct pollfd fds[2] = {
        {.fd = lines->fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};

    if (lines->kind != LINES_STREAM || stop_level() >= STOP_AFTER_BLOCK)
        return stop_wait(STOP_AFTER_BLOCK, wait_ms);
    (void)poll(fds, 2, (int)MIN(wait_ms, (int64_t)INT32_MAX));
    return stop_level() >= STOP_AFTER_BLOCK;
}

uint64_t
lines_number(const Lines *lines)
{
    return lines->number;
}

Text
lines_file(const Lines *lines)
{
    return text_of(lines->file);
}

LinesPlace
lines_before(const Lines *lines)
{
    if (lines->begin == 0 && lines->previous_file != NULL)
        return lines->previous;
    return (LinesPlace){
        text_of(lines->file), lines->begin, lines->number - 1, tail_check(lines, lines->tail_line)};
}

LinesPlace
lines_after(const Lines *lines)
{
    return (LinesPlace){
        text_of(lines->file), lines->offset, lines->number, tail_check(lines, lines->tail_len)};
}

bool
lines_history(const Lines *lines, size_t limit, Buf *buf, Error *err)
{
    size_t len = (size_t)MIN((uint64_t)limit, lines->start);
    char *to;
    const char *end;
    size_t done = 0;

    if (lines->kind == LINES_STREAM || !lines->first_file || len == 0)
        return true;
    to = buf_reserve(buf, len);
    while (done < len) {
        ssize_t got = FAULT("lines.pread") ? -1
                                           : pread(lines->fd, to + done, len - done,
                                                 (off_t)(lines->start - len + done));

        if (got <= 0) {
            (void)error_set_errno(err, ERR_IO, "read %s", lines->file);
            return source_fault(err);
        }
        done += (size_t)got;
    }
    if (len < lines->start) {
        /* the first line is cut: it goes */
        end = memchr(to, '\n', len);
        done = end == NULL ? len : (size_t)(end - to) + 1;
        memmove(to, to + done, len - done);
        len -= done;
    }
    buf_grown(buf, len);
    return true;
}

bool
lines_has_part(const Lines *lines)
{
    return lines->buf.len > lines->at;
}
