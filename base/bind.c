/* On the good day the first socket binds and has the port to itself; only then is it opened to its
 * siblings by SO_REUSEPORT. Had it asked for sharing before it was bound, a second daemon of the
 * same user would have joined in silence and taken every other client.
 *
 * A second daemon's first socket asks for the port alone, so it fails while ours are there. */
#include "base/bind.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER_SIZE (1 << 20) /* bytes: some thousand queries, while a thread is busy elsewhere */

static int set(int socket, int level, int option, int value)
{
    return setsockopt(socket, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

/* Beyond the system's limit where we may, up to it where we may not. */
static void enlarge_buffers(int socket)
{
    if (set(socket, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE) < 0)
        (void)set(socket, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
    if (set(socket, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_SIZE) < 0)
        (void)set(socket, SOL_SOCKET, SO_SNDBUF, BUFFER_SIZE);
}

/* On a wildcard the answer must leave from the address that was asked. */
static int tell_destination(int socket, const struct address *address)
{
    if (!address_is_wildcard(address))
        return 0;
    if (address->any.sa_family == AF_INET)
        return set(socket, IPPROTO_IP, IP_PKTINFO, 1);
    return set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int prepare(int socket, const struct address *address, int type)
{
    int status = 0;
    if (address->any.sa_family == AF_INET6)
        status = set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (status == 0 && type == SOCK_DGRAM) {
        enlarge_buffers(socket);
        status = tell_destination(socket, address);
    } else if (status == 0) {
        /* Past connections in TIME_WAIT do not keep us out; a listener still does. */
        status = set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    return status;
}

/* `shared`: a sibling has the port already and lets us in. */
static int bind_one(const struct address *address, int type, int backlog, bool shared)
{
    int fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int status = prepare(fd, address, type);
    if (status == 0 && shared)
        status = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (status == 0 && bind(fd, &address->any, address_size(address)) < 0)
        status = -errno;
    if (status == 0 && type == SOCK_STREAM && listen(fd, backlog) < 0)
        status = -errno;
    if (status == 0)
        return fd;
    close(fd);
    return status;
}

static int bind_siblings(
    const struct address *address, int type, int backlog, int *sockets, size_t count)
{
    struct address bound; /* with the port that the kernel chose for port 0 */
    socklen_t size = sizeof bound;
    size_t made = 1;
    int status = set(sockets[0], SOL_SOCKET, SO_REUSEPORT, 1);
    if (status == 0 && getsockname(sockets[0], &bound.any, &size) < 0)
        status = -errno;
    if (status == 0)
        address = &bound;
    for (; status == 0 && made < count; made++) {
        sockets[made] = bind_one(address, type, backlog, true);
        if (sockets[made] < 0) {
            status = sockets[made];
            break;
        }
    }
    while (status < 0 && made > 1)
        close(sockets[--made]);
    return status;
}

static int bind_all(
    const struct address *address, int type, int backlog, int *ret_sockets, size_t count)
{
    ret_sockets[0] = bind_one(address, type, backlog, false);
    if (ret_sockets[0] < 0 || count == 1)
        return ret_sockets[0] < 0 ? ret_sockets[0] : 0;
    int status = bind_siblings(address, type, backlog, ret_sockets, count);
    if (status < 0)
        close(ret_sockets[0]);
    return status;
}

int bind_udp(const struct address *address, int *ret_sockets, size_t count)
{
    return bind_all(address, SOCK_DGRAM, 0, ret_sockets, count);
}

int bind_tcp(const struct address *address, int backlog, int *ret_sockets, size_t count)
{
    return bind_all(address, SOCK_STREAM, backlog, ret_sockets, count);
}

static int get(int socket, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(socket, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* Of this type and, where the type can, listening. */
static bool serves(int socket, int type)
{
    return get(socket, SO_TYPE) == type && (type != SOCK_STREAM || get(socket, SO_ACCEPTCONN) == 1);
}

int bind_find_inherited(const int *inherited, const struct address *address, int socket_type)
{
    for (; inherited && *inherited >= 0; inherited++) {
        struct address bound = {0};
        socklen_t size = sizeof bound;
        if (getsockname(*inherited, &bound.any, &size) == 0 && address_equal(&bound, address) &&
            serves(*inherited, socket_type))
            return *inherited;
    }
    return -1;
}

int bind_find_inherited_path(const int *inherited, const char *path)
{
    for (; inherited && *inherited >= 0; inherited++) {
        struct sockaddr_un bound = {0};
        socklen_t size = sizeof bound;
        if (getsockname(*inherited, (struct sockaddr *)&bound, &size) == 0 &&
            bound.sun_family == AF_UNIX && strcmp(bound.sun_path, path) == 0 &&
            serves(*inherited, SOCK_STREAM))
            return *inherited;
    }
    return -1;
}
