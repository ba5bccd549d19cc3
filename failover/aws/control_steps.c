/* fence, switch, approve: steps that the daemon and people carry out.
 *
 * fence and switch may be said again: the daemon then answers that nothing is left to do. */
#include "failover/aws/step.h"

#include "failover/decide.h"

#include <stdio.h>
#include <string.h>

static const char *groups_text(const struct step *step, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < step->given->group_count && used < size; i++)
        used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "",
            step->config->groups[step->given->groups[i]].id);
    return ret;
}

/* What could not be written, or not be said, may go well later; what the record does not allow will
 * not. */
static void told(struct step *step, int status, const char *words, const char *done)
{
    char groups[256];
    groups_text(step, groups, sizeof groups);
    if (status == 0)
        step_done(step, "%s %s", done, groups);
    else if (status == EXIT_STATUS_NO_DAEMON || status == EXIT_STATUS_FAILED)
        step_wait(step, "%s", words);
    else
        step_fail(step, NULL, "%s", words);
}

static void fence_told(struct step *step, int status, const char *words)
{
    told(step, status, words, "fenced");
}

static void look_fence(struct step *step)
{
    char groups[256];
    groups_text(step, groups, sizeof groups);
    if (step->fenced)
        step_done(step, "fenced %s", groups);
    else
        step_must(step, "fence %s", groups);
}

static void act_fence(struct step *step)
{
    step_tell(step, "fence", fence_told);
}

static void switch_told(struct step *step, int status, const char *words)
{
    told(step, status, words, "switched");
}

static void look_switch(struct step *step)
{
    char groups[256];
    groups_text(step, groups, sizeof groups);
    if (step->switched)
        step_done(step, "%s: in %s", groups, step->region);
    else
        step_must(step, "switch %s to %s", groups, step->region);
}

static void act_switch(struct step *step)
{
    step_tell(step, "switch", switch_told);
}

static void look_approve(struct step *step)
{
    const char *message = step_text(step, "message");
    const char *id = step->given->id;
    if (step->purpose == STEP_READY)
        step_done(step, "a person will be asked");
    else if (message)
        step_ask(step, "%s: pilotlight approve %s", message, id);
    else
        step_ask(step, "pilotlight approve %s lets it go on", id);
}

const struct step_kind step_fence = {
    .type = "fence", .look = look_fence, .act = act_fence, .prompt = true};
const struct step_kind step_switch = {
    .type = "switch", .look = look_switch, .act = act_switch, .prompt = true};
const struct step_kind step_approve = {
    .type = "approve", .look = look_approve, .prompt = true, .timeout_ms = STEP_FOR_EVER};
