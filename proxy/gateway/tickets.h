/* The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1), the same in all loops.
 *
 * Each loop has a copy of what the first one started with, and derives the next hour's keys from
 * it by itself: the same keys, with nothing shared and nothing locked. The step cannot be undone,
 * and what is too old is wiped: a key that is stolen later opens no earlier ticket. (A loop that
 * nobody connects to takes its steps at the next handshake.)
 *
 * Times are milliseconds of the boot clock. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TICKETS_PERIOD_MS (60u * 60 * 1000)
#define TICKETS_KEPT 3      /* the hour's own keys and those before, so a ticket is good for */
#define TICKETS_LIFE_S 7200 /* two hours at least */
#define TICKET_NAME_SIZE 16

struct ticket_key {
    uint8_t name[TICKET_NAME_SIZE], cipher[32], mac[32];
};

/* A plain value: a loop's copy is `*mine = *first`, before its thread starts. */
struct tickets {
    uint8_t secret[32]; /* of the current hour */
    uint64_t started_ms, period;
    struct ticket_key keys[TICKETS_KEPT]; /* the newest first */
    size_t count;
};

/* -EIO: no randomness. */
int tickets_start(struct tickets *tickets, uint64_t now_ms);
void tickets_wipe(struct tickets *tickets);

/* The key for new tickets. */
const struct ticket_key *tickets_newest(struct tickets *tickets, uint64_t now_ms);

/* The key of that name, and whether a newer one is in use; NULL: too old, or never ours. */
const struct ticket_key *tickets_find(struct tickets *tickets, uint64_t now_ms,
    const uint8_t name[TICKET_NAME_SIZE], int *ret_is_old);
