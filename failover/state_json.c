/* The record as JSON, in the shape that pilotlight-control(7) shows.
 *
 * Objects keyed by name (groups, steps, requests) keep the record's order; what is not known is
 * null, so that the keys are always the same. Nothing here can fail. */
#include "failover/state.h"

#include "base/json.h"

static void add_number(cJSON *object, const char *key, uint64_t number)
{
    cJSON_AddNumberToObject(object, key, (double)number);
}

static void add_moment(cJSON *object, const char *key, const struct moment *moment)
{
    if (!moment->wall[0]) {
        cJSON_AddNullToObject(object, key);
        return;
    }
    cJSON *json = cJSON_AddObjectToObject(object, key);
    cJSON_AddStringToObject(json, "wall", moment->wall);
    cJSON_AddStringToObject(json, "boot_id", moment->boot_id);
    add_number(json, "boot_ms", moment->boot_ms);
}

static cJSON *group_to_json(const struct state_group *group)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "active", group->active);
    cJSON_AddBoolToObject(json, "fenced", group->fenced);
    if (group->fenced)
        add_moment(json, "fenced_at", &group->fenced_at);
    cJSON *latched = cJSON_AddArrayToObject(json, "latched");
    for (unsigned i = 0; i < group->latched_count; i++)
        cJSON_AddItemToArray(latched, cJSON_CreateString(group->latched[i]));
    return json;
}

static void add_lag(cJSON *object, bool known, uint64_t lag_ms)
{
    if (known)
        add_number(object, "lag_ms", lag_ms);
    else
        cJSON_AddNullToObject(object, "lag_ms");
}

static cJSON *step_to_json(const struct transition_step *step)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", step_status_text(step->status));
    add_number(json, "attempt", step->attempt);
    add_moment(json, "started", &step->started);
    add_moment(json, "ended", &step->ended);
    cJSON_AddBoolToObject(json, "promotes", step->promotes);
    cJSON_AddBoolToObject(json, "irreversible", step->irreversible);
    cJSON_AddBoolToObject(json, "continue_on_failure", step->continue_on_failure);
    json_add_text(json, "detail", step->detail);
    add_lag(json, step->has_lag, step->lag_ms);
    if (!step->aws_code && !step->aws_request_id) {
        cJSON_AddNullToObject(json, "aws");
        return json;
    }
    cJSON *aws = cJSON_AddObjectToObject(json, "aws");
    json_add_text(aws, "code", step->aws_code);
    json_add_text(aws, "request_id", step->aws_request_id);
    return json;
}

static const char *progress_text(enum transition_progress progress)
{
    return progress == PROGRESS_OPEN ? "open" : progress == PROGRESS_FENCED ? "fenced" : "switched";
}

static void add_groups(cJSON *json, const struct transition *transition)
{
    cJSON *from = cJSON_AddObjectToObject(json, "from");
    cJSON *groups = cJSON_AddObjectToObject(json, "groups");
    for (size_t i = 0; i < transition->group_count; i++) {
        const struct transition_group *group = &transition->groups[i];
        json_add_text(from, group->id, group->from[0] ? group->from : NULL);
        cJSON_AddStringToObject(groups, group->id, progress_text(group->progress));
    }
}

static void add_force(cJSON *json, unsigned force)
{
    cJSON *words = cJSON_AddArrayToObject(json, "force");
    for (unsigned bit = 1; bit <= FORCE_WORDS; bit <<= 1) {
        if (force & bit)
            cJSON_AddItemToArray(words, cJSON_CreateString(force_text(bit)));
    }
}

cJSON *transition_to_json(const struct transition *transition, enum state_phase phase)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", transition->id);
    cJSON_AddStringToObject(json, "to", transition->to);
    cJSON_AddStringToObject(json, "kind", transition_kind_text(transition->kind));
    json_add_text(json, "phase", state_phase_text(phase));
    add_groups(json, transition);
    cJSON *steps = cJSON_AddObjectToObject(json, "steps");
    for (size_t i = 0; i < transition->step_count; i++) {
        const struct transition_step *step = &transition->steps[i];
        cJSON_AddItemToObject(steps, step->id, step_to_json(step));
    }
    json_add_text(json, "by", transition->by);
    json_add_text(json, "reason", transition->reason);
    cJSON *requests = cJSON_AddObjectToObject(json, "requests");
    for (unsigned i = 0; i < transition->request_count; i++) {
        const struct transition_request *request = &transition->requests[i];
        cJSON_AddStringToObject(requests, request->id, request->command);
    }
    add_moment(json, "started", &transition->started);
    add_moment(json, "ended", &transition->ended);
    json_add_text(json, "result", transition_result_text(transition->result));
    json_add_text(json, "error", transition->error);
    add_lag(json, transition->lag_ms >= 0, (uint64_t)transition->lag_ms);
    add_force(json, transition->force);
    if (transition->target_rto_ms)
        add_number(json, "target_rto_ms", transition->target_rto_ms);
    else
        cJSON_AddNullToObject(json, "target_rto_ms");
    return json;
}

cJSON *state_to_json(const struct state *state)
{
    cJSON *json = cJSON_CreateObject();
    add_number(json, "format", STATE_FORMAT);
    add_number(json, "revision", state->revision);
    add_number(json, "epoch", state->epoch);
    cJSON *groups = cJSON_AddObjectToObject(json, "groups");
    for (size_t i = 0; i < state->group_count; i++)
        cJSON_AddItemToObject(groups, state->groups[i].id, group_to_json(&state->groups[i]));
    cJSON_AddItemToObject(json, "transition",
        state->transition ? transition_to_json(state->transition, state_phase(state))
                          : cJSON_CreateNull());
    cJSON *history = cJSON_AddArrayToObject(json, "history");
    for (size_t i = 0; i < state->history_count; i++)
        cJSON_AddItemToArray(history, transition_to_json(state->history[i], PHASE_STEADY));
    return json;
}
