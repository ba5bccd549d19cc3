/* MySQL and MariaDB, client/server protocol, "Connection Phase", for somebody who wants no session:
 *
 *     ← greeting → a login as nobody ← refusal
 *
 * A server counts those who leave earlier, even with a COM_QUIT or after the TLS handshake, and
 * after max_connect_errors of them (100) without a session between, it lets nobody in from their
 * host. Whoever is refused a login does not count. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/* An account of this name would be locked by servers that count wrong passwords: it is unlikely. */
#define MYSQL_NOBODY "pilotlight-nobody"

#define MYSQL_HEADER_SIZE 4 /* length of what follows, little-endian; number in the sequence */
#define MYSQL_LOGIN_SIZE 77 /* with its header */
#define MYSQL_VISIT_SAYS_MAX (2 * MYSQL_LOGIN_SIZE)

/* First bytes of packets that a server may send here. */
enum {
    MYSQL_OK = 0x00,
    MYSQL_MORE = 0x01, /* AuthMoreData */
    MYSQL_GREETING = 10,
    MYSQL_SWITCH = 0xfe, /* AuthSwitchRequest */
    MYSQL_ERROR = 0xff
};

struct mysql_packet {
    uint8_t number;
    struct span payload; /* borrowed; never empty */
};

/* The packet that `bytes` begin with. Its size with the header; 0: it is not all there yet;
 * -EPROTO: it is empty or its payload has more than `most` bytes. */
int mysql_packet_read(struct span bytes, size_t most, struct mysql_packet *ret_packet);
bool mysql_packet_is_greeting(const struct mysql_packet *packet);

/* A login of MYSQL_NOBODY without a password; `tls`: it is said within TLS. */
void mysql_login_write(uint8_t packet[MYSQL_LOGIN_SIZE], uint8_t number, bool tls);

/* The whole of it, bytes in and bytes out. All zero at first. */
struct mysql_visit {
    bool logged_in; /* said so, that is */
    uint8_t in[1024];
    size_t in_size;
    uint8_t out[MYSQL_VISIT_SAYS_MAX];
    size_t out_size; /* to be sent; the caller sets it to 0 */
};

enum mysql_visit_state { MYSQL_VISIT_GOES_ON, MYSQL_VISIT_OVER };

/* Logs in; by itself that happens after the greeting. */
void mysql_visit_log_in(struct mysql_visit *visit, uint8_t number, bool tls);
enum mysql_visit_state mysql_visit_receive(struct mysql_visit *visit, struct span bytes);
