/* The record in memory: made, copied, searched.
 *
 * Everything here is plain data; nothing can go wrong but the lack of memory. Pointers into
 * `groups` and `steps` are good until the next `_add_`. */
#include "failover/state.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const phase_names[] = {NULL, "preparing", "fenced", "completing", "stopped"};
static const char *const kind_names[] = {"failover", "switchover", "switch-only"};
static const char *const result_names[] = {NULL, "done", "aborted", "failed"};
static const char *const step_status_names[] = {
    "waiting", "running", "done", "failed", "skipped", "unknown", "needs_approval"};
static const char *const force_words[] = {
    "lag", "flap", "latch", "acks", "undecided", "dns-only", "irreversible"};

struct state *state_new(void)
{
    return memory_new(sizeof(struct state));
}

void transition_free(struct transition *transition)
{
    if (!transition)
        return;
    for (size_t i = 0; i < transition->step_count; i++) {
        free(transition->steps[i].detail);
        free(transition->steps[i].aws_code);
        free(transition->steps[i].aws_request_id);
    }
    free(transition->steps);
    free(transition->groups);
    free(transition->by);
    free(transition->reason);
    free(transition->error);
    free(transition);
}

void state_free(struct state *state)
{
    if (!state)
        return;
    for (size_t i = 0; i < state->history_count; i++)
        transition_free(state->history[i]);
    free(state->history);
    transition_free(state->transition);
    free(state->groups);
    free(state);
}

static void *copy_array(const void *from, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    void *copy = memory_new_array(count, size);
    memcpy(copy, from, count * size);
    return copy;
}

static struct transition *transition_copy(const struct transition *from)
{
    if (!from)
        return NULL;
    struct transition *copy = copy_array(from, 1, sizeof *from);
    copy->groups = copy_array(from->groups, from->group_count, sizeof *from->groups);
    copy->steps = copy_array(from->steps, from->step_count, sizeof *from->steps);
    for (size_t i = 0; i < from->step_count; i++) {
        copy->steps[i].detail = memory_text(from->steps[i].detail);
        copy->steps[i].aws_code = memory_text(from->steps[i].aws_code);
        copy->steps[i].aws_request_id = memory_text(from->steps[i].aws_request_id);
    }
    copy->by = memory_text(from->by);
    copy->reason = memory_text(from->reason);
    copy->error = memory_text(from->error);
    return copy;
}

struct state *state_copy(const struct state *state)
{
    struct state *copy = copy_array(state, 1, sizeof *state);
    copy->groups = copy_array(state->groups, state->group_count, sizeof *state->groups);
    copy->transition = transition_copy(state->transition);
    copy->history = copy_array(state->history, state->history_count, sizeof *state->history);
    for (size_t i = 0; i < state->history_count; i++)
        copy->history[i] = transition_copy(state->history[i]);
    return copy;
}

void state_set_id(state_id to, const char *id)
{
    size_t size = strlen(id);
    assert(size <= CONFIG_ID_MAX);
    memcpy(to, id, size + 1);
}

struct state *state_at_home(const struct config *config)
{
    struct state *state = state_new();
    for (size_t i = 0; i < config->group_count; i++)
        state_set_id(state_add_group(state, config->groups[i].id)->active, config->regions[0]);
    return state;
}

struct state_group *state_find_group(const struct state *state, const char *id)
{
    for (size_t i = 0; i < state->group_count; i++) {
        if (strcmp(state->groups[i].id, id) == 0)
            return &state->groups[i];
    }
    return NULL;
}

struct state_group *state_add_group(struct state *state, const char *id)
{
    struct state_group *group = state_find_group(state, id);
    if (group)
        return group;
    state->groups = memory_resize(state->groups, state->group_count + 1, sizeof *state->groups);
    group = &state->groups[state->group_count++];
    *group = (struct state_group){.fenced = false};
    state_set_id(group->id, id);
    return group;
}

struct transition_group *transition_find_group(const struct transition *transition, const char *id)
{
    for (size_t i = 0; i < transition->group_count; i++) {
        if (strcmp(transition->groups[i].id, id) == 0)
            return &transition->groups[i];
    }
    return NULL;
}

struct transition_step *transition_find_step(const struct transition *transition, const char *id)
{
    for (size_t i = 0; i < transition->step_count; i++) {
        if (strcmp(transition->steps[i].id, id) == 0)
            return &transition->steps[i];
    }
    return NULL;
}

struct transition_step *transition_add_step(struct transition *transition, const char *id)
{
    struct transition_step *step = transition_find_step(transition, id);
    if (step)
        return step;
    size_t count = transition->step_count + 1;
    transition->steps = memory_resize(transition->steps, count, sizeof *transition->steps);
    step = &transition->steps[transition->step_count++];
    *step = (struct transition_step){.status = STEP_WAITING};
    state_set_id(step->id, id);
    return step;
}

bool group_is_latched(const struct state_group *group, const char *region)
{
    for (unsigned i = 0; i < group->latched_count; i++) {
        if (strcmp(group->latched[i], region) == 0)
            return true;
    }
    return false;
}

/* A full list can only hold regions that the configuration no longer has: the oldest makes room. */
void group_latch(struct state_group *group, const char *region)
{
    if (group_is_latched(group, region))
        return;
    if (group->latched_count == CONFIG_REGIONS_MAX)
        memmove(group->latched, group->latched + 1, --group->latched_count * sizeof(state_id));
    state_set_id(group->latched[group->latched_count++], region);
}

void group_unlatch(struct state_group *group, const char *region)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < group->latched_count; i++) {
        if (strcmp(group->latched[i], region) != 0)
            memmove(group->latched[kept++], group->latched[i], sizeof(state_id));
    }
    group->latched_count = kept;
}

bool transition_has_request(const struct transition *transition, const char *request)
{
    for (unsigned i = 0; i < transition->request_count; i++) {
        if (strcmp(transition->requests[i].id, request) == 0)
            return true;
    }
    return false;
}

const struct transition *state_find_request(const struct state *state, const char *request)
{
    if (state->transition && transition_has_request(state->transition, request))
        return state->transition;
    for (size_t i = state->history_count; i > 0; i--) {
        if (transition_has_request(state->history[i - 1], request))
            return state->history[i - 1];
    }
    return NULL;
}

bool transition_stops_at(const struct transition_step *step)
{
    bool went_wrong = step->status == STEP_FAILED || step->status == STEP_UNKNOWN;
    return went_wrong && !step->continue_on_failure;
}

static bool is_stopped(const struct transition *transition)
{
    for (size_t i = 0; i < transition->step_count; i++) {
        const struct transition_step *step = &transition->steps[i];
        if (step->status == STEP_NEEDS_APPROVAL || transition_stops_at(step))
            return true;
    }
    return transition->error != NULL;
}

enum state_phase state_phase(const struct state *state)
{
    const struct transition *transition = state->transition;
    if (!transition)
        return PHASE_STEADY;
    if (is_stopped(transition))
        return PHASE_STOPPED;
    size_t fenced = 0, switched = 0;
    for (size_t i = 0; i < transition->group_count; i++) {
        fenced += transition->groups[i].progress == PROGRESS_FENCED;
        switched += transition->groups[i].progress == PROGRESS_SWITCHED;
    }
    if (switched == transition->group_count)
        return PHASE_COMPLETING;
    return fenced > 0 ? PHASE_FENCED : PHASE_PREPARING;
}

const char *state_phase_text(enum state_phase phase)
{
    return phase_names[phase];
}

const char *transition_kind_text(enum transition_kind kind)
{
    return kind_names[kind];
}

const char *transition_result_text(enum transition_result result)
{
    return result_names[result];
}

const char *step_status_text(enum step_status status)
{
    return step_status_names[status];
}

bool step_status_parse(const char *text, enum step_status *ret)
{
    for (size_t i = 0; i < sizeof step_status_names / sizeof *step_status_names; i++) {
        if (strcmp(text, step_status_names[i]) == 0) {
            *ret = (enum step_status)i;
            return true;
        }
    }
    return false;
}

bool force_parse(const char *word, unsigned *ret_bit)
{
    for (unsigned i = 0; i < sizeof force_words / sizeof *force_words; i++) {
        if (strcmp(word, force_words[i]) == 0) {
            *ret_bit = 1u << i;
            return true;
        }
    }
    return false;
}

const char *force_text(unsigned bit)
{
    for (unsigned i = 0; i < sizeof force_words / sizeof *force_words; i++) {
        if (bit == 1u << i)
            return force_words[i];
    }
    return NULL;
}
