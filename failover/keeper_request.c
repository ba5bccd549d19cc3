/* What became of a request: the record knows every request that changed it, for as long as it keeps
 * the transition; the memory of this process knows the last ones besides, refusals too.
 *
 * The record goes first, because it knows how a transition went on after its command was answered.
 */
#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <stdlib.h>
#include <string.h>

/* A request for a whole transition succeeds or fails with it; any other was done when it was
 * recorded. */
static bool is_for_the_whole(const struct transition *transition, const char *request)
{
    for (unsigned i = 0; i < transition->request_count; i++) {
        const char *command = transition->requests[i].command;
        if (strcmp(transition->requests[i].id, request) == 0)
            return strcmp(command, "failover") == 0 || strcmp(command, "switchover") == 0 ||
                   strcmp(command, "begin") == 0;
    }
    return false;
}

static void outcome_of_transition(
    const struct transition *transition, const char *request, struct change *change)
{
    bool fails = is_for_the_whole(transition, request) &&
                 (transition->result == RESULT_ABORTED || transition->result == RESULT_FAILED);
    const char *became =
        transition->result == RESULT_NONE ? "running" : transition_result_text(transition->result);
    const char *detail = transition->error ? transition->error : "";
    change->outcome = (struct outcome){
        .status = fails ? EXIT_STATUS_FAILED : EXIT_STATUS_DONE,
        .changed = true,
        .running = transition->result == RESULT_NONE,
        .transition = transition->id,
    };
    failure_set(&change->said, 0, "transition %s to %s: %s%s%s", transition->id, transition->to,
        became, *detail ? ": " : "", detail);
}

static const struct remembered *find_remembered(const struct keeper *keeper, const char *request)
{
    for (unsigned i = 0; i < KEEPER_OUTCOMES_MAX; i++) {
        const struct remembered *each = &keeper->remembered[i];
        if (each->request && strcmp(each->request, request) == 0)
            return each;
    }
    return NULL;
}

bool keeper_recall(const struct keeper *keeper, const char *request, struct change *change)
{
    const struct transition *transition = state_find_request(keeper->state, request);
    if (transition) {
        outcome_of_transition(transition, request, change);
        return true;
    }
    const struct remembered *remembered = find_remembered(keeper, request);
    if (!remembered)
        return false;
    const struct transition *now = keeper->state->transition;
    change->outcome = remembered->outcome;
    if (change->outcome.running)
        change->outcome.running = now && strcmp(now->id, change->outcome.transition) == 0;
    failure_set(&change->said, 0, "%s", remembered->outcome.words);
    return true;
}

static void forget(struct remembered *remembered)
{
    free(remembered->request);
    free((char *)remembered->outcome.words);
    free((char *)remembered->outcome.transition);
    *remembered = (struct remembered){0};
}

void keeper_remember(struct keeper *keeper, const char *request, const struct outcome *outcome)
{
    if (find_remembered(keeper, request))
        return;
    struct remembered *place = &keeper->remembered[keeper->remembered_next];
    keeper->remembered_next = (keeper->remembered_next + 1) % KEEPER_OUTCOMES_MAX;
    forget(place);
    place->request = memory_text(request);
    place->outcome = *outcome;
    place->outcome.words = memory_text(outcome->words);
    place->outcome.transition = memory_text(outcome->transition);
}

void keeper_forget_all(struct keeper *keeper)
{
    for (unsigned i = 0; i < KEEPER_OUTCOMES_MAX; i++)
        forget(&keeper->remembered[i]);
}
