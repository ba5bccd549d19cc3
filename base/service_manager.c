/* Our own hundred lines in place of libsystemd: the protocols are documented as stable
 * (systemd.io/PORTABILITY_AND_STABILITY), while that library brings four compression and crypto
 * libraries into a process that stands in the path of every connection.
 *
 * On the good day the environment says LISTEN_FDS=3, which are the descriptors 3 to 5, and
 * NOTIFY_SOCKET is where one datagram a message goes. What the environment says wrong is an error
 * at the start; a notification that is lost is none, the service manager's timeouts see to it. */
#include "base/service_manager.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SOCKET 3
#define SOCKETS_MAX 1024

/* A whole number of the environment; false when it is missing or none. */
static bool environment_number(const char *name, uint64_t *ret)
{
    const char *text = getenv(name);
    if (!text || !*text || text[strspn(text, "0123456789")])
        return false;
    errno = 0;
    *ret = strtoull(text, NULL, 10);
    return errno == 0;
}

static bool is_ours(const char *pid_variable)
{
    uint64_t pid;
    return environment_number(pid_variable, &pid) && pid == (uint64_t)getpid();
}

static int add_flag(int socket, int get, int set, int flag)
{
    int flags = fcntl(socket, get);
    return flags < 0 || fcntl(socket, set, flags | flag) < 0 ? -errno : 0;
}

static int take(size_t count, int *sockets, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        int socket = FIRST_SOCKET + (int)i;
        int status = add_flag(socket, F_GETFD, F_SETFD, FD_CLOEXEC);
        if (status == 0)
            status = add_flag(socket, F_GETFL, F_SETFL, O_NONBLOCK);
        if (status < 0)
            return failure_set(
                why, status, "LISTEN_FDS: descriptor %d: %s", socket, strerror(-status));
        sockets[i] = socket;
    }
    sockets[count] = -1;
    return 0;
}

int service_manager_sockets(int **ret_sockets, struct failure *why)
{
    uint64_t count = 0;
    bool given = is_ours("LISTEN_PID") && getenv("LISTEN_FDS");
    bool valid = !given || (environment_number("LISTEN_FDS", &count) && count <= SOCKETS_MAX);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES"); /* not needed: each socket says itself where it is bound */
    *ret_sockets = NULL;
    if (!valid)
        return failure_set(why, -EINVAL, "LISTEN_FDS: not a number from 0 to %d", SOCKETS_MAX);
    if (count == 0)
        return 0;
    int *sockets = memory_new_array(count + 1, sizeof *sockets);
    int status = take(count, sockets, why);
    if (status == 0)
        *ret_sockets = sockets;
    else
        free(sockets);
    return status;
}

/* "/path", or "@name" in the abstract namespace, which is NUL and the name. */
static int notify_address(const char *text, struct sockaddr_un *ret, socklen_t *ret_size)
{
    size_t size = strlen(text);
    if ((*text != '/' && *text != '@') || size < 2 || size >= sizeof ret->sun_path)
        return -EINVAL;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, text, size);
    if (*text == '@')
        ret->sun_path[0] = '\0';
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return 0;
}

static int notify(const char *message)
{
    struct sockaddr_un address;
    socklen_t size;
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path)
        return 0;
    int status = notify_address(path, &address, &size);
    if (status < 0)
        return status;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ssize_t sent = sendto(fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL,
        (struct sockaddr *)&address, size);
    status = sent < 0 ? -errno : 0;
    close(fd);
    return status;
}

int service_manager_ready(const char *status_line)
{
    char message[512];
    snprintf(message, sizeof message, "READY=1\nSTATUS=%s", status_line);
    return notify(message);
}

int service_manager_reloading(void)
{
    struct timespec now;
    char message[64];
    clock_gettime(CLOCK_MONOTONIC, &now); /* the protocol's clock, not ours */
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, us);
    return notify(message);
}

int service_manager_stopping(void)
{
    return notify("STOPPING=1");
}

int service_manager_alive(void)
{
    return notify("WATCHDOG=1");
}

uint64_t service_manager_watchdog_ms(void)
{
    uint64_t us;
    if (getenv("WATCHDOG_PID") && !is_ours("WATCHDOG_PID"))
        return 0;
    return environment_number("WATCHDOG_USEC", &us) ? us / 1000 : 0;
}
