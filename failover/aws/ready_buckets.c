/* On the good day each bucket's region answers four questions, one after the other, many buckets
 * side by side; bucket_rule.h says what the answers mean.
 *
 * What can go wrong: no credentials, or no libcurl: one warning an endpoint. A region that does not
 * answer costs one question's time. The daemon may stop while lookups are under way: they cannot be
 * called off, so the source ends after the last of them. */
#include "failover/aws/ready_buckets.h"

#include "base/clock.h"
#include "base/memory.h"
#include "failover/aws/bucket_look.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct ready_buckets {
    struct ready_source source; /* first: it is the handle */
    struct ready_options options;
    ready_buckets_key *key;
    void *key_context;

    struct ready_rows *rows; /* of the run; what follows is the run's */
    const struct config *config;
    struct http_client *client;
    struct bucket_looks shared;
    struct bucket_look *looks; /* endpoint by endpoint, its regions side by side */
    size_t look_count, next;
    unsigned under_way;
    bool is_ending;

    loop_call *freed;
    void *context;
};

/* -- rows -- */

static void add(struct ready_buckets *source, const char *check, const struct bucket_look *look,
    const struct bucket_verdict *verdict)
{
    struct ready_row row = {.check = check,
        .endpoint = source->config->endpoints[look->endpoint].id,
        .region = source->config->regions[look->region],
        .status = verdict->status,
        .words = verdict->words,
        .advice = *verdict->advice ? verdict->advice : NULL};
    ready_rows_add(source->rows, &row);
}

static size_t active_region(const struct ready_buckets *source, size_t endpoint)
{
    struct keeper *keeper = source->options.status->keeper;
    const struct state *state = keeper_state(keeper);
    const char *group = source->config->groups[source->config->endpoints[endpoint].group].id;
    if (!group_is_decided(state, keeper_world(keeper), group))
        return CONFIG_NONE;
    return config_region(source->config, state_find_group(state, group)->active);
}

/* What a move from the active region to this one would need. */
static void add_move(
    struct ready_buckets *source, const struct bucket_look *active, const struct bucket_look *look)
{
    struct bucket_verdict verdict;
    const struct bucket_lag *lag = &active->lags[look->region];
    bucket_judge_replication(&active->seen, &look->seen, lag->words, lag->is_behind, &verdict);
    add(source, "replication", look, &verdict);
    if (bucket_judge_failback(&look->seen, &active->seen, &verdict))
        add(source, "failback", look, &verdict);
}

static const struct bucket_look *find_active(
    const struct ready_buckets *source, const struct bucket_look *look)
{
    const struct bucket_look *first = look - look->region;
    for (size_t i = 0; i < source->config->region_count; i++) {
        if (first[i].lags)
            return &first[i];
    }
    return NULL;
}

static void add_look(struct ready_buckets *source, const struct bucket_look *look)
{
    const struct bucket_look *active = find_active(source, look);
    struct bucket_verdict verdict;
    bucket_judge_there(&look->seen, &verdict);
    add(source, "bucket", look, &verdict);
    if (bucket_judge_versioning(&look->seen, &verdict))
        add(source, "versioning", look, &verdict);
    if (active && active != look)
        add_move(source, active, look);
}

static void add_blind(struct ready_buckets *source, const char *why)
{
    struct bucket_verdict verdict = {.status = READY_WARN,
        .advice = "give this host a role, or set gateway.credentials "
                  "(contrib/iam/gateway.json has the policy)"};
    snprintf(verdict.words, sizeof verdict.words,
        "the buckets were not looked at, for this host has no credentials: %s", why);
    for (size_t i = 0; i < source->config->endpoint_count * source->config->region_count; i++) {
        struct bucket_look look = {.endpoint = i / source->config->region_count,
            .region = i % source->config->region_count};
        if (source->config->endpoints[look.endpoint].buckets)
            add(source, "bucket", &look, &verdict);
    }
}

/* -- the end of a run -- */

static void free_looks(struct ready_buckets *source)
{
    for (size_t i = 0; i < source->look_count; i++) {
        if (source->looks[i].seen.bucket)
            bucket_look_fini(&source->looks[i]);
    }
    free(source->looks);
    source->looks = NULL;
    source->look_count = 0;
}

static void end_rows(struct ready_buckets *source)
{
    struct ready_rows *rows = source->rows;
    source->rows = NULL;
    if (rows)
        ready_rows_end(rows);
}

static void end_source(struct ready_buckets *source)
{
    loop_call *freed = source->freed;
    void *freed_context = source->context;
    free_looks(source);
    free(source);
    freed(freed_context);
}

/* The run's calls and their client are gone. */
static void on_client_freed(void *context)
{
    struct ready_buckets *source = context;
    source->client = NULL;
    if (source->shared.stopping) {
        end_source(source);
        return;
    }
    free_looks(source);
    end_rows(source);
}

static void on_aws_freed(void *context)
{
    struct ready_buckets *source = context;
    http_client_free(source->client, on_client_freed, source);
}

/* Not from within a call's end. */
static void end_run(void *context)
{
    struct ready_buckets *source = context;
    struct aws *aws = source->shared.aws;
    for (size_t i = 0; i < source->look_count && source->rows; i++) {
        if (source->looks[i].seen.bucket)
            add_look(source, &source->looks[i]);
    }
    source->shared.aws = NULL;
    aws_free(aws, on_aws_freed, source);
}

/* -- a run -- */

static void look_at_more(struct ready_buckets *source)
{
    const struct bucket_looks *shared = &source->shared;
    while (!shared->stopping && source->next < source->look_count &&
           source->under_way < READY_BUCKETS_MOST && bucket_looks_left_ms(shared) > 0) {
        struct bucket_look *look = &source->looks[source->next++];
        if (!look->seen.bucket)
            continue;
        source->under_way++;
        bucket_look_begin(look);
    }
    bool is_over = shared->stopping ? shared->lookups == 0 : source->under_way == 0;
    if (!is_over || source->is_ending)
        return;
    source->is_ending = true;
    loop_post(source->options.main_loop, end_run, source);
}

static void on_look_ended(struct bucket_looks *shared)
{
    struct ready_buckets *source =
        (struct ready_buckets *)((char *)shared - offsetof(struct ready_buckets, shared));
    source->under_way--;
    look_at_more(source);
}

static void prepare_looks(struct ready_buckets *source)
{
    const struct config *config = source->config;
    source->next = 0;
    source->is_ending = false;
    source->look_count = config->endpoint_count * config->region_count;
    source->looks = memory_new_array(source->look_count, sizeof *source->looks);
    for (size_t i = 0; i < source->look_count; i++) {
        size_t endpoint = i / config->region_count, region = i % config->region_count;
        struct bucket_look *look = &source->looks[i];
        *look =
            (struct bucket_look){.looks = &source->shared, .endpoint = endpoint, .region = region};
        if (!config->endpoints[endpoint].buckets)
            continue;
        look->seen.bucket = config->endpoints[endpoint].buckets[region];
        look->seen.region = config->regions[region];
        if (active_region(source, endpoint) == region)
            look->lags = memory_new_array(config->region_count, sizeof *look->lags);
    }
}

static void start(struct ready_source *handle, struct ready_rows *rows)
{
    struct ready_buckets *source = (struct ready_buckets *)handle;
    const char *why = NULL;
    struct config *config = ready_rows_config(rows);
    source->rows = rows;
    source->config = config;
    if (config->bucket_count == 0) {
        end_rows(source);
        return;
    }
    const struct credential *key = source->key(source->key_context, &why);
    source->client =
        key ? http_client_new(source->options.main_loop, config->gateway.upstream_ca) : NULL;
    if (!source->client) {
        add_blind(source, key ? "libcurl is not installed" : why);
        end_rows(source);
        return;
    }
    source->shared = (struct bucket_looks){.loop = source->options.main_loop,
        .lookup = source->options.lookup,
        .config = config,
        .aws = aws_new_as(source->options.main_loop, source->client, config, key),
        .started_ms = clock_boot_ms(),
        .ended = on_look_ended};
    prepare_looks(source);
    look_at_more(source);
}

/* -- life -- */

static void end_idle(void *context)
{
    end_source(context);
}

static void stop(struct ready_source *handle, loop_call *freed, void *context)
{
    struct ready_buckets *source = (struct ready_buckets *)handle;
    bool is_idle = !source->rows;
    source->shared.stopping = true;
    source->freed = freed;
    source->context = context;
    end_rows(source);
    if (is_idle)
        loop_post(source->options.main_loop, end_idle, source);
    else
        look_at_more(source);
}

struct ready_source *ready_buckets_new(
    const struct ready_options *options, ready_buckets_key *key, void *context)
{
    struct ready_buckets *source = memory_new(sizeof *source);
    *source = (struct ready_buckets){.source = {.start = start, .stop = stop},
        .options = *options,
        .key = key,
        .key_context = context};
    return &source->source;
}
