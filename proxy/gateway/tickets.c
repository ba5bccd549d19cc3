/* On the good day the hour is the same as at the last handshake. */
#include "proxy/gateway/tickets.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#define DERIVED_SIZE 32

/* One secret for each purpose. */
static void derive(const uint8_t secret[32], const char *purpose, uint8_t ret[DERIVED_SIZE])
{
    HMAC(EVP_sha256(), secret, 32, (const uint8_t *)purpose, strlen(purpose), ret, NULL);
}

static void add_keys(struct tickets *tickets)
{
    uint8_t name[DERIVED_SIZE];
    struct ticket_key *keys = tickets->keys;
    memmove(keys + 1, keys, (TICKETS_KEPT - 1) * sizeof *keys); /* over the oldest */
    derive(tickets->secret, "name", name);
    memcpy(keys->name, name, sizeof keys->name);
    derive(tickets->secret, "cipher", keys->cipher);
    derive(tickets->secret, "mac", keys->mac);
    if (tickets->count < TICKETS_KEPT)
        tickets->count++;
}

int tickets_start(struct tickets *tickets, uint64_t now_ms)
{
    *tickets = (struct tickets){.started_ms = now_ms};
    if (RAND_priv_bytes(tickets->secret, sizeof tickets->secret) != 1)
        return -EIO;
    add_keys(tickets);
    return 0;
}

void tickets_wipe(struct tickets *tickets)
{
    OPENSSL_cleanse(tickets, sizeof *tickets);
}

static void advance(struct tickets *tickets, uint64_t now_ms)
{
    uint64_t period = (now_ms - tickets->started_ms) / TICKETS_PERIOD_MS;
    while (tickets->period < period) {
        uint8_t next[DERIVED_SIZE];
        derive(tickets->secret, "next", next);
        memcpy(tickets->secret, next, sizeof next);
        OPENSSL_cleanse(next, sizeof next);
        add_keys(tickets);
        tickets->period++;
    }
}

const struct ticket_key *tickets_newest(struct tickets *tickets, uint64_t now_ms)
{
    advance(tickets, now_ms);
    return tickets->keys;
}

const struct ticket_key *tickets_find(
    struct tickets *tickets, uint64_t now_ms, const uint8_t name[TICKET_NAME_SIZE], int *ret_is_old)
{
    advance(tickets, now_ms);
    for (size_t i = 0; i < tickets->count; i++) {
        if (memcmp(tickets->keys[i].name, name, TICKET_NAME_SIZE) == 0) {
            *ret_is_old = i > 0;
            return &tickets->keys[i];
        }
    }
    return NULL;
}
