/* What the daemon asks for others: plan, ready, policy, readopt (pilotlight-control(7)).
 *
 * Each has an answer as soon as the looks are done. Another configuration, or the end, ends those
 * that are not. */
#include "failover/aws/engine_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/aws/inspect.h"
#include "failover/aws/readopt.h"

#include <stdlib.h>
#include <string.h>

struct engine_question {
    struct engine *engine;
    struct link_question *asked;
    struct inspection *inspection; /* NULL: it is a readopt */
    struct readopt *readopt;
    struct engine_question *next;
};

static struct engine_question *keep_question(struct engine *engine, struct link_question *asked)
{
    struct engine_question *question = memory_new(sizeof *question);
    *question =
        (struct engine_question){.engine = engine, .asked = asked, .next = engine->questions};
    engine->questions = question;
    return question;
}

static void drop_question(struct engine_question *question)
{
    struct engine_question **at = &question->engine->questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    free(question);
}

static void on_answer(void *context, cJSON *result)
{
    struct engine_question *question = context;
    link_answer(question->asked, result);
    drop_question(question);
}

void engine_end_questions(struct engine *engine, const char *words)
{
    while (engine->questions) {
        struct engine_question *question = engine->questions;
        if (question->inspection)
            inspect_cancel(question->inspection);
        if (question->readopt)
            readopt_cancel(question->readopt);
        link_refuse(question->asked, EXIT_STATUS_FAILED, words);
        drop_question(question);
    }
}

/* Where the groups are now that would move to `region`; "" when none would. */
static const char *find_origin(const struct engine *engine, const char *region)
{
    for (size_t i = 0; engine->state && i < engine->state->group_count; i++) {
        if (strcmp(engine->state->groups[i].active, region) != 0)
            return engine->state->groups[i].active;
    }
    return "";
}

/* What cannot be looked at without AWS is no answer. */
static bool is_blind(const struct engine *engine, const char *region)
{
    const struct config *config = engine->config;
    return !engine_aws(engine, region) &&
           engine_calls_aws(&config->runbooks[config_region(config, region)]);
}

static void ask_inspection(struct engine *engine, const char *region, enum step_purpose purpose,
    bool switchover, struct link_question *asked)
{
    if (is_blind(engine, region)) {
        link_refuse(asked, EXIT_STATUS_FAILED, "AWS cannot be called: libcurl is not installed");
        return;
    }
    struct engine_question *question = keep_question(engine, asked);
    struct inspect_options options = {.loop = engine->loop,
        .aws = engine_aws(engine, region),
        .config = engine->config,
        .region = region,
        .from = find_origin(engine, region),
        .switchover = switchover,
        .purpose = purpose};
    question->inspection = inspect_start(&options, on_answer, question);
}

/* The old primary's region is back, and what is primary now answers for its own. */
static void ask_readopt(
    struct engine *engine, const char *region, bool dry_run, struct link_question *asked)
{
    struct aws *aws = engine_aws(engine, find_origin(engine, region));
    struct readopt_options options = {.loop = engine->loop,
        .aws = aws ? aws : engine_aws(engine, region),
        .config = engine->config,
        .state = engine->state,
        .region = region,
        .dry_run = dry_run};
    if (!options.aws || !engine->state) {
        link_refuse(asked, EXIT_STATUS_REFUSED,
            "no runbook calls AWS, so the sidecar knows no database to make a replica of");
        return;
    }
    struct engine_question *question = keep_question(engine, asked);
    question->readopt = readopt_start(&options, on_answer, question);
}

static void answer(struct engine *engine, const char *method, size_t region, const cJSON *params,
    struct link_question *asked)
{
    const char *id = engine->config->regions[region], *kind = json_text(params, "kind");
    bool has_runbook = engine->config->runbooks && engine->config->runbooks[region].present;
    bool switchover = kind && strcmp(kind, "switchover") == 0;
    if (strcmp(method, "readopt") == 0)
        ask_readopt(engine, id, json_bool(params, "dry_run", false), asked);
    else if (!has_runbook)
        link_refuse(asked, EXIT_STATUS_REFUSED, "the sidecar's configuration has no runbook there");
    else if (strcmp(method, "policy") == 0)
        link_answer(asked, inspect_policy(engine->config, id));
    else if (strcmp(method, "ready") == 0)
        ask_inspection(engine, id, STEP_READY, false, asked);
    else
        ask_inspection(engine, id, STEP_PLAN, switchover, asked);
}

void engine_asked(
    void *context, const char *method, const cJSON *params, struct link_question *asked)
{
    static const char *const methods[] = {"plan", "policy", "ready", "readopt"};
    struct engine *engine = context;
    const char *id = json_text(params, "region");
    size_t region = id ? config_region(engine->config, id) : CONFIG_NONE;
    bool known = false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        known |= strcmp(method, methods[i]) == 0;
    if (!known)
        link_refuse(asked, EXIT_STATUS_USAGE, "this sidecar is not asked such a thing");
    else if (region == CONFIG_NONE)
        link_refuse(asked, EXIT_STATUS_USAGE, "the sidecar's configuration has no such region");
    else
        answer(engine, method, region, params, asked);
}
