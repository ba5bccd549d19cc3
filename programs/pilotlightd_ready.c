/* Whether each key that applications sign with could be verified after a switch: the day of the
 * outage is too late to learn it.
 *
 * On the good day no request has passed within a day whose key is not known here, or that is signed
 * in the old way (version 2), which nobody verifies here. */
#include "base/clock.h"
#include "base/memory.h"
#include "programs/pilotlightd_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS (60u * 1000)
#define DAY_MS (24 * 60 * MINUTE_MS)

struct ready_keys {
    struct ready_source source; /* first: it is the handle */
    struct loop *loop;
    const struct gateway *gateway;
    loop_call *freed;
    void *context;
};

static void add(struct ready_rows *rows, const char *region, uint64_t last_ms)
{
    uint64_t now_ms = clock_boot_ms();
    char words[128] = "every key that passed within a day could be verified";
    bool fails = last_ms > 0 && now_ms - last_ms < DAY_MS;
    if (fails)
        snprintf(words, sizeof words,
            "a key that is not known, or a version 2 signature, passed to S3 %" PRIu64
            " minutes ago",
            (now_ms - last_ms) / MINUTE_MS);
    struct ready_row row = {.check = "key",
        .region = region,
        .status = fails ? READY_FAIL : READY_PASS,
        .words = words,
        .advice = fails ? "add the key to gateway.clients, have clients sign by version 4: after a "
                          "switch such requests are refused"
                        : NULL};
    ready_rows_add(rows, &row);
}

static void start(struct ready_source *source, struct ready_rows *rows)
{
    const struct ready_keys *keys = (const struct ready_keys *)source;
    const struct config *config = ready_rows_config(rows);
    uint64_t last_ms = gateway_unverified_ms(keys->gateway);
    for (size_t i = 0; gateway_loop_count(keys->gateway) > 0 && i < config->region_count; i++)
        add(rows, config->regions[i], last_ms);
    ready_rows_end(rows);
}

static void end(void *context)
{
    struct ready_keys *keys = context;
    loop_call *freed = keys->freed;
    void *freed_context = keys->context;
    free(keys);
    freed(freed_context);
}

static void stop(struct ready_source *source, loop_call *freed, void *context)
{
    struct ready_keys *keys = (struct ready_keys *)source;
    keys->freed = freed;
    keys->context = context;
    loop_post(keys->loop, end, keys);
}

struct ready_source *daemon_ready_keys_new(struct loop *main_loop, const struct gateway *gateway)
{
    struct ready_keys *keys = memory_new(sizeof *keys);
    *keys = (struct ready_keys){
        .source = {.start = start, .stop = stop}, .loop = main_loop, .gateway = gateway};
    return &keys->source;
}
