#include "tests/unit/rds_scene.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/xml.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char rds_scene_accepted[] =
    "<AnyResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><AnyResult><DBInstance>"
    "<DBInstanceStatus>available</DBInstanceStatus></DBInstance></AnyResult>"
    "<ResponseMetadata><RequestId>9135fff3-8509-11e0-bd9b-a7b1ece36d51</RequestId>"
    "</ResponseMetadata></AnyResponse>";

static struct rds_scene *scene_of(struct step_host *host)
{
    return (struct rds_scene *)host; /* its first member */
}

static void on_call(
    struct step_host *host, struct step *step, struct aws_request *request, step_replied *replied)
{
    struct rds_scene *scene = scene_of(host);
    (void)step;
    assert_null(scene->pending);
    assert_false(scene->ended);
    assert_true(scene->asked_count < RDS_SCENE_CALLS);
    assert_true(request->acts == (strncmp(request->action, "Describe", 8) != 0 &&
                                     strncmp(request->action, "Get", 3) != 0));
    snprintf(scene->asked[scene->asked_count++], sizeof scene->asked[0], "%s %s %s",
        request->action, request->region, request->body.data);
    text_fini(&request->body);
    scene->pending = replied;
}

static void on_tell(struct step_host *host, struct step *step, const char *method, step_told *told)
{
    (void)host, (void)step, (void)method, (void)told;
    fail_msg("no step of RDS says anything to the daemon");
}

static void on_end(struct step_host *host, struct step *step, enum step_end end, const char *words,
    const struct aws_reply *reply)
{
    struct rds_scene *scene = scene_of(host);
    (void)step;
    assert_false(scene->ended);
    assert_null(scene->pending);
    scene->ended = true;
    scene->end = end;
    snprintf(scene->words, sizeof scene->words, "%s", words);
    snprintf(scene->code, sizeof scene->code, "%s", reply ? reply->code : "");
}

static void on_lag(struct step_host *host, struct step *step, int64_t lag_ms)
{
    (void)step;
    scene_of(host)->lag_ms = lag_ms;
}

struct rds_scene *rds_scene_new(const char *type, const char *parameters)
{
    struct rds_scene *scene = memory_new(sizeof *scene);
    scene->host = (struct step_host){on_call, on_tell, on_end, on_lag};
    scene->parameters = cJSON_Parse(parameters);
    assert_non_null(scene->parameters);
    scene->given.id = (char *)"the-step";
    scene->given.parameters = scene->parameters;
    scene->lag_ms = -1;
    scene->step = (struct step){.kind = step_kind_find(type),
        .given = &scene->given,
        .parameters = scene->parameters,
        .region = "us-west-2",
        .purpose = STEP_CARRY_OUT,
        .host = &scene->host,
        .from = "eu-west-1",
        .attempt = 1};
    assert_non_null(scene->step.kind);
    return scene;
}

static void forget_answers(struct rds_scene *scene)
{
    for (unsigned i = 0; i < scene->answer_count; i++)
        cJSON_Delete(scene->answers[i].tree);
    memset(scene->answers, 0, sizeof scene->answers);
    scene->answer_count = scene->answered = 0;
}

void rds_scene_free(struct rds_scene *scene)
{
    forget_answers(scene);
    cJSON_Delete(scene->parameters);
    free(scene->step.memory);
    free(scene);
}

static struct rds_scene_answer *next_answer(struct rds_scene *scene)
{
    if (scene->answered == scene->answer_count)
        forget_answers(scene);
    assert_true(scene->answer_count < RDS_SCENE_CALLS);
    return &scene->answers[scene->answer_count++];
}

void rds_scene_answer(struct rds_scene *scene, const char *xml)
{
    struct failure why;
    struct rds_scene_answer *answer = next_answer(scene);
    answer->result = AWS_ANSWERED;
    if (xml_parse(xml, strlen(xml), &answer->tree, &why) < 0)
        fail_msg("%s: %s", why.text, xml);
}

void rds_scene_refuse(struct rds_scene *scene, const char *code, const char *message)
{
    *next_answer(scene) =
        (struct rds_scene_answer){.result = AWS_REFUSED, .code = code, .message = message};
}

void rds_scene_silence(struct rds_scene *scene)
{
    next_answer(scene)->result = AWS_TROUBLE;
}

/* As the engine: trouble ends it with "wait", and the type does not hear of it. */
static void reply_once(struct rds_scene *scene)
{
    char words[256];
    step_replied *replied = scene->pending;
    assert_true(scene->answered < scene->answer_count);
    struct rds_scene_answer *answer = &scene->answers[scene->answered++];
    scene->pending = NULL;
    if (answer->result == AWS_TROUBLE) {
        on_end(&scene->host, &scene->step, STEP_END_WAIT, "no answer", NULL);
        return;
    }
    struct aws_reply reply = {.result = answer->result, .status = 200, .date_s = scene->date_s};
    if (answer->result == AWS_ANSWERED) { /* the <ActionResult> in its <ActionResponse> */
        reply.body = answer->tree->child;
    } else {
        reply.status = 400;
        reply.code = answer->code;
        reply.message = answer->message;
        reply.request_id = "9135fff3-8509-11e0-bd9b-a7b1ece36d51";
        snprintf(words, sizeof words, "%s: %s (request %s)", reply.code, reply.message,
            reply.request_id);
        reply.words = words;
    }
    replied(&scene->step, &reply);
}

static enum step_end run(struct rds_scene *scene, void (*begin)(struct step *step))
{
    scene->ended = false;
    scene->asked_count = 0;
    begin(&scene->step);
    while (scene->pending)
        reply_once(scene);
    assert_true(scene->ended);
    assert_int_equal(scene->answered, scene->answer_count);
    return scene->end;
}

enum step_end rds_scene_look(struct rds_scene *scene)
{
    return run(scene, scene->step.kind->look);
}

enum step_end rds_scene_act(struct rds_scene *scene)
{
    scene->step.acted = true;
    return run(scene, scene->step.kind->act);
}

void rds_scene_assert_asked(struct rds_scene *scene, unsigned number, const char *part)
{
    assert_true(number < scene->asked_count);
    if (!strstr(scene->asked[number], part))
        fail_msg("\"%s\" is not in: %s", part, scene->asked[number]);
}

void rds_scene_assert_words(struct rds_scene *scene, const char *part)
{
    if (!strstr(scene->words, part))
        fail_msg("\"%s\" is not in: %s", part, scene->words);
}

const char *rds_scene_instance(
    const char *id, const char *class, const char *status, const char *more)
{
    static char xml[4096];
    snprintf(xml, sizeof xml,
        "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
        "<DescribeDBInstancesResult><DBInstances><DBInstance>"
        "<DBInstanceIdentifier>%s</DBInstanceIdentifier><DBInstanceClass>%s</DBInstanceClass>"
        "<Engine>postgres</Engine><DBInstanceStatus>%s</DBInstanceStatus>"
        "<DBInstanceArn>arn:aws:rds:us-west-2:123456789012:db:%s</DBInstanceArn>%s%s"
        "</DBInstance></DBInstances></DescribeDBInstancesResult><ResponseMetadata>"
        "<RequestId>523e3218-afc7-11c3-90f5-f90431260ab4</RequestId></ResponseMetadata>"
        "</DescribeDBInstancesResponse>",
        id, class, status, id,
        strstr(more, "<PendingModifiedValues") ? "" : "<PendingModifiedValues/>", more);
    return xml;
}

const char *rds_scene_lags(const struct rds_scene_lag *lags, size_t count)
{
    static char xml[4096];
    char *end = xml + sizeof xml, *at = xml;
    at += snprintf(at, (size_t)(end - at),
        "<GetMetricStatisticsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">"
        "<GetMetricStatisticsResult><Label>ReplicaLag</Label><Datapoints>");
    for (size_t i = 0; i < count; i++) {
        char when[32];
        struct tm utc;
        time_t begin = time(NULL) - (time_t)lags[i].ago_s;
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&begin, &utc));
        at += snprintf(at, (size_t)(end - at),
            "<member><Timestamp>%s</Timestamp><Maximum>%s</Maximum><Minimum>%s</Minimum>"
            "<Unit>Seconds</Unit></member>",
            when, lags[i].maximum, lags[i].minimum);
    }
    snprintf(at, (size_t)(end - at),
        "</Datapoints></GetMetricStatisticsResult></GetMetricStatisticsResponse>");
    return xml;
}
