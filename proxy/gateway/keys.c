#include "proxy/gateway/keys.h"

#include "base/memory.h"
#include "base/secret.h"
#include "proxy/gateway/gateway_parts.h"
#include "proxy/gateway/planner.h"

#include <stdlib.h>

struct gateway_keys *gateway_keys_new(void)
{
    struct gateway_keys *keys = memory_new(sizeof *keys);
    atomic_init(&keys->references, 1);
    return keys;
}

void gateway_keys_add(struct gateway_keys *keys, const struct credential *credential)
{
    keys->list = memory_resize(keys->list, keys->count + 1, sizeof *keys->list);
    keys->list[keys->count++] = credential_copy(credential);
}

void gateway_keys_unref(struct gateway_keys *keys)
{
    if (atomic_fetch_sub(&keys->references, 1) > 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        credential_free(keys->list[i]);
    free(keys->list);
    secret_free(keys->vend_token);
    free(keys);
}

/* On its way to a loop. */
struct delivery {
    struct gateway_worker *worker;
    struct gateway_keys *keys;
};

static void take(void *context)
{
    struct delivery *delivery = context;
    planner_take_keys(&delivery->worker->planner, delivery->keys);
    gateway_keys_unref(delivery->keys);
    free(delivery);
}

void gateway_set_keys(struct gateway *gateway, struct gateway_keys *keys)
{
    for (size_t i = 0; i < gateway->worker_count; i++) {
        struct delivery *delivery = memory_new(sizeof *delivery);
        *delivery = (struct delivery){.worker = gateway->workers[i], .keys = keys};
        atomic_fetch_add(&keys->references, 1);
        loop_post(&gateway->workers[i]->loop, take, delivery);
    }
}

uint64_t gateway_unverified_ms(const struct gateway *gateway)
{
    uint64_t last = 0;
    for (size_t i = 0; i < gateway->worker_count; i++) {
        uint64_t ms =
            atomic_load_explicit(&gateway->workers[i]->numbers.unverified_ms, memory_order_relaxed);
        last = ms > last ? ms : last;
    }
    return last;
}
