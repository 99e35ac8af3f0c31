#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define DEFAULT_WIDTH 80
#define BAR_MAX       30
#define BAR_MIN       8
/* The rate is that of about so much time: neither the last chunk's nor the whole run's. */
#define RATE_WINDOW_MS INT64_C(15000)
#define RATE_SAMPLES   16

typedef struct RateSample {
    int64_t time_ms;
    uint64_t rows;
} RateSample;

struct Progress {
    FILE *stream;
    const char *verb;
    bool is_terminal;
    bool is_drawn; /* a bar is on the screen, its line not ended */
    int64_t shown_ms;
    RateSample samples[RATE_SAMPLES]; /* a ring, the oldest at next */
    size_t sample_count;
    size_t next;
};

/* ---- the texts --------------------------------------------------------------------------------
 */

/* 999, 1.2k, 35k, 1.5M … */
static void
add_count(double number, Buf *out)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;

    while (number >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
        number /= 1000;
        unit++;
    }
    buf_addf(out, unit > 0 && number < 9.95 ? "%.1f%s" : "%.0f%s", number, units[unit]);
}

static void
add_bytes(double number, Buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (number >= 1023.5 && unit + 1 < ARRAY_LEN(units)) {
        number /= 1024;
        unit++;
    }
    buf_addf(out, unit > 0 && number < 9.95 ? "%.1f %s" : "%.0f %s", number, units[unit]);
}

/* What is done, 0 to 1; below 0 where nobody knows. An estimate never says that it is the end. */
static double
done_part(const ProgressFigures *figures)
{
    double part;

    if (figures->ended)
        return 1;
    if (figures->all_rows == 0)
        return -1;
    part = (double)figures->rows / (double)figures->all_rows;
    return MIN(part, 0.99);
}

/* Seconds to go, below 0 where nobody knows. */
static int64_t
seconds_left(const ProgressFigures *figures, double rate)
{
    if (figures->ended || rate <= 0 || figures->all_rows <= figures->rows)
        return -1;
    return (int64_t)((double)(figures->all_rows - figures->rows) / rate + 0.5);
}

static void
add_time_left(int64_t seconds, Buf *out)
{
    if (seconds >= 3600)
        buf_addf(out, " %" PRId64 ":%02" PRId64 ":%02" PRId64 " left", seconds / 3600,
            seconds / 60 % 60, seconds % 60);
    else
        buf_addf(out, " %" PRId64 ":%02" PRId64 " left", seconds / 60, seconds % 60);
}

typedef enum BarPart {
    PART_ROWS,
    PART_LEFT,
    PART_TABLES,
    PART_RATE,
    PART_BYTES,
    PART_COUNT,
} BarPart;

/* One part of the line, with a space in front; nothing where it is not known. */
static void
add_part(BarPart part, const ProgressFigures *figures, double rate, Buf *out)
{
    int64_t left = seconds_left(figures, rate);

    if (part == PART_TABLES && figures->all_tables > 0) {
        buf_addf(out, " %" PRIu64 "/%" PRIu64 " tables", figures->tables, figures->all_tables);
    } else if (part == PART_ROWS) {
        buf_add_char(out, ' ');
        add_count((double)figures->rows, out);
        buf_add_string(out, " rows");
    } else if (part == PART_BYTES && figures->bytes > 0) {
        buf_add_char(out, ' ');
        add_bytes((double)figures->bytes, out);
    } else if (part == PART_RATE && rate >= 0) {
        buf_add_char(out, ' ');
        add_count(rate, out);
        buf_add_string(out, " rows/s");
    } else if (part == PART_LEFT && left >= 0) {
        add_time_left(left, out);
    }
}

/* The parts up to (and with) the limit, in the order in which they stand. */
static void
add_parts(BarPart limit, const ProgressFigures *figures, double rate, Buf *out)
{
    static const BarPart order[] = {PART_TABLES, PART_ROWS, PART_BYTES, PART_RATE, PART_LEFT};

    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (order[i] <= limit)
            add_part(order[i], figures, rate, out);
}

static void
add_bar(double part, size_t size, Buf *out)
{
    size_t filled = (size_t)((double)size * part);

    buf_add_string(out, " [");
    for (size_t i = 0; i < size; i++)
        buf_add_char(out, i < filled ? '#' : ' ');
    buf_add_char(out, ']');
}

void
progress_bar(const char *verb, const ProgressFigures *figures, double rate, size_t width, Buf *out)
{
    CLEANUP(buf_clear) Buf tail = BUF_INIT;
    double part = done_part(figures);
    size_t used = strlen(verb) + (part < 0 ? 0 : strlen(" 100%"));
    size_t start = out->len;
    size_t bar = 0;

    for (int limit = PART_COUNT - 1; limit >= 0; limit--) {
        buf_reset(&tail, SIZE_MAX);
        add_parts((BarPart)limit, figures, rate, &tail);
        if (used + tail.len <= width)
            break;
        buf_reset(&tail, SIZE_MAX);
    }
    if (part >= 0 && width >= used + tail.len + strlen(" []") + BAR_MIN)
        bar = MIN(width - used - tail.len - strlen(" []"), (size_t)BAR_MAX);
    buf_add_string(out, verb);
    if (bar > 0)
        add_bar(part, bar, out);
    if (part >= 0)
        buf_addf(out, " %3d%%", (int)(part * 100));
    buf_add_text(out, buf_text(&tail));
    if (out->len - start > width) {
        out->len = start + width;
        out->data[out->len] = '\0';
    }
}

void
progress_plain(const char *verb, const ProgressFigures *figures, double rate, Buf *out)
{
    int64_t left = seconds_left(figures, rate);

    buf_add_string(out, verb);
    if (figures->note.data != NULL)
        buf_addf(out, " " TEXT_FMT, TEXT_ARG(figures->note));
    buf_addf(out, " rows=%" PRIu64, figures->rows);
    if (figures->all_rows > 0)
        buf_addf(out, "/%" PRIu64, figures->all_rows);
    if (figures->all_tables > 0)
        buf_addf(out, " tables=%" PRIu64 "/%" PRIu64, figures->tables, figures->all_tables);
    if (figures->bytes > 0)
        buf_addf(out, " bytes=%" PRIu64, figures->bytes);
    if (rate >= 0)
        buf_addf(out, " rate=%.0f/s", rate);
    if (left >= 0)
        buf_addf(out, " left=%" PRId64 "s", left);
}

/* ---- the screen -------------------------------------------------------------------------------
 */

Progress *
progress_new(FILE *stream, const char *verb)
{
    Progress *progress = calloc(1, sizeof(*progress));

    if (progress == NULL)
        abort();
    progress->stream = stream;
    progress->verb = verb;
    progress->is_terminal = isatty(fileno(stream)) == 1;
    progress->shown_ms = clock_monotonic_ms();
    progress->samples[0] = (RateSample){progress->shown_ms, 0};
    progress->sample_count = 1;
    progress->next = 1;
    return progress;
}

void
progress_free(Progress *progress)
{
    if (progress == NULL)
        return;
    if (progress->is_drawn) {
        (void)fputc('\n', progress->stream);
        (void)fflush(progress->stream);
    }
    free(progress);
}

void
progress_hide(Progress *progress)
{
    if (!progress->is_drawn)
        return;
    (void)fputs("\r\033[K", progress->stream);
    (void)fflush(progress->stream);
    progress->is_drawn = false;
}

/* Asked for every line: a window may be made smaller meanwhile. */
static size_t
terminal_width(FILE *stream)
{
    struct winsize size = {0};

    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col;
}

/* Rows a second since the oldest sample of the window; -1 before there is anything to measure. */
static double
measure_rate(Progress *progress, int64_t now_ms, uint64_t rows)
{
    size_t oldest_index = progress->sample_count < RATE_SAMPLES ? 0 : progress->next % RATE_SAMPLES;
    size_t last_index = (progress->next + RATE_SAMPLES - 1) % RATE_SAMPLES;
    RateSample oldest = progress->samples[oldest_index];

    if (now_ms - progress->samples[last_index].time_ms >= RATE_WINDOW_MS / RATE_SAMPLES) {
        progress->samples[progress->next] = (RateSample){now_ms, rows};
        progress->next = (progress->next + 1) % RATE_SAMPLES;
        progress->sample_count = MIN(progress->sample_count + 1, (size_t)RATE_SAMPLES);
    }
    if (now_ms <= oldest.time_ms || rows < oldest.rows || rows == 0)
        return -1;
    return (double)(rows - oldest.rows) * 1000 / (double)(now_ms - oldest.time_ms);
}

static void
draw(Progress *progress, const ProgressFigures *figures)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    int64_t now_ms = clock_monotonic_ms();
    double rate = measure_rate(progress, now_ms, figures->rows);

    progress->shown_ms = now_ms;
    if (progress->is_terminal) {
        /* a terminal's last column wraps */
        progress_bar(progress->verb, figures, rate, terminal_width(progress->stream) - 1, &line);
        (void)fprintf(progress->stream, "\r%s\033[K", line.data);
        progress->is_drawn = true;
    } else {
        progress_plain(progress->verb, figures, rate, &line);
        (void)fprintf(progress->stream, "%s\n", line.data);
    }
    (void)fflush(progress->stream);
}

void
progress_show(Progress *progress, const ProgressFigures *figures)
{
    int64_t every_ms = progress->is_terminal ? PROGRESS_DRAW_MS : PROGRESS_LINE_MS;

    if (clock_monotonic_ms() - progress->shown_ms >= every_ms)
        draw(progress, figures);
}

void
progress_end(Progress *progress, const ProgressFigures *figures)
{
    draw(progress, figures);
    if (progress->is_drawn)
        (void)fputc('\n', progress->stream);
    (void)fflush(progress->stream);
    progress->is_drawn = false;
}
