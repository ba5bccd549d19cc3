/* A database endpoint's relay: where it listens, what its names answer, how it lets go. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/value.h"

#include <string.h>

static bool listens_on_wildcard(const struct config_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (listen->addresses[i].any.sa_family && address_is_wildcard(&listen->addresses[i]))
            return true;
    }
    return false;
}

/* The names of a relay answer its address: a wildcard is none. */
static void check_address(struct check *check, const cJSON *value, const struct config_relay *relay)
{
    if (relay->has_address && address_is_wildcard(&relay->address))
        check_wrong(check, json_member(value, "address"), "a wildcard cannot be answered");
    else if (!relay->has_address && listens_on_wildcard(&relay->listen))
        check_wrong(check, json_member(value, "listen"),
            "a wildcard needs \"address\": what shall the names answer?");
}

static bool listens(const struct config_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (!listen->addresses[i].any.sa_family)
            return false; /* noted as wrong already */
    }
    return listen->count > 0;
}

/* The port that all listeners share; 0: they differ. */
static uint16_t common_port(const struct config_listen *listen)
{
    for (size_t i = 1; i < listen->count; i++) {
        if (address_port(&listen->addresses[i]) != address_port(&listen->addresses[0]))
            return 0;
    }
    return address_port(&listen->addresses[0]);
}

/* A target without a port is dialled at the port that the relay listens on. */
static void complete_ports(
    struct check *check, const cJSON *value, struct config_endpoint *endpoint)
{
    if (!endpoint->targets || !listens(&endpoint->relay->listen))
        return;
    uint16_t port = common_port(&endpoint->relay->listen);
    for (size_t i = 0; i < check->config->region_count; i++) {
        struct config_target *target = &endpoint->targets[i];
        if (target->text && !target->port && !port)
            check_wrong(check, value, "which port of \"%.300s\"? The relay listens on several",
                target->text);
        else if (target->text && !target->port)
            target->port = port;
    }
}

void check_endpoint_relay(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    struct config_endpoint *endpoint = base;
    struct config_relay *relay = memory_new(sizeof *relay);
    endpoint->relay = relay;
    check_object(check, value, option->members, relay);
    relay->has_address = relay->address.any.sa_family != 0;
    check_address(check, value, relay);
    complete_ports(check, value, endpoint);
}

/* "close" or "drain 30s". */
void check_on_switch(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_relay *relay = base;
    const char *text = value->valuestring;
    if (strcmp(text, "close") == 0)
        return;
    if (strncmp(text, "drain ", 6) != 0 || !config_parse_duration(text + 6, &relay->drain_ms))
        check_wrong(check, value, "must be \"close\" or \"drain DURATION\" such as \"drain 30s\"");
    else if (relay->drain_ms == 0 || relay->drain_ms > 86400000)
        check_wrong(check, value, "must drain for more than nothing and at most 1d");
}
