/* One datagram to one upstream and what comes back: a connected socket of its own, so that the
 * kernel picks a random port and drops whatever others send to it. */
#pragma once

#include "resolver/upstream.h"

struct attempt;
struct engine;
struct fetch;

/* Sends `message`; what comes goes to fetch_datagram or fetch_unreachable, later. Negative errno
 * when it cannot be sent. */
int attempt_new(struct engine *engine, struct fetch *fetch, struct upstream *upstream, uint16_t id,
    const uint8_t *message, size_t size, struct attempt **ret_attempt);

/* Closes it and clears the slot; NULL in it is fine. */
void attempt_close(struct attempt **slot);

struct upstream *attempt_upstream(const struct attempt *attempt);
uint16_t attempt_id(const struct attempt *attempt);
uint64_t attempt_sent_ms(const struct attempt *attempt); /* of the loop's clock */
