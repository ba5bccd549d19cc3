/* Whether an address is one of our own: whoever dials asks, for a name may lead anywhere. */
#include "config/config.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where a connect to it leads: connect(2) takes the wildcard for loopback, and a mapped address
 * (RFC 4291 section 2.5.5.2) for the one in it. */
static struct address destination(const struct address *address)
{
    struct address to = *address;
    if (to.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&to.v6.sin6_addr)) {
        to = (struct address){.v4 = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port}};
        memcpy(&to.v4.sin_addr, address->v6.sin6_addr.s6_addr + 12, sizeof to.v4.sin_addr);
    }
    if (address_is_wildcard(&to) && to.any.sa_family == AF_INET)
        to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (address_is_wildcard(&to))
        to.v6.sin6_addr = in6addr_loopback;
    return to;
}

/* To an address of this host the kernel sends from that address, but from 127.0.0.1 to all of
 * 127.0.0.0/8. Nothing is sent. */
static bool is_local(const struct address *address)
{
    if (address_is_loopback(address))
        return true;
    struct address own = {0};
    socklen_t size = sizeof own;
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool local = connect(fd, &address->any, address_size(address)) == 0 &&
                 getsockname(fd, &own.any, &size) == 0 && address_same_ip(&own, address);
    close(fd);
    return local;
}

static bool is_among(const struct config_listen *listen, const struct address *address)
{
    for (size_t i = 0; i < listen->count; i++) {
        const struct address *ours = &listen->addresses[i];
        if (address_equal(ours, address))
            return true;
        if (address_is_wildcard(ours) && ours->any.sa_family == address->any.sa_family &&
            address_port(ours) == address_port(address) && is_local(address))
            return true;
    }
    return false;
}

bool config_listens_on(const struct config *config, const struct address *dialled)
{
    struct address to = destination(dialled), *address = &to;
    bool found = is_among(&config->resolver.listen, address) ||
                 is_among(&config->gateway.listen, address) ||
                 is_among(&config->monitoring, address);
    for (size_t i = 0; i < config->endpoint_count && !found; i++) {
        const struct config_relay *relay = config->endpoints[i].relay;
        found = relay && is_among(&relay->listen, address);
    }
    return found;
}
