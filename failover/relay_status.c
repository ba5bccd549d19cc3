#include "failover/relay_status.h"

#include "base/json.h"

const char *relay_refusal_text(enum relays_refusal refusal)
{
    static const char *const names[RELAYS_REFUSALS] = {
        [RELAYS_REFUSED_HOLD_FULL] = "hold_full",
        [RELAYS_REFUSED_HOLD_TIMEOUT] = "hold_timeout",
        [RELAYS_REFUSED_HOLD_BYTES] = "hold_bytes",
        [RELAYS_REFUSED_UNRESOLVED] = "unresolved",
        [RELAYS_REFUSED_UNREACHABLE] = "unreachable",
        [RELAYS_REFUSED_DESCRIPTORS] = "descriptors",
    };
    return names[refusal];
}

static void add_count(cJSON *json, const char *key, uint64_t count)
{
    cJSON_AddNumberToObject(json, key, (double)count);
}

static void add_listen(cJSON *json, const struct config_listen *listen)
{
    cJSON *list = cJSON_AddArrayToObject(json, "listen");
    for (size_t i = 0; i < listen->count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        address_print(&listen->addresses[i], text);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static void add_refused(cJSON *json, const uint64_t refused[RELAYS_REFUSALS])
{
    cJSON *object = cJSON_AddObjectToObject(json, "refused");
    for (unsigned i = 0; i < RELAYS_REFUSALS; i++)
        add_count(object, relay_refusal_text((enum relays_refusal)i), refused[i]);
}

static void add_latency(cJSON *json, const struct relays_numbers *numbers)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < RELAYS_LATENCY_BUCKETS; i++)
        count += numbers->latency[i];
    cJSON *object = cJSON_AddObjectToObject(json, "connect_us");
    add_count(object, "count", count);
    if (count > 0)
        add_count(object, "mean", numbers->latency_sum_us / count);
    else
        cJSON_AddNullToObject(object, "mean");
}

cJSON *relay_to_json(struct relays *relays, const struct config_endpoint *endpoint)
{
    struct relays_numbers numbers;
    if (!relays || !endpoint->relay || !relays->numbers(relays, endpoint->id, &numbers))
        return NULL;
    cJSON *json = cJSON_CreateObject();
    add_listen(json, &endpoint->relay->listen);
    add_count(json, "open", numbers.open);
    add_count(json, "connecting", numbers.connecting);
    add_count(json, "held", numbers.held);
    add_count(json, "behind", numbers.behind);
    add_count(json, "accepted", numbers.accepted);
    add_count(json, "closed_by_switch", numbers.closed_by_switch);
    add_refused(json, numbers.refused);
    add_count(json, "bytes_to_target", numbers.bytes_to_target);
    add_count(json, "bytes_to_client", numbers.bytes_to_client);
    add_latency(json, &numbers);
    json_add_text(json, "waiting_for", numbers.waiting_for);
    return json;
}
