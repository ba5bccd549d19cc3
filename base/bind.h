/* Listening sockets of our own making, one for each thread that serves an address.
 *
 * libuv's helpers set SO_REUSEADDR on UDP, with which any process of the same user could take our
 * port, and cannot share one port among threads. */
#pragma once

#include "base/address.h"

#include <stddef.h>

/* Binds `count` nonblocking sockets to `address`, among which the kernel spreads the clients. Port
 * 0 lets the kernel choose one port for all. Nobody else has the port: -EADDRINUSE, however much
 * another daemon were willing to share. All or none; negative errno. */
int bind_udp(const struct address *address, int *ret_sockets, size_t count);

/* The same, listening with `backlog`. */
int bind_tcp(const struct address *address, int backlog, int *ret_sockets, size_t count);

/* The first descriptor of `inherited` (ended by -1; NULL accepted) that is bound to `address` and
 * of type SOCK_DGRAM or SOCK_STREAM (then listening); -1 when there is none. It stays where it is:
 * whoever serves it in several threads shares it. */
int bind_find_inherited(const int *inherited, const struct address *address, int socket_type);

/* Likewise a listening Unix stream socket at `path`. */
int bind_find_inherited_path(const int *inherited, const char *path);
