/* One call, from its first try to its end.
 *
 * On the good day there are credentials, a signature, a reply, and whoever called has the tree. A
 * page that is not the last one leads to the next; what may be asked again is asked again, later,
 * while the budget lasts. The last thing that went wrong is what the caller hears. */
#include "failover/aws/call_parts.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MOST_MS 5000
#define DOUBLINGS_MOST 5
#define CORRECTIONS_MOST 3 /* of clock and credentials, a call */
#define REPLY_MOST (1u << 20)

static void free_call(struct aws_call *call)
{
    free(call->wanted.region);
    free(call->wanted.action);
    free(call->wanted.method);
    free(call->wanted.path);
    free(call->wanted.query);
    free(call->wanted.endpoint);
    free(call->wanted.resolve);
    secret_text_fini(&call->wanted.body);
    free(call->access_key_id);
    free(call->page_token);
    cJSON_Delete(call->pages);
    aws_understood_fini(&call->last);
    free(call);
}

static void on_closed(uv_handle_t *handle)
{
    struct aws_call *call = handle->data;
    struct aws *aws = call->aws;
    free_call(call);
    aws_closed(aws);
}

/* Nobody hears of it any more. */
void aws_call_drop(struct aws_call *call)
{
    struct aws *aws = call->aws;
    if (call->previous)
        call->previous->next = call->next;
    else
        aws->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    http_client_cancel(call->http);
    call->http = NULL;
    uv_close((uv_handle_t *)&call->timer, on_closed);
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static void end(struct aws_call *call, enum aws_result result)
{
    char words[AWS_WORDS_SIZE] = "";
    const struct aws_understood *last = &call->last;
    aws_done *done = call->done;
    void *context = call->context;
    aws_log(call, result);
    if (result != AWS_ANSWERED)
        aws_words(call, result, words);
    aws_call_drop(call); /* its memory stays until the loop's next turn */
    done(context, &(struct aws_reply){.result = result,
                      .status = last->status,
                      .body = result == AWS_ANSWERED ? call->pages : NULL,
                      .code = or_null(last->code),
                      .message = or_null(last->message),
                      .request_id = or_null(last->request_id),
                      .date_s = last->date_s,
                      .words = or_null(words)});
}

/* Not by a word of AWS's. */
static void end_in_trouble(struct aws_call *call, enum aws_meaning meaning, const char *trouble)
{
    struct aws_understood *last = &call->last;
    last->meaning = meaning;
    *last->code = *last->message = '\0';
    snprintf(last->trouble, sizeof last->trouble, "%s", trouble);
    end(call, AWS_TROUBLE);
}

static uint64_t left_ms(const struct aws_call *call)
{
    uint64_t gone_ms = clock_boot_ms() - call->started_ms;
    return gone_ms < call->budget_ms ? call->budget_ms - gone_ms : 0;
}

static void on_time(uv_timer_t *timer)
{
    aws_try(timer->data);
}

/* Hosts that failed together ask apart. */
static uint64_t pause_ms(unsigned tries)
{
    uint32_t number = 0;
    uint64_t most_ms = BACKOFF_FIRST_MS << (tries < DOUBLINGS_MOST ? tries : DOUBLINGS_MOST);
    if (most_ms > BACKOFF_MOST_MS)
        most_ms = BACKOFF_MOST_MS;
    uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
    return most_ms / 2 + number % (most_ms / 2 + 1);
}

/* Sooner than the server wants is no use, and later than the budget is none either. */
static void try_later(struct aws_call *call)
{
    uint64_t ms = pause_ms(call->tries - 1);
    if (ms < call->last.retry_after_ms)
        ms = call->last.retry_after_ms;
    if (ms >= left_ms(call))
        end(call, AWS_TROUBLE);
    else
        uv_timer_start(&call->timer, on_time, ms, 0);
}

static void try_next_page(struct aws_call *call)
{
    struct failure why = {""};
    int status = aws_page_add(call, &call->last.body, call->last.size, &why);
    call->tries = 0;
    if (status == 0)
        end(call, AWS_ANSWERED);
    else if (status < 0)
        end_in_trouble(call, AWS_MEANS_HOPELESS, why.text);
    else
        aws_try(call);
}

/* An answer is no reason. */
static void end_late(struct aws_call *call)
{
    if (call->last.meaning == AWS_MEANS_ANSWER)
        end_in_trouble(call, AWS_MEANS_HOPELESS, "there was no time for all pages");
    else
        end(call, AWS_TROUBLE);
}

/* Nothing was done by this try. By one before it perhaps: then AWS may refuse because it was. */
static void refuse(struct aws_call *call)
{
    end(call, call->is_doubtful ? AWS_TROUBLE : AWS_REFUSED);
}

/* What was wrong is put right, or it is a refusal like others. */
static void try_corrected(struct aws_call *call, bool is_corrected)
{
    if (is_corrected && call->corrections++ < CORRECTIONS_MOST)
        uv_timer_start(&call->timer, on_time, 0, 0);
    else
        refuse(call);
}

/* EC2 says of expired credentials what it says of a clock that is behind. */
static bool correct(struct aws_call *call)
{
    const struct aws_understood *last = &call->last;
    bool is_clock = last->meaning == AWS_MEANS_CLOCK;
    if (is_clock && aws_correct_clock(call->aws, last->date_s))
        return true;
    return (!is_clock || strcmp(last->code, "RequestExpired") == 0) &&
           aws_renew_credentials(call->aws, call->access_key_id);
}

static void on_reply(void *context, const struct http_client_reply *reply)
{
    struct aws_call *call = context;
    const struct aws_wanted *wanted = &call->wanted;
    struct aws_understood *last = &call->last;
    call->http = NULL;
    aws_understood_fini(last);
    aws_understand(wanted->service, wanted->method, wanted->action, reply, last);
    bool is_unsure =
        last->meaning == AWS_MEANS_UNSURE || (last->meaning == AWS_MEANS_HOPELESS && last->sent);
    call->is_doubtful |= wanted->acts && is_unsure;
    switch (last->meaning) {
    case AWS_MEANS_ANSWER:
        try_next_page(call);
        break;
    case AWS_MEANS_REFUSAL:
        refuse(call);
        break;
    case AWS_MEANS_CLOCK:
    case AWS_MEANS_EXPIRED:
        try_corrected(call, correct(call));
        break;
    case AWS_MEANS_UNSURE:
        if (wanted->acts && !wanted->repeatable)
            end(call, AWS_TROUBLE);
        else
            try_later(call);
        break;
    case AWS_MEANS_THROTTLE:
    case AWS_MEANS_UNSENT:
        try_later(call);
        break;
    case AWS_MEANS_HOPELESS:
        end(call, AWS_TROUBLE);
        break;
    }
}

/* Half of the budget, that a second try has a chance; what is tried once has all that is left. */
static unsigned patience_ms(const struct aws_call *call)
{
    uint64_t left = left_ms(call), share = call->budget_ms / 2;
    bool is_once = call->wanted.acts && !call->wanted.repeatable;
    if (!is_once && left > share)
        left = share;
    return left > 0 ? (unsigned)left : 1;
}

/* Who is not there is not waited for longer than it takes to try again. */
static unsigned connect_ms(const struct aws_call *call)
{
    uint64_t half = call->budget_ms / 2 + 1;
    return half < HTTP_CLIENT_CONNECT_MS ? (unsigned)half : HTTP_CLIENT_CONNECT_MS;
}

static void send_request(struct aws_call *call, const struct aws_signed *request)
{
    struct http_client_request http = {.method = request->method,
        .url = request->url,
        .headers = (const char *const *)request->headers,
        .body = span_of(request->body.data, request->body.size),
        .connect_timeout_ms = connect_ms(call),
        .timeout_ms = patience_ms(call),
        .reply_most = REPLY_MOST,
        .resolve = call->wanted.resolve,
        .once = call->wanted.acts && !call->wanted.repeatable};
    call->tries++;
    call->sent++;
    call->http = http_client_start(call->aws->client, &http, on_reply, call);
}

static void sign_and_send(struct aws_call *call, const struct credential *credential)
{
    const struct aws *aws = call->aws;
    struct aws_signed request;
    struct failure why = {""};
    const struct aws_wanted *wanted = &call->wanted;
    char *endpoint = wanted->endpoint ? memory_text(wanted->endpoint)
                                      : aws_endpoint(aws, wanted->service, wanted->region);
    int status =
        aws_sign(wanted, call->page_token, endpoint, credential, aws_now_s(aws), &request, &why);
    free(endpoint);
    free(call->access_key_id);
    call->access_key_id = memory_text(credential->access_key_id);
    if (status == 0)
        send_request(call, &request);
    aws_signed_fini(&request);
    if (status < 0)
        end_in_trouble(call, AWS_MEANS_HOPELESS, why.text);
}

/* Those that are looked for are waited for; those that could not be had end the call at once. */
static void wait_for_credentials(struct aws_call *call)
{
    struct credentials *credentials = call->aws->credentials;
    const char *problem = credentials_problem(credentials);
    char words[AWS_MESSAGE_SIZE];
    if (!*problem && left_ms(call) > 0) {
        call->waits = true;
        uv_timer_start(&call->timer, on_time, left_ms(call), 0);
        return;
    }
    snprintf(words, sizeof words, "it wants credentials: %s",
        *problem ? problem : "they are still looked for");
    end_in_trouble(call, AWS_MEANS_HOPELESS, words);
}

void aws_try(struct aws_call *call)
{
    const struct credential *credential = credentials_current(call->aws->credentials);
    call->waits = false;
    if (!credential)
        wait_for_credentials(call);
    else if (left_ms(call) == 0)
        end_late(call);
    else
        sign_and_send(call, credential);
}
