#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_parse_ip(const char *text, struct address *ret)
{
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1)
        ret->v4.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) == 1)
        ret->v6.sin6_family = AF_INET6;
    else
        return false;
    return true;
}

static bool parse_port(const char *text, uint16_t *ret)
{
    unsigned long port = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return false;
    port = strtoul(text, NULL, 10);
    *ret = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

/* Splits at the port: "[IP]:PORT", "[IP]", "V4:PORT", or no port at all. */
static bool split(const char *text, char ip[ADDRESS_TEXT_SIZE], const char **ret_port)
{
    const char *end = text + strlen(text);
    const char *colon = strrchr(text, ':');
    *ret_port = NULL;
    if (*text == '[') {
        const char *bracket = strchr(text, ']');
        if (!bracket || (bracket[1] && bracket[1] != ':'))
            return false;
        *ret_port = bracket[1] ? bracket + 2 : NULL;
        text++;
        end = bracket;
    } else if (colon && strchr(text, ':') == colon) {
        *ret_port = colon + 1;
        end = colon;
    }
    size_t size = (size_t)(end - text);
    if (size >= ADDRESS_TEXT_SIZE)
        return false;
    memcpy(ip, text, size);
    ip[size] = '\0';
    return true;
}

int address_parse(const char *text, uint16_t default_port, struct address *ret, struct failure *why)
{
    char ip[ADDRESS_TEXT_SIZE];
    const char *port_text;
    uint16_t port = default_port;
    if (!split(text, ip, &port_text) || !address_parse_ip(ip, ret) ||
        (*text == '[' && ret->any.sa_family != AF_INET6))
        return failure_set(why, -EINVAL, "\"%.100s\" is not an IP address%s", text,
            default_port ? "" : " with a port");
    if (port_text && !parse_port(port_text, &port))
        return failure_set(why, -EINVAL, "\"%.100s\" has no valid port", text);
    if (!port)
        return failure_set(why, -EINVAL, "\"%.100s\" has no port", text);
    address_set_port(ret, port);
    return 0;
}

socklen_t address_size(const struct address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

uint16_t address_port(const struct address *address)
{
    return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else
        address->v6.sin6_port = htons(port);
}

bool address_same_ip(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return address_same_ip(a, b) && address_port(a) == address_port(b);
}

bool address_is_wildcard(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

bool address_is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

void address_print_ip(const struct address *address, char ret[ADDRESS_TEXT_SIZE])
{
    const void *ip = address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
                                                       : (const void *)&address->v6.sin6_addr;
    if (!inet_ntop(address->any.sa_family, ip, ret, ADDRESS_TEXT_SIZE))
        snprintf(ret, ADDRESS_TEXT_SIZE, "?");
}

void address_print(const struct address *address, char ret[ADDRESS_TEXT_SIZE])
{
    char ip[ADDRESS_TEXT_SIZE];
    address_print_ip(address, ip);
    const char *format = address->any.sa_family == AF_INET ? "%.46s:%u" : "[%.46s]:%u";
    snprintf(ret, ADDRESS_TEXT_SIZE, format, ip, (unsigned)address_port(address));
}

/* Whether the first `bits` bits are equal. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool zero_beyond(const uint8_t *bytes, unsigned bits, unsigned size)
{
    for (unsigned bit = bits; bit < size * 8; bit++) {
        if (bytes[bit / 8] & (0x80 >> bit % 8))
            return false;
    }
    return true;
}

int prefix_parse(const char *text, struct prefix *ret, struct failure *why)
{
    char ip[ADDRESS_TEXT_SIZE];
    struct address address;
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof ip)
        return failure_set(why, -EINVAL, "\"%.100s\" is not a prefix", text);
    memcpy(ip, text, size);
    ip[size] = '\0';
    if (!address_parse_ip(ip, &address))
        return failure_set(why, -EINVAL, "\"%.100s\" is not an IP address or prefix", text);

    *ret = (struct prefix){.family = address.any.sa_family};
    unsigned bytes = ret->family == AF_INET ? 4 : 16;
    memcpy(ret->bytes,
        ret->family == AF_INET ? (void *)&address.v4.sin_addr : (void *)&address.v6.sin6_addr,
        bytes);
    ret->bits = bytes * 8;
    if (slash) {
        size_t digits = strspn(slash + 1, "0123456789");
        unsigned long bits = strtoul(slash + 1, NULL, 10);
        if (digits == 0 || digits > 3 || slash[1 + digits] || bits > bytes * 8)
            return failure_set(why, -EINVAL, "\"%.100s\" has no valid prefix length", text);
        ret->bits = (unsigned)bits;
    }
    if (!zero_beyond(ret->bytes, ret->bits, bytes))
        return failure_set(why, -EINVAL, "\"%.100s\" has bits set beyond its length", text);
    return 0;
}

bool prefix_contains(const struct prefix *prefix, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return prefix->family == AF_INET &&
               same_bits(prefix->bytes, (const uint8_t *)&v4->sin_addr, prefix->bits);
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6))
        return prefix->family == AF_INET &&
               same_bits(prefix->bytes, v6->s6_addr + 12, prefix->bits);
    return prefix->family == AF_INET6 && same_bits(prefix->bytes, v6->s6_addr, prefix->bits);
}
