/* On the good day: the directory is there or made, nobody listens yet, and the socket is bound and
 * opened to all local users (what they may do is decided by their credentials, control_peer.c).
 *
 * What can go wrong: a socket that a dead daemon left behind (nobody answers: it is replaced), a
 * living daemon (left alone), another kind of file (left alone too), a path that is too long. */
#include "failover/control.h"

#include "base/memory.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static int make_directory_of(const char *path)
{
    char *copy = memory_text(path);
    const char *directory = dirname(copy);
    int status = mkdir(directory, 0755) < 0 && errno != EEXIST ? -errno : 0;
    free(copy);
    return status;
}

/* 0: the path is free now. */
static int clear_the_way(int fd, const struct sockaddr_un *address, struct failure *why)
{
    const char *path = address->sun_path;
    struct stat stat;
    if (lstat(path, &stat) < 0)
        return errno == ENOENT ? 0 : failure_set(why, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(stat.st_mode))
        return failure_set(why, -EEXIST, "%s: is there already and is no socket", path);
    /* EAGAIN: somebody listens, and is busy. */
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN)
        return failure_set(why, -EADDRINUSE, "another pilotlightd answers on %s", path);
    if (errno != ECONNREFUSED && errno != ENOENT)
        return failure_set(why, -errno, "%s: %s", path, strerror(errno));
    if (unlink(path) < 0 && errno != ENOENT)
        return failure_set(
            why, -errno, "%s: cannot replace what a dead daemon left: %s", path, strerror(errno));
    return 0;
}

static int bind_and_open(int fd, const struct sockaddr_un *address, struct failure *why)
{
    const char *path = address->sun_path;
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || chmod(path, 0666) < 0 ||
        listen(fd, BACKLOG) < 0)
        return failure_set(why, -errno, "%s: cannot listen: %s", path, strerror(errno));
    return 0;
}

int control_bind(const char *path, struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return failure_set(why, -ENAMETOOLONG, "control.socket: %s: longer than %zu bytes", path,
            sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path));
    int status = make_directory_of(path);
    if (status < 0)
        return failure_set(
            why, status, "%s: cannot make its directory: %s", path, strerror(-status));
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int probe = socket(AF_UNIX, type, 0), fd = socket(AF_UNIX, type, 0);
    if (probe < 0 || fd < 0)
        status = failure_set(why, -errno, "%s: %s", path, strerror(errno));
    else
        status = clear_the_way(probe, &address, why);
    if (status == 0)
        status = bind_and_open(fd, &address, why);
    if (probe >= 0)
        close(probe);
    if (status < 0 && fd >= 0)
        close(fd);
    return status < 0 ? status : fd;
}
