/* A command that waits in the queue: a deep copy, because its sender's message is gone by then. */
#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct transition_step *step_copy(const struct transition_step *from)
{
    struct transition_step *step = memory_new(sizeof *step);
    *step = *from;
    step->detail = memory_text(from->detail);
    step->aws_code = memory_text(from->aws_code);
    step->aws_request_id = memory_text(from->aws_request_id);
    return step;
}

static void step_free(struct transition_step *step)
{
    if (!step)
        return;
    free(step->detail);
    free(step->aws_code);
    free(step->aws_request_id);
    free(step);
}

void command_copy(const struct command *from, struct command *to)
{
    *to = *from;
    to->region = memory_text(from->region);
    to->reason = memory_text(from->reason);
    to->request = memory_text(from->request);
    to->by = memory_text(from->by);
    to->transition = memory_text(from->transition);
    to->groups = from->group_count ? memory_new_array(from->group_count, sizeof *to->groups) : NULL;
    for (size_t i = 0; i < from->group_count; i++)
        to->groups[i] = memory_text(from->groups[i]);
    to->step = from->step ? step_copy(from->step) : NULL;
}

void command_fini(struct command *command)
{
    for (size_t i = 0; i < command->group_count; i++)
        free((char *)command->groups[i]);
    free((void *)command->groups);
    free((char *)command->region);
    free((char *)command->reason);
    free((char *)command->request);
    free((char *)command->by);
    free((char *)command->transition);
    step_free((struct transition_step *)command->step);
}

void command_groups_text(const struct command *command, char *ret, size_t size)
{
    size_t used = (size_t)snprintf(ret, size, "%s", command->group_count ? "" : "all");
    for (size_t i = 0; i < command->group_count && used < size; i++)
        used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? "," : "", command->groups[i]);
}
