/* Who calls: the credentials, the servers' clock, and all calls under way.
 *
 * A call begins on the loop's next turn (call_try.c). Whoever goes away while calls are under way
 * ends them without a word. */
#include "failover/aws/call_parts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define SKEW_LEAST_S 60        /* less than that AWS takes */
#define RENEWAL_LEAST_MS 60000 /* between two looks for new credentials */

uint64_t aws_now_s(const struct aws *aws)
{
    int64_t now_s = (int64_t)time(NULL) + aws->skew_s;
    return now_s > 0 ? (uint64_t)now_s : 0;
}

bool aws_correct_clock(struct aws *aws, uint64_t date_s)
{
    int64_t lack_s = (int64_t)date_s - (int64_t)aws_now_s(aws);
    if (date_s == 0 || (lack_s < SKEW_LEAST_S && lack_s > -SKEW_LEAST_S))
        return false;
    aws->skew_s += lack_s;
    log_warning("clock_is_wrong", LOG_NUMBER("lacks_s", aws->skew_s));
    return true;
}

static uint64_t tell_time(void *context)
{
    return aws_now_s(context);
}

static const char *tell_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static void on_turn(uv_timer_t *timer)
{
    aws_try(timer->data);
}

/* Those who wait try again, each in its own turn of the loop. */
static void on_credentials(void *context, const struct credential *credential, const char *why)
{
    struct aws *aws = context;
    if (credential)
        log_info("credentials", LOG_TEXT("source", credentials_source(aws->credentials)));
    else
        log_warning("no_credentials", LOG_TEXT("why", why));
    for (struct aws_call *call = aws->calls; call; call = call->next) {
        if (call->waits)
            uv_timer_start(&call->timer, on_turn, 0, 0);
    }
}

static void look_for_credentials(struct aws *aws)
{
    struct credentials_options options = {.client = aws->client,
        .configured = aws->own,
        .region = aws->region,
        .sts_url = aws->sts_url,
        .changed = on_credentials,
        .context = aws,
        .world = {.environment = tell_environment, .now_s = tell_time, .context = aws}};
    aws->open++;
    aws->credentials = credentials_new(aws->loop, &options);
}

static void on_closed(void *context)
{
    aws_closed(context);
}

bool aws_renew_credentials(struct aws *aws, const char *access_key_id)
{
    const struct credential *current = credentials_current(aws->credentials);
    if (!current || strcmp(current->access_key_id, access_key_id) != 0)
        return true;
    if (aws->renewed_ms > 0 && clock_boot_ms() - aws->renewed_ms < RENEWAL_LEAST_MS)
        return false;
    aws->renewed_ms = clock_boot_ms();
    credentials_free(aws->credentials, on_closed, aws);
    look_for_credentials(aws);
    return true;
}

static struct aws *make(struct loop *loop, struct http_client *client, struct config *config,
    const char *region, const struct credential *own)
{
    struct aws *aws = memory_new(sizeof *aws);
    const char *sts_url = getenv("AWS_ENDPOINT_URL_STS");
    aws->loop = loop;
    aws->client = client;
    aws->config = config_ref(config);
    aws->region = memory_text(region);
    aws->sts_url = memory_text(sts_url && *sts_url ? sts_url : config->aws.endpoint_url);
    aws->own = own ? credential_copy(own) : NULL;
    look_for_credentials(aws);
    return aws;
}

struct aws *aws_new(
    struct loop *loop, struct http_client *client, struct config *config, const char *region)
{
    return make(loop, client, config, region, NULL);
}

struct aws *aws_new_as(struct loop *loop, struct http_client *client, struct config *config,
    const struct credential *credential)
{
    return make(loop, client, config, NULL, credential);
}

void aws_closed(struct aws *aws)
{
    if (--aws->open > 0)
        return;
    loop_call *freed = aws->freed;
    void *context = aws->freed_context;
    assert(aws->freeing);
    config_unref(aws->config);
    free(aws->region);
    free(aws->sts_url);
    credential_free(aws->own);
    free(aws);
    if (freed)
        freed(context);
}

void aws_free(struct aws *aws, loop_call *freed, void *context)
{
    if (!aws) {
        if (freed)
            freed(context);
        return;
    }
    aws->freeing = true;
    aws->freed = freed;
    aws->freed_context = context;
    while (aws->calls)
        aws_call_drop(aws->calls);
    credentials_free(aws->credentials, on_closed, aws);
}

static struct aws_wanted keep(const struct aws_request *request)
{
    return (struct aws_wanted){.service = request->service,
        .region = memory_text(request->region),
        .action = memory_text(request->action),
        .body = request->body,
        .method = memory_text(request->method),
        .path = memory_text(request->path),
        .query = memory_text(request->query),
        .endpoint = memory_text(request->endpoint),
        .resolve = memory_text(request->resolve),
        .acts = request->acts,
        .repeatable = request->repeatable,
        .paging = request->paging};
}

struct aws_call *aws_start(
    struct aws *aws, struct aws_request *request, unsigned budget_ms, aws_done *done, void *context)
{
    struct aws_call *call = memory_new(sizeof *call);
    assert(!aws->freeing);
    call->aws = aws;
    call->wanted = keep(request);
    request->body = (struct text){0};
    call->started_ms = clock_boot_ms();
    call->budget_ms = budget_ms ? budget_ms : AWS_BUDGET_MS;
    call->done = done;
    call->context = context;
    call->next = aws->calls;
    if (call->next)
        call->next->previous = call;
    aws->calls = call;
    aws->open++;
    uv_timer_init(&aws->loop->uv, &call->timer);
    call->timer.data = call;
    uv_timer_start(&call->timer, on_turn, 0, 0);
    return call;
}

void aws_cancel(struct aws_call *call)
{
    if (call)
        aws_call_drop(call);
}
