/* What others may know of the relays: numbers that each loop counts for itself, summed here on the
 * main loop. */
#include "proxy/relay/relay_parts.h"

#include <string.h>

static uint64_t read_number(const atomic_ullong *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void add_point(const struct point_numbers *from, struct relays_numbers *to)
{
    to->open +=
        read_number(&from->states[CONNECTION_OPEN]) + read_number(&from->states[CONNECTION_ENDING]);
    to->connecting += read_number(&from->states[CONNECTION_RESOLVING]) +
                      read_number(&from->states[CONNECTION_CONNECTING]);
    to->held += read_number(&from->states[CONNECTION_HELD]);
    to->behind += read_number(&from->states[CONNECTION_ENDING]);
    to->accepted += read_number(&from->accepted);
    to->closed_by_switch += read_number(&from->closed_by_switch);
    for (size_t i = 0; i < RELAYS_REFUSALS; i++)
        to->refused[i] += read_number(&from->refused[i]);
    to->bytes_to_target += read_number(&from->bytes[TO_TARGET]);
    to->bytes_to_client += read_number(&from->bytes[TO_CLIENT]);
    for (size_t i = 0; i < RELAYS_LATENCY_BUCKETS; i++)
        to->latency[i] += read_number(&from->latency[i]);
    to->latency_sum_us += read_number(&from->latency_sum_us);
    to->accept_failures += read_number(&from->accept_failures);
}

static void read_words(struct outlet *outlet, struct relays_numbers *ret)
{
    pthread_mutex_lock(&outlet->lock);
    memcpy(outlet->waiting_copy, outlet->waiting_for, sizeof outlet->waiting_copy);
    pthread_mutex_unlock(&outlet->lock);
    ret->waiting_for = *outlet->waiting_copy ? outlet->waiting_copy : NULL;
}

bool numbers_of(struct relays *relays, const char *endpoint, struct relays_numbers *ret)
{
    struct relay *relay = (struct relay *)relays;
    *ret = (struct relays_numbers){0};
    for (size_t i = 0; i < relay->outlet_count; i++) {
        if (strcmp(relay->outlets[i].id, endpoint) != 0)
            continue;
        for (size_t n = 0; n < relay->worker_count; n++)
            add_point(&relay->workers[n]->points[i].numbers, ret);
        read_words(&relay->outlets[i], ret);
        return true;
    }
    return false;
}

uint64_t numbers_behind(struct relays *relays, const char *group)
{
    struct relay *relay = (struct relay *)relays;
    uint64_t behind = 0;
    for (size_t i = 0; i < relay->outlet_count; i++) {
        if (strcmp(relay->outlets[i].group, group) != 0)
            continue;
        for (size_t n = 0; n < relay->worker_count; n++)
            behind += read_number(&relay->workers[n]->points[i].numbers.states[CONNECTION_ENDING]);
    }
    return behind;
}
