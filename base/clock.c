#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char boot_id[CLOCK_BOOT_ID_SIZE];
static pthread_once_t boot_id_once = PTHREAD_ONCE_INIT;

static void read_boot_id(void)
{
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t size = read(file, boot_id, sizeof boot_id - 1);
    close(file);
    boot_id[size == sizeof boot_id - 1 ? sizeof boot_id - 1 : 0] = '\0';
}

uint64_t clock_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void clock_wall_text(char ret[CLOCK_TEXT_SIZE])
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    char date[CLOCK_TEXT_SIZE - 5];
    ret[0] = '\0';
    if (strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts) > 0)
        snprintf(ret, CLOCK_TEXT_SIZE, "%s.%03uZ", date, (unsigned)(now.tv_nsec / 1000000 % 1000));
}

struct moment clock_now(void)
{
    pthread_once(&boot_id_once, read_boot_id);
    struct moment now = {.boot_ms = clock_boot_ms()};
    memcpy(now.boot_id, boot_id, sizeof now.boot_id);
    clock_wall_text(now.wall);
    return now;
}

uint64_t clock_since_ms(const struct moment *then, const struct moment *now)
{
    if (strcmp(then->boot_id, now->boot_id) != 0)
        return now->boot_ms;
    return now->boot_ms > then->boot_ms ? now->boot_ms - then->boot_ms : 0;
}
