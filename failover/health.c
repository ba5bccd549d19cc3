/* Which targets there are to check, and what is known of each. The check itself is in
 * health_check.c, the counting in health_rule.c. */
#include "failover/health.h"

#include "base/memory.h"
#include "failover/health_check.h"

#include <stdlib.h>
#include <sys/random.h>

struct health_checks {
    struct health_context shared; /* its config is NULL before the first one */
    /* Endpoint by endpoint, its regions side by side; NULL where there is nothing to connect to. */
    struct health_check **checks;
    unsigned pending; /* checks that are not freed yet, and one for ourselves */
    loop_call *freed;
    void *context;
};

struct health_checks *health_new(struct loop *main_loop, struct lookup *lookup)
{
    struct health_checks *checks = memory_new(sizeof *checks);
    checks->shared = (struct health_context){.loop = main_loop, .lookup = lookup};
    checks->pending = 1;
    return checks;
}

static void release(void *context)
{
    struct health_checks *checks = context;
    if (--checks->pending > 0)
        return;
    loop_call *freed = checks->freed;
    void *freed_context = checks->context;
    free(checks->checks);
    config_unref(checks->shared.config);
    free(checks);
    freed(freed_context);
}

static size_t slot_count(const struct config *config)
{
    return config ? config->endpoint_count * config->region_count : 0;
}

static void end_all(struct health_checks *checks)
{
    for (size_t i = 0; i < slot_count(checks->shared.config); i++) {
        if (checks->checks[i])
            health_check_free(checks->checks[i], release, checks);
        checks->checks[i] = NULL;
    }
}

void health_free(struct health_checks *checks, loop_call *freed, void *context)
{
    checks->freed = freed;
    checks->context = context;
    end_all(checks);
    loop_post(checks->shared.loop, release, checks);
}

/* Takes the running check of the same endpoint, region and target out of the old ones. */
static struct health_check *take_old(struct health_checks *checks,
    const struct config_endpoint *endpoint, const char *region_id,
    const struct config_target *target)
{
    const struct config *old = checks->shared.config;
    size_t old_endpoint = old ? config_endpoint(old, endpoint->id) : CONFIG_NONE;
    size_t region = old ? config_region(old, region_id) : CONFIG_NONE;
    if (old_endpoint == CONFIG_NONE || region == CONFIG_NONE)
        return NULL;
    struct health_check **slot = &checks->checks[old_endpoint * old->region_count + region];
    struct health_check *check = *slot;
    if (!check || !health_check_is_of(check, endpoint, target))
        return NULL;
    *slot = NULL;
    return check;
}

/* Each check has its own share of the interval, and its first attempt somewhere within it: neither
 * the checks of one host nor those of hosts that started together connect all at once. */
static uint64_t first_delay(const struct config *config, size_t slot)
{
    uint64_t interval = config->health.interval_ms;
    uint64_t from = interval * slot / slot_count(config);
    uint64_t share = interval / slot_count(config);
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return from;
    return from + random % (share + 1);
}

void health_configure(struct health_checks *checks, struct config *config)
{
    struct health_check **slots = memory_new_array(slot_count(config), sizeof(*slots));
    for (size_t slot = 0; slot < slot_count(config); slot++) {
        const struct config_endpoint *endpoint = &config->endpoints[slot / config->region_count];
        size_t region = slot % config->region_count;
        if (!endpoint->targets || endpoint->targets[region].port == 0)
            continue;
        const struct config_target *target = &endpoint->targets[region];
        const char *region_id = config->regions[region];
        slots[slot] = take_old(checks, endpoint, region_id, target);
        if (slots[slot])
            continue;
        slots[slot] = health_check_new(
            &checks->shared, endpoint, region_id, target, first_delay(config, slot));
        checks->pending++;
    }
    end_all(checks);
    free(checks->checks);
    config_unref(checks->shared.config);
    checks->checks = slots;
    checks->shared.config = config_ref(config);
}

const struct config *health_config(const struct health_checks *checks)
{
    return checks->shared.config;
}

struct health_status health_get(const struct health_checks *checks, size_t endpoint, size_t region)
{
    const struct config *config = checks->shared.config;
    if (!config || endpoint >= config->endpoint_count || region >= config->region_count)
        return (struct health_status){.detail = "not checked yet"};
    const struct health_check *check = checks->checks[endpoint * config->region_count + region];
    if (check)
        return health_check_get(check);
    return (struct health_status){.detail = config->endpoints[endpoint].targets
                                                ? "the target has no port to connect to"
                                                : "buckets are not checked"};
}

const char *health_text(enum health health)
{
    static const char *const names[] = {
        [HEALTH_UNKNOWN] = "unknown", [HEALTH_UP] = "up", [HEALTH_DOWN] = "down"};
    return names[health];
}
