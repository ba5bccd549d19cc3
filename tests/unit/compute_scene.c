#include "tests/unit/compute_scene.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct compute_scene *scene_of(struct step_host *host)
{
    return (struct compute_scene *)(void *)host;
}

static void on_call(
    struct step_host *host, struct step *step, struct aws_request *request, step_replied *replied)
{
    struct compute_scene *scene = scene_of(host);
    assert_ptr_equal(step, &scene->step);
    assert_null(scene->action);
    assert_false(scene->ended);
    assert_string_equal(request->region, "us-west-2");
    free(scene->body);
    scene->action = request->action;
    scene->body = memory_text(request->body.data ? request->body.data : "");
    scene->acts = request->acts;
    scene->repeatable = request->repeatable;
    scene->paging = request->paging;
    scene->replied = replied;
    text_fini(&request->body);
}

static void on_end(struct step_host *host, struct step *step, enum step_end end, const char *words,
    const struct aws_reply *reply)
{
    struct compute_scene *scene = scene_of(host);
    assert_ptr_equal(step, &scene->step);
    assert_false(scene->ended);
    scene->ended = true;
    scene->end = end;
    snprintf(scene->words, sizeof scene->words, "%s", words);
    snprintf(scene->code, sizeof scene->code, "%s", reply && reply->code ? reply->code : "");
    snprintf(scene->request_id, sizeof scene->request_id, "%s",
        reply && reply->request_id ? reply->request_id : "");
}

void compute_scene_init(
    struct compute_scene *scene, const struct step_kind *kind, const char *parameters)
{
    static char *regions[] = {(char *)"eu-west-1", (char *)"us-west-2"};
    *scene = (struct compute_scene){.host = {.call = on_call, .end = on_end}};
    assert_int_equal(json_parse(parameters, strlen(parameters), &scene->parameters, NULL, NULL), 0);
    scene->given[0] = (struct config_step){.id = (char *)"it", .type = (char *)kind->type};
    scene->runbook = (struct config_runbook){.steps = scene->given, .step_count = 2};
    scene->given[1] =
        (struct config_step){.id = (char *)"net", .type = (char *)"cloudformation.deploy"};
    scene->config = (struct config){.regions = regions, .region_count = 2};
    scene->config.runbooks = memory_new_array(2, sizeof *scene->config.runbooks);
    scene->config.runbooks[1] = scene->runbook;
    scene->step = (struct step){.kind = kind,
        .given = scene->given,
        .parameters = scene->parameters,
        .config = &scene->config,
        .region = "us-west-2",
        .purpose = STEP_CARRY_OUT,
        .host = &scene->host,
        .transition = "t-1",
        .attempt = 1,
        .started = {.wall = "2026-11-23T07:00:00.123Z"}};
}

void compute_scene_fini(struct compute_scene *scene)
{
    cJSON_Delete(scene->parameters);
    free(scene->config.runbooks);
    free(scene->step.memory);
    free(scene->body);
}

void restart(struct compute_scene *scene)
{
    free(scene->step.memory);
    scene->step.memory = NULL;
}

void need_a_stack(struct compute_scene *scene)
{
    static char *needs[] = {(char *)"net"};
    scene->given[0].needs = needs;
    scene->given[0].need_count = 1;
}

const char *token_of(struct compute_scene *scene, const char *what)
{
    static char token[STEP_TOKEN_SIZE];
    step_token(&scene->step, what, token);
    return token;
}

void look(struct compute_scene *scene)
{
    scene->ended = false;
    scene->step.kind->look(&scene->step);
}

/* As the engine does: the intent is in the record before. */
void act(struct compute_scene *scene)
{
    scene->ended = false;
    scene->step.acted = true;
    scene->step.kind->act(&scene->step);
}

void hear(struct compute_scene *scene, const char *action, const char *part)
{
    if (!scene->action)
        fail_msg("%s was not called; it ended with: %s", action, scene->words);
    assert_string_equal(scene->action, action);
    if (!strstr(scene->body, part))
        fail_msg("\"%s\" is not in %s", part, scene->body);
}

void hear_not(struct compute_scene *scene, const char *part)
{
    if (strstr(scene->body, part))
        fail_msg("\"%s\" is in %s", part, scene->body);
}

static void reply(struct compute_scene *scene, const struct aws_reply *what)
{
    step_replied *replied = scene->replied;
    assert_non_null(scene->action);
    scene->action = NULL;
    replied(&scene->step, what);
}

void answer(struct compute_scene *scene, const char *text)
{
    struct failure why;
    cJSON *tree;
    char result[80];
    int error = text[0] == '<' ? xml_parse(text, strlen(text), &tree, &why)
                               : json_parse(text, strlen(text), &tree, NULL, &why);
    if (error)
        fail_msg("%s: %s", text, why.text);
    snprintf(result, sizeof result, "%sResult", scene->action ? scene->action : "");
    const cJSON *inner = tree_find(tree, result);
    struct aws_reply answered = {
        .result = AWS_ANSWERED, .status = 200, .body = inner ? inner : tree, .request_id = "r-200"};
    reply(scene, &answered);
    cJSON_Delete(tree);
}

void answer_format(struct compute_scene *scene, const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    assert_true(vsnprintf(text, sizeof text, format, arguments) < (int)sizeof text);
    va_end(arguments);
    answer(scene, text);
}

void refuse(struct compute_scene *scene, const char *code, const char *message)
{
    struct aws_reply refused = {.result = AWS_REFUSED,
        .status = 400,
        .code = code,
        .message = message,
        .request_id = "r-400",
        .words = message};
    reply(scene, &refused);
}

void lose(struct compute_scene *scene)
{
    assert_non_null(scene->action);
    scene->action = NULL;
    scene->ended = true;
    scene->end = STEP_END_WAIT;
    scene->words[0] = '\0';
}

void assert_end(struct compute_scene *scene, enum step_end end, const char *part)
{
    if (scene->action || !scene->ended)
        fail_msg("it has not ended: %s %s", scene->action, scene->body);
    if (scene->end != end)
        fail_msg("it ended with %d, not %d: %s", scene->end, end, scene->words);
    assert_says(scene, part);
}

void assert_says(struct compute_scene *scene, const char *part)
{
    if (!strstr(scene->words, part))
        fail_msg("\"%s\" is not in: %s", part, scene->words);
}
