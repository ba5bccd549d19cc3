/* Relays that say what the test told them to: of one endpoint, "orders-db". */
#pragma once

#include "base/json.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/relays.h"

#include <stdlib.h>
#include <string.h>

struct fake_relays {
    struct relays relays; /* first, so that the calls find the rest */
    struct loop *home;    /* where lists are answered */
    struct relays_numbers numbers;
    unsigned connections;         /* how many there are to list */
    unsigned last_limit;          /* of the list that was answered last */
    unsigned listing, listed;     /* under way now; ever */
    bool overlapped;              /* two lists were under way at once */
    bool hold;                    /* lists are not answered until fake_relays_release */
    struct fake_listing *waiting; /* the one that is held */
};

struct fake_listing {
    struct fake_relays *fake;
    unsigned limit;
    relays_listed *done;
    void *context;
};

static inline bool fake_relays_numbers(
    struct relays *relays, const char *endpoint, struct relays_numbers *ret)
{
    *ret = ((struct fake_relays *)relays)->numbers;
    return strcmp(endpoint, "orders-db") == 0;
}

static inline void fake_relays_answer(void *context)
{
    struct fake_listing *listing = context;
    struct fake_relays *fake = listing->fake;
    unsigned count = fake->connections < listing->limit ? fake->connections : listing->limit;
    cJSON *list = cJSON_CreateArray();
    for (unsigned i = 0; i < count; i++) {
        cJSON *connection = cJSON_CreateObject();
        cJSON_AddStringToObject(connection, "endpoint", "orders-db");
        cJSON_AddStringToObject(connection, "state", "open");
        cJSON_AddItemToArray(list, connection);
    }
    fake->listing--;
    fake->listed++;
    fake->last_limit = listing->limit;
    listing->done(listing->context, list, fake->connections - count);
    free(listing);
}

static inline void fake_relays_list(
    struct relays *relays, const char *endpoint, unsigned limit, relays_listed *done, void *context)
{
    struct fake_relays *fake = (struct fake_relays *)relays;
    struct fake_listing *listing = memory_new(sizeof *listing);
    *listing =
        (struct fake_listing){.fake = fake, .limit = limit, .done = done, .context = context};
    if (endpoint && strcmp(endpoint, "orders-db") != 0)
        listing->limit = 0;
    fake->overlapped |= fake->listing++ > 0;
    if (fake->hold)
        fake->waiting = listing;
    else
        loop_post(fake->home, fake_relays_answer, listing);
}

/* On the loop. */
static inline void fake_relays_release(struct fake_relays *fake)
{
    fake->hold = false;
    fake_relays_answer(fake->waiting);
}

static inline void fake_relays_init(struct fake_relays *fake, struct loop *home)
{
    *fake =
        (struct fake_relays){.relays = {.numbers = fake_relays_numbers, .list = fake_relays_list},
            .home = home,
            .numbers = {.open = 3,
                .connecting = 1,
                .held = 2,
                .behind = 1,
                .accepted = 90,
                .closed_by_switch = 12,
                .refused = {[RELAYS_REFUSED_HOLD_FULL] = 5, [RELAYS_REFUSED_DESCRIPTORS] = 6},
                .bytes_to_target = 4096,
                .bytes_to_client = 8192,
                .latency = {4, 3, 0, 0, 0, 0, 2, 1},
                .latency_sum_us = 2500000,
                .accept_failures = 7}};
}
