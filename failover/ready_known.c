/* On the good day the record can be written and is decided, no group is latched, every target is
 * up. Each row says what stands in a switch's way, and the command that clears it. */
#include "failover/ready_known.h"

#include "base/memory.h"
#include "failover/ready.h"
#include "failover/ready_drill.h"

#include <stdio.h>
#include <stdlib.h>

struct ready_known {
    struct ready_source source; /* first: it is the handle */
    struct loop *loop;
    const struct status_source *status;
    loop_call *freed;
    void *context;
};

/* One region of one run. */
struct look {
    struct ready_rows *rows;
    const struct status_source *status;
    const struct config *config;
    const struct state *state;
    size_t region;
};

static void add(const struct look *look, const char *check, const char *endpoint,
    enum ready_status status, const char *words, const char *advice)
{
    struct ready_row row = {.check = check,
        .endpoint = endpoint,
        .region = look->config->regions[look->region],
        .status = status,
        .words = words,
        .advice = advice};
    ready_rows_add(look->rows, &row);
}

static void add_store(const struct look *look)
{
    char words[512];
    const char *error = keeper_store_error(look->status->keeper);
    if (!error) {
        add(look, "state", NULL, READY_PASS, "no write of the record has failed", NULL);
        return;
    }
    snprintf(words, sizeof words, "the record could not be written: %s", error);
    add(look, "state", NULL, READY_FAIL, words,
        "make room for it and let the daemon's user write there: a switch that cannot be recorded "
        "is not made");
}

/* Where the whole record is undecided, --group would decide one group alone. */
static void add_undecided(const struct look *look, const char *group, const char *why)
{
    const struct world *world = keeper_world(look->status->keeper);
    char words[512], advice[256];
    snprintf(words, sizeof words, "group %s is undecided: %s", group, why);
    if (world->undecided)
        snprintf(
            advice, sizeof advice, "pilotlight failover REGION --switch-only --force=undecided");
    else
        snprintf(
            advice, sizeof advice, "pilotlight failover REGION --switch-only --group %s", group);
    add(look, "state", NULL, READY_FAIL, words, advice);
}

static void add_state(const struct look *look)
{
    const struct world *world = keeper_world(look->status->keeper);
    add_store(look);
    for (size_t i = 0; i < look->config->group_count; i++) {
        const char *group = look->config->groups[i].id;
        const char *why = status_undecided(look->state, world, group);
        if (why)
            add_undecided(look, group, why);
    }
}

static void add_latches(const struct look *look)
{
    const char *region = look->config->regions[look->region];
    bool latched = false;
    char words[256], advice[128];
    snprintf(advice, sizeof advice, "pilotlight readopt %s", region);
    for (size_t i = 0; i < look->config->group_count; i++) {
        const char *id = look->config->groups[i].id;
        const struct state_group *group = state_find_group(look->state, id);
        if (!group || !group_is_latched(group, region))
            continue;
        latched = true;
        snprintf(words, sizeof words,
            "group %s: %s is latched, since a promotion elsewhere put it out of use", id, region);
        add(look, "latch", NULL, READY_FAIL, words, advice);
    }
    if (!latched)
        add(look, "latch", NULL, READY_PASS, "no group is latched", NULL);
}

/* Between the keeper's reload and that of health they are of two configurations. */
static struct health_status health_of(const struct look *look, size_t endpoint)
{
    const struct health_checks *health = look->status->health;
    if (!health || health_config(health) != look->config)
        return (struct health_status){.detail = "not checked yet"};
    return health_get(health, endpoint, look->region);
}

static void add_target(const struct look *look, size_t index)
{
    const struct config_endpoint *endpoint = &look->config->endpoints[index];
    const char *target = endpoint->targets[look->region].text;
    struct health_status health = health_of(look, index);
    char words[512];
    snprintf(words, sizeof words, "%.255s is %s%s%s", target, health_text(health.health),
        health.detail ? ": " : "", health.detail ? health.detail : "");
    if (health.health == HEALTH_UP)
        add(look, "target", endpoint->id, READY_PASS, words, NULL);
    else if (health.health == HEALTH_DOWN)
        add(look, "target", endpoint->id, READY_FAIL, words,
            "see to that target, its security group and the route to it");
    else
        add(look, "target", endpoint->id, READY_WARN, words,
            endpoint->targets[look->region].port ? NULL : "give the target a port to be checked");
}

static void start(struct ready_source *source, struct ready_rows *rows)
{
    const struct ready_known *known = (const struct ready_known *)source;
    struct look look = {.rows = rows,
        .status = known->status,
        .config = ready_rows_config(rows),
        .state = keeper_state(known->status->keeper)};
    for (look.region = 0; look.region < look.config->region_count; look.region++) {
        add_state(&look);
        add_latches(&look);
        for (size_t i = 0; i < look.config->endpoint_count; i++) {
            if (look.config->endpoints[i].targets)
                add_target(&look, i);
        }
        ready_add_drill(rows, look.state, &keeper_world(known->status->keeper)->now, look.region);
        ready_add_ttl(rows, look.region);
    }
    ready_rows_end(rows);
}

static void end(void *context)
{
    struct ready_known *known = context;
    loop_call *freed = known->freed;
    void *freed_context = known->context;
    free(known);
    freed(freed_context);
}

static void stop(struct ready_source *source, loop_call *freed, void *context)
{
    struct ready_known *known = (struct ready_known *)source;
    known->freed = freed;
    known->context = context;
    loop_post(known->loop, end, known);
}

struct ready_source *ready_known_new(const struct ready_options *options)
{
    struct ready_known *known = memory_new(sizeof *known);
    *known = (struct ready_known){.source = {.start = start, .stop = stop},
        .loop = options->main_loop,
        .status = options->status};
    return &known->source;
}
