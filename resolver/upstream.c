#include "resolver/upstream.h"

#include "base/memory.h"
#include "resolver/stream.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_UNKNOWN_MS 800
#define TIMEOUT_MIN_MS 300
#define TIMEOUT_MAX_MS 1500
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 32000

struct upstreams {
    struct upstream **list;
    size_t count;
};

struct upstreams *upstreams_new(void)
{
    return memory_new(sizeof(struct upstreams));
}

struct upstream *upstream_ref(struct upstream *upstream)
{
    upstream->references++;
    return upstream;
}

void upstream_unref(struct upstream *upstream)
{
    if (!upstream || --upstream->references > 0)
        return;
    free(upstream->tls_name);
    free(upstream);
}

void upstreams_free(struct upstreams *upstreams)
{
    if (!upstreams)
        return;
    for (size_t i = 0; i < upstreams->count; i++)
        upstream_unref(upstreams->list[i]);
    free(upstreams->list);
    free(upstreams);
}

static bool is_same(const struct upstream *upstream, const struct config_upstream *config)
{
    if (!address_equal(&upstream->address, &config->address))
        return false;
    if (!upstream->tls_name || !config->tls_name)
        return upstream->tls_name == config->tls_name;
    return strcmp(upstream->tls_name, config->tls_name) == 0;
}

static struct upstream *find(
    const struct upstreams *upstreams, const struct config_upstream *config)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        if (is_same(upstreams->list[i], config))
            return upstreams->list[i];
    }
    return NULL;
}

static void add(struct upstreams *upstreams, const struct config_upstreams *configured)
{
    for (size_t i = 0; i < configured->count; i++) {
        struct upstream *upstream = find(upstreams, &configured->list[i]);
        if (!upstream) {
            upstream = memory_new(sizeof *upstream);
            upstream->address = configured->list[i].address;
            upstream->tls_name = memory_text(configured->list[i].tls_name);
            upstream->references = 1;
            upstreams->list =
                memory_resize(upstreams->list, upstreams->count + 1, sizeof *upstreams->list);
            upstreams->list[upstreams->count++] = upstream;
        }
        upstream->listed = true;
    }
}

static void unlist_all(struct upstreams *upstreams)
{
    for (size_t i = 0; i < upstreams->count; i++)
        upstreams->list[i]->listed = false;
}

static void drop_unlisted(struct upstreams *upstreams)
{
    size_t kept = 0;
    for (size_t i = 0; i < upstreams->count; i++) {
        struct upstream *upstream = upstreams->list[i];
        if (upstream->listed) {
            upstreams->list[kept++] = upstream;
        } else {
            stream_close(upstream, false);
            upstream_unref(upstream);
        }
    }
    upstreams->count = kept;
}

void upstreams_take_view(struct upstreams *upstreams, const struct view *view)
{
    unlist_all(upstreams);
    add(upstreams, &view->upstreams);
    for (size_t i = 0; i < view->config->resolver.route_count; i++)
        add(upstreams, &view->config->resolver.routes[i].upstreams);
    drop_unlisted(upstreams);
}

void upstreams_stop(struct upstreams *upstreams)
{
    unlist_all(upstreams);
    drop_unlisted(upstreams);
}

const struct config_upstreams *upstreams_route(
    const struct view *view, const uint8_t *name, size_t size)
{
    for (size_t i = 0; i < view->config->resolver.route_count; i++) {
        const struct config_route *route = &view->config->resolver.routes[i];
        if (name_within(name, size, &route->suffix))
            return &route->upstreams;
    }
    return &view->upstreams;
}

bool upstream_is_dead(const struct upstream *upstream)
{
    return upstream->failures >= UPSTREAM_DEAD_AFTER;
}

static bool is_suspect(const struct upstream *upstream, uint64_t now_ms)
{
    return upstream->failures > 0 && now_ms < upstream->retry_at_ms;
}

/* Those that failed lately behind the others, then the faster; one never measured counts as fast.
 */
static bool is_better(const struct upstream *a, const struct upstream *b, uint64_t now_ms)
{
    bool suspect_a = is_suspect(a, now_ms), suspect_b = is_suspect(b, now_ms);
    if (suspect_a != suspect_b)
        return suspect_b;
    return a->srtt_ms < b->srtt_ms;
}

unsigned upstreams_choose(struct upstreams *upstreams, const struct view *view, const uint8_t *name,
    size_t size, uint64_t now_ms, struct upstream *ret[UPSTREAM_CHOICES_MAX], bool *ret_all_dead)
{
    const struct config_upstreams *route = upstreams_route(view, name, size);
    unsigned count = 0;
    *ret_all_dead = true;
    for (size_t i = 0; i < route->count && count < UPSTREAM_CHOICES_MAX; i++) {
        struct upstream *upstream = find(upstreams, &route->list[i]);
        unsigned at = count++;
        for (; at > 0 && is_better(upstream, ret[at - 1], now_ms); at--)
            ret[at] = ret[at - 1];
        ret[at] = upstream_ref(upstream);
        *ret_all_dead = *ret_all_dead && upstream_is_dead(upstream);
    }
    if (count > 1 && upstream_is_dead(ret[0]))
        ret[0]->retry_at_ms = now_ms + RETRY_MIN_MS; /* this question tries it, the next do not */
    return count;
}

void upstream_answered(struct upstream *upstream, uint64_t took_ms)
{
    uint32_t sample = took_ms > 10000 ? 10000 : (uint32_t)took_ms;
    upstream->failures = 0;
    upstream->srtt_ms = upstream->srtt_ms ? (upstream->srtt_ms * 7 + sample) / 8 : sample;
    if (upstream->srtt_ms == 0)
        upstream->srtt_ms = 1;
}

/* The pause doubles with every try that fails after one; failures within a pause are those of
 * questions that were under way already. */
void upstream_failed(struct upstream *upstream, uint64_t now_ms)
{
    uint64_t pause_ms = RETRY_MIN_MS;
    if (is_suspect(upstream, now_ms)) {
        upstream->failures += upstream->failures < UPSTREAM_DEAD_AFTER;
        return;
    }
    upstream->failures++;
    for (unsigned i = UPSTREAM_DEAD_AFTER; i < upstream->failures && pause_ms < RETRY_MAX_MS; i++)
        pause_ms *= 2;
    upstream->retry_at_ms = now_ms + pause_ms;
}

uint64_t upstream_timeout_ms(const struct upstream *upstream)
{
    uint64_t timeout_ms = 3 * (uint64_t)upstream->srtt_ms + 50;
    if (!upstream->srtt_ms)
        return TIMEOUT_UNKNOWN_MS;
    if (timeout_ms < TIMEOUT_MIN_MS)
        return TIMEOUT_MIN_MS;
    return timeout_ms < TIMEOUT_MAX_MS ? timeout_ms : TIMEOUT_MAX_MS;
}
