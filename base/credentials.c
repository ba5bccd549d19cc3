/* On the good day: a plan, a fetch, credentials, and a timer for the next ones.
 *
 * When a fetch fails the old ones stay until they expire, and it is tried again: soon, then ever
 * less often. */
#include "base/credentials.h"

#include "base/credentials_fetch.h"
#include "base/memory.h"

#include <stdlib.h>
#include <time.h>

#define EARLY_S 900 /* before they expire */
#define JITTER_S 60 /* earlier still, by chance: hosts that started together ask apart */
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 30000
#define DOUBLINGS_MOST 5

struct credentials {
    struct loop *loop;
    struct credentials_options options;
    struct credential *configured, *current;
    char *region, *sts_url;
    const char *source;
    uv_timer_t timer;
    struct credentials_fetch *fetch;
    unsigned failures; /* in a row */
    bool told;         /* that there are none */
    struct failure why;
    loop_call *freed;
    void *freed_context;
};

static uint64_t now_of(const struct credentials *credentials)
{
    const struct credentials_world *world = &credentials->options.world;
    return world->now_s ? world->now_s(world->context) : (uint64_t)time(NULL);
}

/* From 0 to `most`. */
static uint64_t chance(uint64_t most)
{
    uint32_t number = 0;
    uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
    return number % (most + 1);
}

static void tell(struct credentials *credentials)
{
    if (credentials->options.changed)
        credentials->options.changed(
            credentials->options.context, credentials->current, credentials->why.text);
}

/* Those that expired are none. */
static void drop_expired(struct credentials *credentials)
{
    struct credential *old = credentials->current;
    if (!old || old->expires_s == 0 || now_of(credentials) < old->expires_s)
        return;
    credentials->current = NULL;
    credentials->told = true;
    tell(credentials);
    credential_free(old);
}

static void on_time(uv_timer_t *timer);

static void wait_ms(struct credentials *credentials, uint64_t ms)
{
    uv_timer_start(&credentials->timer, on_time, ms, 0);
}

/* In good time; of a short life half is waited for. */
static uint64_t lead_s(uint64_t left_s)
{
    return left_s > 2 * EARLY_S ? EARLY_S + chance(JITTER_S) : left_s - left_s / 2;
}

static void plan_refresh(struct credentials *credentials)
{
    uint64_t expires_s = credentials->current->expires_s, now_s = now_of(credentials);
    if (expires_s == 0)
        return;
    uint64_t left_s = expires_s > now_s ? expires_s - now_s : 0;
    uint64_t ms = (left_s - lead_s(left_s)) * 1000;
    wait_ms(credentials, ms > RETRY_FIRST_MS ? ms : RETRY_FIRST_MS);
}

static void plan_retry(struct credentials *credentials)
{
    unsigned doublings =
        credentials->failures < DOUBLINGS_MOST ? credentials->failures : DOUBLINGS_MOST;
    uint64_t ms = (uint64_t)RETRY_FIRST_MS << doublings;
    if (ms > RETRY_MOST_MS)
        ms = RETRY_MOST_MS;
    credentials->failures++;
    wait_ms(credentials, ms / 2 + chance(ms / 2));
}

static void fail(struct credentials *credentials)
{
    plan_retry(credentials);
    drop_expired(credentials);
    if (!credentials->current && !credentials->told) {
        credentials->told = true;
        tell(credentials);
    }
}

static void on_fetched(void *context, struct credential *credential, const struct failure *why)
{
    struct credentials *credentials = context;
    struct credential *old = credentials->current;
    credentials->fetch = NULL;
    credentials->why = *why;
    if (credential && credential->expires_s > 0 && credential->expires_s <= now_of(credentials)) {
        failure_set(
            &credentials->why, 0, "%s gave credentials that have expired", credentials->source);
        credential_free(credential);
        credential = NULL;
    }
    if (!credential) {
        fail(credentials);
        return;
    }
    credentials->current = credential;
    credentials->failures = 0;
    credentials->told = false;
    credentials->why = (struct failure){""};
    plan_refresh(credentials);
    tell(credentials);
    credential_free(old);
}

/* The files and the environment are read anew each time: somebody may have put it right. */
static void on_time(uv_timer_t *timer)
{
    struct credentials *credentials = timer->data;
    struct credentials_plan plan;
    int status = credentials_plan_make(&credentials->options, &plan, &credentials->why);
    credentials->source = plan.source;
    if (status < 0) {
        credentials_plan_fini(&plan);
        fail(credentials);
        return;
    }
    credentials_fetch_start(credentials->options.client, &plan, now_of(credentials), on_fetched,
        credentials, &credentials->fetch);
}

struct credentials *credentials_new(struct loop *loop, const struct credentials_options *options)
{
    struct credentials *credentials = memory_new(sizeof *credentials);
    credentials->loop = loop;
    credentials->options = *options;
    credentials->source = "nowhere";
    credentials->configured = options->configured ? credential_copy(options->configured) : NULL;
    credentials->region = memory_text(options->region);
    credentials->sts_url = memory_text(options->sts_url);
    credentials->options.configured = credentials->configured;
    credentials->options.region = credentials->region;
    credentials->options.sts_url = credentials->sts_url;
    uv_timer_init(&loop->uv, &credentials->timer);
    credentials->timer.data = credentials;
    wait_ms(credentials, 0);
    return credentials;
}

static void on_closed(uv_handle_t *handle)
{
    struct credentials *credentials = handle->data;
    loop_call *freed = credentials->freed;
    void *context = credentials->freed_context;
    credential_free(credentials->current);
    credential_free(credentials->configured);
    free(credentials->region);
    free(credentials->sts_url);
    free(credentials);
    if (freed)
        freed(context);
}

void credentials_free(struct credentials *credentials, loop_call *freed, void *context)
{
    if (!credentials) {
        if (freed)
            freed(context);
        return;
    }
    credentials->freed = freed;
    credentials->freed_context = context;
    credentials_fetch_cancel(credentials->fetch);
    uv_close((uv_handle_t *)&credentials->timer, on_closed);
}

const struct credential *credentials_current(struct credentials *credentials)
{
    const struct credential *current = credentials->current;
    bool is_over = current && current->expires_s > 0 && now_of(credentials) >= current->expires_s;
    return is_over ? NULL : current;
}

const char *credentials_source(const struct credentials *credentials)
{
    return credentials->source;
}

const char *credentials_problem(const struct credentials *credentials)
{
    return credentials->why.text;
}
