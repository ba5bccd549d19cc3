/* On the good day the bucket's region answers one question after the other: versioning, is it
 * there, replication, and CloudWatch how far that is behind.
 *
 * S3's hosts are resolved past the managed names, as the gateway does it: with `path_style` the
 * system's resolver would lead us to ourselves, and the active bucket would answer for each.
 *
 * What can go wrong: the time is over, or a host has no address; then the rest is not asked. */
#include "failover/aws/bucket_look.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/url.h"
#include "config/bucket_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_MAX 255 /* bytes: 63 today, 255 in the oldest buckets */

/* -- questions -- */

unsigned bucket_looks_left_ms(const struct bucket_looks *looks)
{
    uint64_t gone_ms = clock_boot_ms() - looks->started_ms;
    uint64_t left = gone_ms < BUCKET_LOOKS_MS ? BUCKET_LOOKS_MS - gone_ms : 0;
    return left < BUCKET_CALL_MS ? (unsigned)left : BUCKET_CALL_MS;
}

static void call(struct bucket_look *look, struct aws_request *request, aws_done *done)
{
    struct bucket_looks *looks = look->looks;
    unsigned budget_ms = bucket_looks_left_ms(looks);
    if (budget_ms > 0) {
        aws_start(looks->aws, request, budget_ms, done, look);
        return;
    }
    text_fini(&request->body);
    look->looks->ended(look->looks);
}

static const struct config_s3_endpoint *store_of(const struct bucket_look *look)
{
    const struct config_s3_endpoint *stores = look->looks->config->gateway.s3_endpoints;
    return stores && stores[look->region].host ? &stores[look->region] : NULL;
}

static void ask(struct bucket_look *look, const char *action, const char *method, const char *query,
    aws_done *done)
{
    const struct config_s3_endpoint *store = store_of(look);
    char path[BUCKET_MAX + 2];
    struct aws_request request = {.service = &aws_s3,
        .region = look->seen.region,
        .action = action,
        .method = method,
        .path = path,
        .query = query,
        .endpoint = look->url,
        .resolve = look->resolve};
    snprintf(path, sizeof path, "/%s", store && store->is_virtual ? "" : look->seen.bucket);
    call(look, &request, done);
}

/* CloudWatch knows of AWS's own S3, which a VPC endpoint is as well. */
static bool has_metrics(const struct bucket_look *look)
{
    const struct config_s3_endpoint *store = store_of(look);
    return !store || strstr(store->host, ".amazonaws.com");
}

static void ask_next_lag(struct bucket_look *look);
static void ask_lag(struct bucket_look *look, const cJSON *rule);

static const char *destination_of(const struct bucket_look *look)
{
    return look->looks->config->endpoints[look->endpoint].buckets[look->to];
}

static void on_lag(void *context, const struct aws_reply *reply)
{
    struct bucket_look *look = context;
    struct bucket_lag *lag = &look->lags[look->to];
    char words[S3_LAG_WORDS_SIZE];
    s3_lag_take(&lag->heard, reply);
    if (look->side == S3_LAG_SOURCE) {
        look->side = S3_LAG_DESTINATION;
        ask_lag(look, bucket_rule_to(&look->seen, destination_of(look)));
        return;
    }
    lag->is_behind = !s3_lag_judge(&lag->heard, look->seen.bucket, words);
    lag->words = memory_text(words);
    look->to++;
    ask_next_lag(look);
}

static void ask_lag(struct bucket_look *look, const cJSON *rule)
{
    const struct config *config = look->looks->config;
    struct aws_request request = {.service = &aws_cloudwatch,
        .region = config->regions[look->side == S3_LAG_SOURCE ? look->region : look->to],
        .action = "GetMetricData"};
    s3_lag_ask(
        &request.body, look->side, look->seen.bucket, bucket_rule_id(rule), destination_of(look));
    call(look, &request, on_lag);
}

static void ask_next_lag(struct bucket_look *look)
{
    for (; look->to < look->looks->config->region_count; look->to++) {
        const cJSON *rule =
            look->to == look->region ? NULL : bucket_rule_to(&look->seen, destination_of(look));
        if (rule && bucket_rule_is_enabled(rule)) {
            look->side = S3_LAG_SOURCE;
            ask_lag(look, rule);
            return;
        }
    }
    look->looks->ended(look->looks);
}

static void on_replication(void *context, const struct aws_reply *reply)
{
    struct bucket_look *look = context;
    if (bucket_take_replication(&look->seen, reply) && look->lags && has_metrics(look))
        ask_next_lag(look);
    else
        look->looks->ended(look->looks);
}

static void on_head(void *context, const struct aws_reply *reply)
{
    struct bucket_look *look = context;
    if (bucket_take_head(&look->seen, reply))
        ask(look, "GetBucketReplication", "GET", "replication", on_replication);
    else
        look->looks->ended(look->looks);
}

/* A HEAD's reply has no body to say that our clock is wrong in, so it is not the first. */
static void on_versioning(void *context, const struct aws_reply *reply)
{
    struct bucket_look *look = context;
    if (bucket_take_versioning(&look->seen, reply))
        ask(look, "HeadBucket", "HEAD", NULL, on_head);
    else
        look->looks->ended(look->looks);
}

static void ask_first(struct bucket_look *look)
{
    ask(look, "GetBucketVersioning", "GET", "versioning", on_versioning);
}

/* -- where S3 is -- */

static char *url_of(const struct bucket_look *look)
{
    const struct config_s3_endpoint *store = store_of(look);
    if (!store)
        return aws_endpoint(look->looks->aws, &aws_s3, look->seen.region);
    return memory_format("%s://%s%s%s:%u", store->tls ? "https" : "http",
        store->is_virtual ? look->seen.bucket : "", store->is_virtual ? "." : "", store->host,
        store->port);
}

/* "HOST:PORT:ADDRESS,ADDRESS" */
static char *write_resolve(const struct url *url, const struct lookup_answer *answer)
{
    struct text text = {.data = NULL};
    const char *colon = strrchr(url->authority, ':');
    text_format(&text, "%s:%s", url->host,
        colon ? colon + 1 : (strcmp(url->scheme, "https") == 0 ? "443" : "80"));
    for (unsigned i = 0; i < answer->count; i++) {
        char address[ADDRESS_TEXT_SIZE];
        bool is_v6 = answer->addresses[i].any.sa_family == AF_INET6;
        address_print_ip(&answer->addresses[i], address);
        text_format(&text, "%s%s%s%s", i ? "," : ":", is_v6 ? "[" : "", address, is_v6 ? "]" : "");
    }
    return text.data;
}

/* One that only we do not know (in the system's hosts file) is the system's to find; S3's own hosts
 * may be managed names, and are not. */
static void take_addresses(
    struct bucket_look *look, const struct url *url, int status, const struct lookup_answer *answer)
{
    struct bucket_host s3;
    if (status == 0)
        look->resolve = write_resolve(url, answer);
    if (status == 0 || !bucket_host_parse(look->looks->config, span_of_text(url->host), &s3)) {
        ask_first(look);
        return;
    }
    char *words = memory_format("%s has no address: %s", url->host, uv_strerror(status));
    bucket_take_silence(&look->seen, words);
    free(words);
    look->looks->ended(look->looks);
}

static void on_lookup(void *context, int status, const struct lookup_answer *answer)
{
    struct bucket_look *look = context;
    struct bucket_looks *looks = look->looks;
    struct url url;
    looks->lookups--;
    if (looks->stopping) {
        look->looks->ended(look->looks);
        return;
    }
    if (url_split(look->url, &url) == 0)
        take_addresses(look, &url, status, answer);
    url_fini(&url);
}

void bucket_look_begin(struct bucket_look *look)
{
    struct bucket_looks *looks = look->looks;
    struct url url;
    struct name name;
    struct address address;
    look->url = url_of(look);
    if (url_split(look->url, &url) == 0 && !address_parse_ip(url.host, &address) &&
        name_from_text(url.host, &name)) {
        looks->lookups++;
        looks->lookup->start(looks->lookup, looks->loop, &name, on_lookup, look);
    } else {
        ask_first(look); /* says what is wrong with it, if anything is */
    }
    url_fini(&url);
}

void bucket_look_fini(struct bucket_look *look)
{
    for (size_t i = 0; look->lags && i < look->looks->config->region_count; i++)
        free(look->lags[i].words);
    free(look->lags);
    free(look->url);
    free(look->resolve);
    bucket_seen_fini(&look->seen);
}
