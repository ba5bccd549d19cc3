/* Socket addresses and prefixes as users write them: "127.0.0.1:53", "[::1]:53", "127.0.0.0/8". */
#pragma once

#include "base/failure.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_TEXT_SIZE 64

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

struct prefix {
    int family; /* AF_INET or AF_INET6 */
    uint8_t bytes[16];
    unsigned bits;
};

/* "IP" or "IP:PORT" ("::1", "[::1]", "[::1]:53"); without a port `default_port`, and with
 * `default_port` 0 the port must be there. -EINVAL with words. */
int address_parse(
    const char *text, uint16_t default_port, struct address *ret, struct failure *why);

/* A bare IP address, no brackets, no port. The port in `ret` is 0. */
bool address_parse_ip(const char *text, struct address *ret);

socklen_t address_size(const struct address *address);
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
bool address_equal(const struct address *a, const struct address *b); /* family, address and port */
bool address_same_ip(const struct address *a, const struct address *b);
bool address_is_wildcard(const struct address *address); /* 0.0.0.0 or :: */
bool address_is_loopback(const struct address *address);
void address_print(const struct address *address, char ret[ADDRESS_TEXT_SIZE]);    /* with port */
void address_print_ip(const struct address *address, char ret[ADDRESS_TEXT_SIZE]); /* without */

/* "IP/BITS", or "IP" for that one address. Bits beyond the prefix must be zero. */
int prefix_parse(const char *text, struct prefix *ret, struct failure *why);

/* An IPv4-mapped IPv6 address counts as its IPv4 address. */
bool prefix_contains(const struct prefix *prefix, const struct sockaddr *address);
