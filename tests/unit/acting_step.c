#include "tests/unit/acting_step.h"

#include "base/json.h"
#include "base/xml.h"
#include "tests/unit/sample.h"

#include <stdlib.h>

static struct acting_step *acting_of(struct step_host *host)
{
    return (struct acting_step *)host;
}

static void copy(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%s", text ? text : "");
}

static void on_call(
    struct step_host *host, struct step *step, struct aws_request *request, step_replied *replied)
{
    struct acting_step *acting = acting_of(host);
    assert_ptr_equal(step, &acting->step);
    assert_null(acting->replied); /* one call at a time */
    assert_int_equal(acting->end, ENDED_NOT);
    free(acting->body);
    acting->request = *request;
    acting->body = request->body.data;
    request->body = (struct text){0};
    copy(acting->path, sizeof acting->path, request->path);
    copy(acting->query, sizeof acting->query, request->query);
    acting->replied = replied;
    acting->calls++;
}

static void on_end(struct step_host *host, struct step *step, enum step_end end, const char *words,
    const struct aws_reply *reply)
{
    struct acting_step *acting = acting_of(host);
    assert_ptr_equal(step, &acting->step);
    assert_int_equal(acting->end, ENDED_NOT);
    acting->end = (int)end;
    snprintf(acting->words, sizeof acting->words, "%s %s", words, reply ? reply->code : "");
}

void acting_init(struct acting_step *acting, const struct step_kind *kind, const char *parameters)
{
    *acting = (struct acting_step){.host = {.call = on_call, .end = on_end}, .end = ENDED_NOT};
    assert_int_equal(
        json_parse(parameters, strlen(parameters), &acting->parameters, NULL, NULL), 0);
    acting->config = sample_config(SAMPLE_CONFIG);
    acting->step = (struct step){.kind = kind,
        .given = &acting->given,
        .parameters = acting->parameters,
        .config = acting->config,
        .region = "us-west-2",
        .host = &acting->host,
        .transition = "t-1",
        .attempt = 1};
}

void acting_fini(struct acting_step *acting)
{
    free(acting->step.memory);
    free(acting->body);
    cJSON_Delete(acting->parameters);
    config_unref(acting->config);
}

void acting_look(struct acting_step *acting)
{
    acting->end = ENDED_NOT;
    acting->step.kind->look(&acting->step);
}

void acting_act(struct acting_step *acting)
{
    acting->end = ENDED_NOT;
    acting->step.acted = true;
    acting->step.kind->act(&acting->step);
}

void acting_asks(struct acting_step *acting, const char *action, const char *part)
{
    assert_non_null(acting->replied);
    assert_string_equal(acting->request.action, action);
    bool has = (acting->body && strstr(acting->body, part)) || strstr(acting->path, part) ||
               strstr(acting->query, part);
    if (!has)
        fail_msg("no %s in %s?%s %s", part, acting->path, acting->query,
            acting->body ? acting->body : "");
}

static void reply(struct acting_step *acting, const struct aws_reply *with)
{
    step_replied *replied = acting->replied;
    assert_non_null(replied);
    acting->replied = NULL;
    replied(&acting->step, with);
}

void acting_answers(struct acting_step *acting, const char *xml)
{
    cJSON *body = NULL;
    assert_int_equal(xml_parse(xml, strlen(xml), &body, NULL), 0);
    reply(acting, &(struct aws_reply){.result = AWS_ANSWERED, .status = 200, .body = body});
    cJSON_Delete(body);
}

void acting_refuses(struct acting_step *acting, const char *code)
{
    reply(acting, &(struct aws_reply){
                      .result = AWS_REFUSED, .status = 400, .code = code, .words = "AWS said no"});
}

void acting_ends(struct acting_step *acting, enum step_end end, const char *words)
{
    assert_null(acting->replied);
    if (acting->end != (int)end || !strstr(acting->words, words))
        fail_msg("ended with %d: %s", acting->end, acting->words);
}
