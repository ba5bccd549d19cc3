/* What a kind can have done: calls to AWS, commands to the daemon, an end of its look or act. */
#include "failover/aws/run_parts.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static struct run *run_of(struct step_host *host)
{
    return (struct run *)host;
}

static void on_aws_reply(void *context, const struct aws_reply *reply)
{
    struct run *run = context;
    run->call = NULL;
    if (run->call_acts && reply->result == AWS_REFUSED)
        run->acts_refused = true;
    else if (run->call_acts)
        run->acts_unclear = true;
    if (run->call_acts && reply->result == AWS_ANSWERED)
        run->acts_taken = true;
    if (reply->result == AWS_TROUBLE) {
        run_set_words(run, reply->words, NULL);
        run_ended(run, STEP_END_WAIT);
    } else {
        run->replied(&run->step, reply);
    }
}

static void host_call(
    struct step_host *host, struct step *step, struct aws_request *request, step_replied *replied)
{
    struct run *run = run_of(host);
    (void)step;
    if (!run->aws) {
        text_fini(&request->body);
        run_set_words(run, "AWS cannot be called: libcurl is not installed", NULL);
        run_ended(run, STEP_END_WAIT);
        return;
    }
    run->replied = replied;
    run->call_acts = request->acts;
    run->call = aws_start(run->aws, request, 0, on_aws_reply, run);
}

/* A line that broke says nothing about what the daemon did. The look tells. */
static void on_told(void *context, int status, const char *words, const cJSON *result)
{
    struct run *run = context;
    step_told *told = run->on_told;
    (void)result;
    run->on_told = NULL;
    if (told)
        told(&run->step, status, words ? words : "");
    run_release(run);
}

static void host_tell(
    struct step_host *host, struct step *step, const char *method, step_told *told)
{
    struct run *run = run_of(host);
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "transition", step->transition);
    cJSON *groups = cJSON_AddArrayToObject(params, "groups");
    for (size_t i = 0; i < step->given->group_count; i++) {
        const char *id = run->config->groups[step->given->groups[i]].id;
        cJSON_AddItemToArray(groups, cJSON_CreateString(id));
    }
    run->on_told = told;
    run->open++;
    run->owner.call(run->owner.context, method, params, on_told, run);
}

static void host_end(struct step_host *host, struct step *step, enum step_end end,
    const char *words, const struct aws_reply *reply)
{
    struct run *run = run_of(host);
    (void)step;
    run_set_words(run, words, reply ? reply->words : NULL);
    snprintf(run->aws_code, sizeof run->aws_code, "%s", reply && reply->code ? reply->code : "");
    snprintf(run->aws_request_id, sizeof run->aws_request_id, "%s",
        reply && reply->request_id ? reply->request_id : "");
    run_ended(run, end);
}

static void host_lag(struct step_host *host, struct step *step, int64_t lag_ms)
{
    (void)step;
    run_of(host)->lag_ms = lag_ms;
}

static void host_say(struct step_host *host, struct step *step, const char *words)
{
    struct run *run = run_of(host);
    (void)step;
    run_set_words(run, words, NULL);
    run_report_news(run);
}

void run_host_init(struct run *run)
{
    run->host = (struct step_host){
        .call = host_call, .tell = host_tell, .end = host_end, .lag = host_lag, .say = host_say};
}

void run_cut(struct run *run)
{
    bool busy = run->phase == RUN_LOOKS || run->phase == RUN_ACTS;
    aws_cancel(run->call);
    run->call = NULL;
    run->on_told = NULL;
    run_gate_leave(run);
    if (busy && run->step.kind->cancel)
        run->step.kind->cancel(&run->step);
}
