/* On the good day steps start as soon as all that they need is over, side by side, until all are.
 *
 * A need is met by a step that is done, left out (by a person, by its occasion or by the selection
 * of groups), or one that did not work out and says on_failure: continue. Any other failure, and an
 * outcome that nobody knows, stops the transition: what runs may finish, nothing new starts. */
#include "failover/aws/runbook.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum step_status runbook_status(const struct transition *transition, const struct config_step *step)
{
    const struct transition_step *found = transition_find_step(transition, step->id);
    return found ? found->status : STEP_WAITING;
}

static bool applies(const struct config *config, const struct transition *transition,
    const struct config_step *step)
{
    bool planned = transition->kind == TRANSITION_SWITCHOVER;
    if (planned ? !step->on_switchover : !step->on_failover)
        return false;
    for (size_t i = 0; i < step->group_count; i++) {
        if (!transition_find_group(transition, config->groups[step->groups[i]].id))
            return false;
    }
    return true;
}

/* As far as the step alone can tell. */
static enum runbook_standing standing_of(const struct config *config,
    const struct transition *transition, const struct config_step *step)
{
    if (!applies(config, transition, step))
        return RUNBOOK_LEFT_OUT;
    switch (runbook_status(transition, step)) {
    case STEP_RUNNING:
    case STEP_NEEDS_APPROVAL:
        return RUNBOOK_RUNS;
    case STEP_DONE:
    case STEP_SKIPPED:
        return RUNBOOK_OVER;
    case STEP_FAILED:
    case STEP_UNKNOWN:
        return step->continue_on_failure ? RUNBOOK_OVER : RUNBOOK_STOPS;
    default:
        return RUNBOOK_WAITS;
    }
}

static bool is_met(const struct runbook_now *now, const char *need)
{
    for (size_t i = 0; i < now->runbook->step_count; i++) {
        if (strcmp(now->runbook->steps[i].id, need) == 0)
            return now->steps[i] == RUNBOOK_OVER || now->steps[i] == RUNBOOK_LEFT_OUT;
    }
    return true; /* the configuration was checked: there is no such need */
}

static void start_what_may(struct runbook_now *now)
{
    for (size_t i = 0; i < now->runbook->step_count; i++) {
        const struct config_step *step = &now->runbook->steps[i];
        bool met = now->steps[i] == RUNBOOK_WAITS;
        for (size_t n = 0; met && n < step->need_count; n++)
            met = is_met(now, step->needs[n]);
        if (met)
            now->steps[i] = RUNBOOK_STARTS;
    }
}

static bool find(const struct runbook_now *now, enum runbook_standing standing, size_t *ret)
{
    for (size_t i = 0; i < now->runbook->step_count; i++) {
        if (now->steps[i] == standing) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static void fail_at(
    struct runbook_now *now, const struct transition *transition, const struct config_step *step)
{
    const struct transition_step *failed = transition_find_step(transition, step->id);
    const char *words = failed->status == STEP_FAILED ? "failed" : "its outcome is not known";
    failure_set(&now->words, 0, "step %s: %s", step->id, failed->detail ? failed->detail : words);
    now->verdict = RUNBOOK_FAILED;
}

/* A switch that a person skipped, say, leaves a group behind. */
static void judge_groups(struct runbook_now *now, const struct transition *transition)
{
    now->verdict = RUNBOOK_DONE;
    for (size_t i = 0; i < transition->group_count; i++) {
        const struct transition_group *group = &transition->groups[i];
        if (group->progress == PROGRESS_SWITCHED)
            continue;
        failure_set(&now->words, 0, "every step is over, and %s is not switched to %s", group->id,
            transition->to);
        now->verdict = RUNBOOK_FAILED;
    }
}

void runbook_read(
    const struct config *config, const struct transition *transition, struct runbook_now *ret)
{
    size_t region = config_region(config, transition->to), at;
    *ret = (struct runbook_now){.verdict = RUNBOOK_GOES_ON};
    if (region == CONFIG_NONE || !config->runbooks || !config->runbooks[region].present)
        return;
    ret->runbook = &config->runbooks[region];
    size_t count = ret->runbook->step_count;
    ret->steps = memory_new_array(count, sizeof *ret->steps);
    for (size_t i = 0; i < count; i++)
        ret->steps[i] = standing_of(config, transition, &ret->runbook->steps[i]);
    if (transition->error)
        return;
    if (find(ret, RUNBOOK_STOPS, &at)) {
        fail_at(ret, transition, &ret->runbook->steps[at]);
        return;
    }
    start_what_may(ret);
    bool more = find(ret, RUNBOOK_WAITS, &at) || find(ret, RUNBOOK_STARTS, &at) ||
                find(ret, RUNBOOK_RUNS, &at);
    if (!more)
        judge_groups(ret, transition);
}

void runbook_fini(struct runbook_now *now)
{
    free(now->steps);
    *now = (struct runbook_now){.runbook = NULL};
}
