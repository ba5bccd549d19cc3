/* On the good day one look at each endpoint with a relay, then a family at a time over all of them:
 * the text format wants a family's values in one place. */
#include "base/memory.h"
#include "failover/relay_status.h"

#include <stdio.h>
#include <stdlib.h>

struct relay_look {
    const char *endpoint;
    struct relays_numbers numbers;
};

struct relay_looks {
    struct metric_text *out;
    struct relay_look *list;
    size_t count;
};

static struct relay_looks look_at(const struct status_source *source, struct metric_text *out)
{
    const struct config *config = keeper_config(source->keeper);
    struct relay_looks looks = {.out = out};
    looks.list = memory_new_array(config->endpoint_count, sizeof *looks.list);
    for (size_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        struct relay_look *look = &looks.list[looks.count];
        look->endpoint = endpoint->id;
        if (endpoint->relay &&
            source->relays->numbers(source->relays, endpoint->id, &look->numbers))
            looks.count++;
    }
    return looks;
}

static void write_states(const struct relay_looks *looks)
{
    static const char name[] = "pilotlight_relay_connections";
    metric_family(looks->out, name, METRIC_GAUGE,
        "Relayed connections now. behind: those of open whose region is fenced off.");
    for (size_t i = 0; i < looks->count; i++) {
        const struct relays_numbers *numbers = &looks->list[i].numbers;
        const struct {
            const char *state;
            uint64_t count;
        } states[] = {{"open", numbers->open}, {"connecting", numbers->connecting},
            {"held", numbers->held}, {"behind", numbers->behind}};
        for (size_t j = 0; j < sizeof states / sizeof *states; j++)
            metric_value(looks->out, name,
                METRIC_LABELS({"endpoint", looks->list[i].endpoint}, {"state", states[j].state}),
                (double)states[j].count);
    }
}

/* A counter of `struct relays_numbers`, by its place there. */
static void write_counter(
    const struct relay_looks *looks, const char *name, const char *help, size_t offset)
{
    metric_family(looks->out, name, METRIC_COUNTER, help);
    for (size_t i = 0; i < looks->count; i++) {
        const char *numbers = (const char *)&looks->list[i].numbers;
        const uint64_t *count = (const uint64_t *)(const void *)(numbers + offset);
        metric_value(
            looks->out, name, METRIC_LABELS({"endpoint", looks->list[i].endpoint}), (double)*count);
    }
}

#define WRITE_COUNTER(looks, member, name, help)                                                   \
    write_counter(looks, name, help, offsetof(struct relays_numbers, member))

static void write_refused(const struct relay_looks *looks)
{
    static const char name[] = "pilotlight_relay_refused_total";
    metric_family(looks->out, name, METRIC_COUNTER, "Clients that were reset, by reason.");
    for (size_t i = 0; i < looks->count; i++) {
        for (unsigned reason = 0; reason < RELAYS_REFUSALS; reason++)
            metric_value(looks->out, name,
                METRIC_LABELS({"endpoint", looks->list[i].endpoint},
                    {"reason", relay_refusal_text((enum relays_refusal)reason)}),
                (double)looks->list[i].numbers.refused[reason]);
    }
}

static void write_bytes(const struct relay_looks *looks)
{
    static const char name[] = "pilotlight_relay_bytes_total";
    metric_family(looks->out, name, METRIC_COUNTER, "Bytes passed on, by direction.");
    for (size_t i = 0; i < looks->count; i++) {
        const struct relay_look *look = &looks->list[i];
        metric_value(looks->out, name,
            METRIC_LABELS({"endpoint", look->endpoint}, {"direction", "to_target"}),
            (double)look->numbers.bytes_to_target);
        metric_value(looks->out, name,
            METRIC_LABELS({"endpoint", look->endpoint}, {"direction", "to_client"}),
            (double)look->numbers.bytes_to_client);
    }
}

#define LATENCY "pilotlight_relay_connect_duration_seconds"

static void write_latency_of(const struct relay_look *look, struct metric_text *out)
{
    static const double bounds_us[RELAYS_LATENCY_BUCKETS - 1] = RELAYS_LATENCY_BOUNDS_US;
    uint64_t below = 0;
    for (unsigned i = 0; i < RELAYS_LATENCY_BUCKETS; i++) {
        char bound[32] = "+Inf";
        below += look->numbers.latency[i];
        if (i < RELAYS_LATENCY_BUCKETS - 1)
            snprintf(bound, sizeof bound, "%g", bounds_us[i] / 1e6);
        metric_value(out, LATENCY "_bucket",
            METRIC_LABELS({"endpoint", look->endpoint}, {"le", bound}), (double)below);
    }
    metric_value(out, LATENCY "_sum", METRIC_LABELS({"endpoint", look->endpoint}),
        (double)look->numbers.latency_sum_us / 1e6);
    metric_value(out, LATENCY "_count", METRIC_LABELS({"endpoint", look->endpoint}), (double)below);
}

static void write_latency(const struct relay_looks *looks)
{
    metric_family(looks->out, LATENCY, METRIC_HISTOGRAM,
        "How long a target took to accept a connection, where one did.");
    for (size_t i = 0; i < looks->count; i++)
        write_latency_of(&looks->list[i], looks->out);
}

void relays_write_metrics(void *context, struct metric_text *out)
{
    const struct status_source *source = context;
    if (!source->relays)
        return;
    struct relay_looks looks = look_at(source, out);
    write_states(&looks);
    WRITE_COUNTER(&looks, accepted, "pilotlight_relay_accepted_total", "Clients accepted.");
    write_refused(&looks);
    WRITE_COUNTER(&looks, closed_by_switch, "pilotlight_relay_closed_by_switch_total",
        "Connections closed by a fence, a switch or the end of a drain.");
    write_bytes(&looks);
    write_latency(&looks);
    WRITE_COUNTER(&looks, accept_failures, "pilotlight_relay_accept_failures_total",
        "Times that accept failed for want of descriptors or memory.");
    free(looks.list);
}
