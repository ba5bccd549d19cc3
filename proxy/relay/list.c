/* The connections themselves, for `pilotlight connections`: one loop after the other adds its own,
 * then the list comes home. */
#include "base/clock.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct relay *relay;
    size_t worker;  /* whose turn it is */
    char *endpoint; /* NULL: all */
    unsigned limit;
    cJSON *connections;
    uint64_t omitted;
    relays_listed *done;
    void *context;
};

static const char *state_text(enum connection_state state)
{
    static const char *const texts[] = {
        [CONNECTION_HELD] = "held",
        [CONNECTION_RESOLVING] = "connecting",
        [CONNECTION_CONNECTING] = "connecting",
        [CONNECTION_OPEN] = "open",
        [CONNECTION_ENDING] = "closing",
    };
    return texts[state];
}

static void add_address(cJSON *to, const char *key, const struct address *address, bool known)
{
    char text[ADDRESS_TEXT_SIZE];
    if (known)
        address_print(address, text);
    cJSON_AddItemToObject(to, key, known ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static cJSON *describe(const struct connection *connection, uint64_t now_ms)
{
    bool dialled = connection->target.socket.fd >= 0;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "endpoint", connection->point->outlet->id);
    cJSON_AddStringToObject(item, "state", state_text(connection->state));
    add_address(item, "client", &connection->client_address, true);
    add_address(item, "target", &connection->target_address, dialled);
    cJSON_AddItemToObject(item, "region",
        dialled ? cJSON_CreateString(connection->config->regions[connection->region])
                : cJSON_CreateNull());
    cJSON_AddNumberToObject(item, "since_ms", (double)(now_ms - connection->since_ms));
    cJSON_AddNumberToObject(item, "bytes_to_target", (double)connection->flows[TO_TARGET].bytes);
    cJSON_AddNumberToObject(item, "bytes_to_client", (double)connection->flows[TO_CLIENT].bytes);
    return item;
}

static void add_point(struct listing *listing, const struct point *point, uint64_t now_ms)
{
    static const enum connection_state order[] = {CONNECTION_ENDING, CONNECTION_OPEN,
        CONNECTION_CONNECTING, CONNECTION_RESOLVING, CONNECTION_HELD};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (const struct connection *each = point->lists[order[i]].first; each;
             each = each->next) {
            if (listing->limit == 0) {
                listing->omitted++;
                continue;
            }
            listing->limit--;
            cJSON_AddItemToArray(listing->connections, describe(each, now_ms));
        }
    }
}

static void deliver(void *context)
{
    struct listing *listing = context;
    listing->done(listing->context, listing->connections, listing->omitted);
    free(listing->endpoint);
    free(listing);
}

static void visit(void *context)
{
    struct listing *listing = context;
    struct relay *relay = listing->relay;
    struct worker *worker = relay->workers[listing->worker];
    uint64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < relay->outlet_count; i++) {
        if (!listing->endpoint || strcmp(listing->endpoint, relay->outlets[i].id) == 0)
            add_point(listing, &worker->points[i], now_ms);
    }
    if (++listing->worker < relay->worker_count)
        loop_post(&relay->workers[listing->worker]->loop, visit, listing);
    else
        loop_post(relay->main_loop, deliver, listing);
}

void list_connections(
    struct relays *relays, const char *endpoint, unsigned limit, relays_listed *done, void *context)
{
    struct relay *relay = (struct relay *)relays;
    struct listing *listing = memory_new(sizeof *listing);
    *listing = (struct listing){.relay = relay,
        .endpoint = memory_text(endpoint),
        .limit = limit,
        .connections = cJSON_CreateArray(),
        .done = done,
        .context = context};
    if (relay->worker_count > 0)
        loop_post(&relay->workers[0]->loop, visit, listing);
    else
        loop_post(relay->main_loop, deliver, listing);
}
