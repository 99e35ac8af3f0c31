#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pthread_mutex_t mutex;
    char point[64]; /* "" is any */
    int left;       /* 0 is disarmed */
    int err_no;
    bool kills;
    bool hit;
} fault = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void
fault_set(const char *point, int nth, int err_no, bool kills)
{
    (void)pthread_mutex_lock(&fault.mutex);
    (void)snprintf(fault.point, sizeof(fault.point), "%s", point == NULL ? "" : point);
    fault.left = nth;
    fault.err_no = err_no;
    fault.kills = kills;
    fault.hit = false;
    (void)pthread_mutex_unlock(&fault.mutex);
}

void
fault_arm(int nth)
{
    fault_set(NULL, nth, EIO, false);
}

void
fault_arm_point(const char *point, int nth, int err_no)
{
    fault_set(point, nth, err_no, false);
}

void
fault_arm_kill(const char *point, int nth)
{
    fault_set(point, nth, 0, true);
}

static int
fault_errno(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].number;
    return 0;
}

void
fault_arm_from_environment(void)
{
    const char *value = getenv("DRAY_FAULT");
    char parts[4][64] = {"", "", "", ""};
    int count;
    long nth;
    int err_no = EIO;

    if (value == NULL)
        return;
    count =
        sscanf(value, "%63[^:]:%63[^:]:%63[^:]:%63[^:]", parts[0], parts[1], parts[2], parts[3]);
    nth = strtol(parts[count == 2 ? 1 : 2], NULL, 10);
    if (count == 4)
        err_no = fault_errno(parts[3]);
    if (count < 2 || nth <= 0 || err_no == 0 ||
        (strcmp(parts[0], "kill") != 0 && strcmp(parts[0], "fail") != 0)) {
        (void)fprintf(stderr, "DRAY_FAULT: not understood: %s\n", value);
        abort();
    }
    fault_set(count == 2 ? NULL : parts[1], (int)nth, err_no, strcmp(parts[0], "kill") == 0);
}

bool
fault_was_hit(void)
{
    bool hit;

    (void)pthread_mutex_lock(&fault.mutex);
    hit = fault.hit;
    (void)pthread_mutex_unlock(&fault.mutex);
    return hit;
}

/* Counts the point; true when it is the armed one. A kill does not return. */
static bool
fault_count(const char *point, bool can_fail)
{
    bool hit = false;

    (void)pthread_mutex_lock(&fault.mutex);
    if (fault.left > 0 && (fault.kills || can_fail) &&
        (fault.point[0] == '\0' || strcmp(fault.point, point) == 0) && --fault.left == 0) {
        hit = fault.hit = true;
        errno = fault.err_no;
    }
    if (hit && fault.kills)
        (void)raise(SIGKILL);
    (void)pthread_mutex_unlock(&fault.mutex);
    return hit;
}

bool
fault_hit(const char *point)
{
    return fault_count(point, true);
}

void
fault_pass(const char *point)
{
    (void)fault_count(point, false);
}
