/* The record out of JSON, checked whole: every member there, of the right kind and within its
 * bound, names unique, and what it says free of contradiction.
 *
 * Members that are not known are passed over: whoever adds one that matters raises `format`. Those
 * that came later (`force`, `target_rto_ms`, the lag of a step) may be missing. */
#include "failover/state.h"

#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

#define NUMBER_MAX                                                                                 \
    (2 * STATE_COUNTER_MAX) /* a forced record starts beyond what salvage believes                 \
                             */

/* Where a check failed; the first one counts. */
struct reader {
    struct failure *why;
    bool failed;
};

static void fail(struct reader *reader, const cJSON *object, const char *key)
{
    const char *where = object && object->string ? object->string : "the record";
    if (!reader->failed)
        failure_set(reader->why, -EINVAL, "\"%s\" of %.80s is missing or impossible", key, where);
    reader->failed = true;
}

static void read_text(
    struct reader *reader, const cJSON *object, const char *key, char *to, size_t room)
{
    const char *text = json_text(object, key);
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size >= room)
        fail(reader, object, key);
    else
        memcpy(to, text, size + 1);
}

static char *read_long_text(struct reader *reader, const cJSON *object, const char *key, size_t max)
{
    const cJSON *value = json_member(object, key);
    const char *text = cJSON_GetStringValue(value);
    if (!text && cJSON_IsNull(value))
        return NULL;
    if (text && strlen(text) <= max)
        return memory_text(text);
    fail(reader, object, key);
    return NULL;
}

static uint64_t read_number(
    struct reader *reader, const cJSON *object, const char *key, uint64_t max)
{
    uint64_t number = 0;
    if (!json_integer(object, key, &number) || number > max)
        fail(reader, object, key);
    return number;
}

/* Where it is missing or null: 0, and false. */
static bool read_later_number(
    struct reader *reader, const cJSON *object, const char *key, uint64_t *ret)
{
    const cJSON *value = json_member(object, key);
    *ret = 0;
    if (!value || cJSON_IsNull(value))
        return false;
    *ret = read_number(reader, object, key, NUMBER_MAX);
    return true;
}

static bool read_bool(struct reader *reader, const cJSON *object, const char *key)
{
    const cJSON *value = json_member(object, key);
    if (!cJSON_IsBool(value))
        fail(reader, object, key);
    return cJSON_IsTrue(value);
}

static void read_moment(
    struct reader *reader, const cJSON *object, const char *key, struct moment *ret)
{
    const cJSON *json = json_member(object, key);
    *ret = (struct moment){.boot_ms = 0};
    if (cJSON_IsNull(json))
        return;
    const char *boot_id = json_text(json, "boot_id");
    if (!cJSON_IsObject(json) || !boot_id || strlen(boot_id) >= sizeof ret->boot_id) {
        fail(reader, object, key);
        return;
    }
    read_text(reader, json, "wall", ret->wall, sizeof ret->wall);
    memcpy(ret->boot_id, boot_id, strlen(boot_id) + 1);
    ret->boot_ms = read_number(reader, json, "boot_ms", NUMBER_MAX);
}

/* The members of an object that is keyed by names, at most `max` of them; NULL: none, or failed. */
static const cJSON *read_members(
    struct reader *reader, const cJSON *object, const char *key, size_t max, bool is_array)
{
    const cJSON *members = json_member(object, key);
    bool right = is_array ? cJSON_IsArray(members) : cJSON_IsObject(members);
    if (right && (size_t)cJSON_GetArraySize(members) <= max)
        return members->child;
    fail(reader, object, key);
    return NULL;
}

static bool is_id(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    return size > 0 && size <= CONFIG_ID_MAX;
}

static void read_latched(struct reader *reader, const cJSON *json, struct state_group *group)
{
    const cJSON *at = read_members(reader, json, "latched", CONFIG_REGIONS_MAX, true);
    for (; at; at = at->next) {
        const char *region = cJSON_GetStringValue(at);
        if (!is_id(region) || group_is_latched(group, region))
            fail(reader, json, "latched");
        else
            group_latch(group, region);
    }
}

static void read_groups(struct reader *reader, const cJSON *record, struct state *state)
{
    const cJSON *at = read_members(reader, record, "groups", CONFIG_GROUPS_MAX, false);
    for (; at && !reader->failed; at = at->next) {
        if (!is_id(at->string) || state_find_group(state, at->string)) {
            fail(reader, record, "groups");
            return;
        }
        struct state_group *group = state_add_group(state, at->string);
        read_text(reader, at, "active", group->active, sizeof group->active);
        group->fenced = read_bool(reader, at, "fenced");
        if (group->fenced)
            read_moment(reader, at, "fenced_at", &group->fenced_at);
        read_latched(reader, at, group);
    }
}

static bool parse_progress(const char *text, enum transition_progress *ret)
{
    static const char *const names[] = {"open", "fenced", "switched"};
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum transition_progress)i;
            return true;
        }
    }
    return false;
}

static void read_transition_groups(
    struct reader *reader, const cJSON *json, struct transition *transition)
{
    const cJSON *at = read_members(reader, json, "groups", CONFIG_GROUPS_MAX, false);
    const cJSON *from = json_member(json, "from");
    size_t count = at ? (size_t)cJSON_GetArraySize(json_member(json, "groups")) : 0;
    if (!cJSON_IsObject(from) || (size_t)cJSON_GetArraySize(from) != count)
        fail(reader, json, "from");
    transition->groups = memory_new_array(count, sizeof *transition->groups);
    for (; at && !reader->failed; at = at->next) {
        struct transition_group group = {.from = ""};
        if (!is_id(at->string) || transition_find_group(transition, at->string) ||
            !parse_progress(cJSON_GetStringValue(at), &group.progress)) {
            fail(reader, json, "groups");
            return;
        }
        memcpy(group.id, at->string, strlen(at->string) + 1);
        if (!cJSON_IsNull(json_member(from, group.id)))
            read_text(reader, from, group.id, group.from, sizeof group.from);
        transition->groups[transition->group_count++] = group;
    }
}

static void read_step(struct reader *reader, const cJSON *json, struct transition_step *step)
{
    const char *status = json_text(json, "status");
    if (!status || !step_status_parse(status, &step->status))
        fail(reader, json, "status");
    step->attempt = (unsigned)read_number(reader, json, "attempt", UINT32_MAX);
    read_moment(reader, json, "started", &step->started);
    read_moment(reader, json, "ended", &step->ended);
    step->promotes = read_bool(reader, json, "promotes");
    step->irreversible = read_bool(reader, json, "irreversible");
    step->continue_on_failure = read_bool(reader, json, "continue_on_failure");
    step->detail = read_long_text(reader, json, "detail", STATE_DETAIL_MAX);
    step->has_lag = read_later_number(reader, json, "lag_ms", &step->lag_ms);
    const cJSON *aws = json_member(json, "aws");
    if (cJSON_IsNull(aws))
        return;
    if (!cJSON_IsObject(aws)) {
        fail(reader, json, "aws");
        return;
    }
    step->aws_code = read_long_text(reader, aws, "code", STATE_WORD_MAX);
    step->aws_request_id = read_long_text(reader, aws, "request_id", STATE_WORD_MAX);
}

static void read_steps(struct reader *reader, const cJSON *json, struct transition *transition)
{
    const cJSON *at = read_members(reader, json, "steps", STATE_STEPS_MAX, false);
    for (; at && !reader->failed; at = at->next) {
        if (!is_id(at->string) || transition_find_step(transition, at->string))
            fail(reader, json, "steps");
        else
            read_step(reader, at, transition_add_step(transition, at->string));
    }
}

static void read_requests(struct reader *reader, const cJSON *json, struct transition *transition)
{
    const cJSON *at = read_members(reader, json, "requests", STATE_REQUESTS_MAX, false);
    for (; at && !reader->failed; at = at->next) {
        struct transition_request *request = &transition->requests[transition->request_count];
        const char *command = cJSON_GetStringValue(at);
        if (!at->string || strlen(at->string) >= sizeof request->id || !command ||
            strlen(command) >= sizeof request->command) {
            fail(reader, json, "requests");
            return;
        }
        memcpy(request->id, at->string, strlen(at->string) + 1);
        memcpy(request->command, command, strlen(command) + 1);
        transition->request_count++;
    }
}

static enum transition_kind read_kind(struct reader *reader, const cJSON *json)
{
    const char *text = json_text(json, "kind");
    for (int i = TRANSITION_FAILOVER; text && i <= TRANSITION_SWITCH_ONLY; i++) {
        if (strcmp(text, transition_kind_text((enum transition_kind)i)) == 0)
            return (enum transition_kind)i;
    }
    fail(reader, json, "kind");
    return TRANSITION_FAILOVER;
}

static enum transition_result read_result(struct reader *reader, const cJSON *json)
{
    const char *text = json_text(json, "result");
    for (int i = RESULT_DONE; text && i <= RESULT_FAILED; i++) {
        if (strcmp(text, transition_result_text((enum transition_result)i)) == 0)
            return (enum transition_result)i;
    }
    if (!cJSON_IsNull(json_member(json, "result")))
        fail(reader, json, "result");
    return RESULT_NONE;
}

static void read_force(struct reader *reader, const cJSON *json, struct transition *transition)
{
    const cJSON *words = json_member(json, "force"), *word;
    if (words && !cJSON_IsArray(words))
        fail(reader, json, "force");
    cJSON_ArrayForEach(word, words)
    {
        unsigned bit = 0;
        if (!cJSON_IsString(word) || !force_parse(word->valuestring, &bit))
            fail(reader, json, "force");
        transition->force |= bit;
    }
}

static struct transition *read_transition(struct reader *reader, const cJSON *json)
{
    struct transition *transition = memory_new(sizeof *transition);
    read_text(reader, json, "id", transition->id, sizeof transition->id);
    read_text(reader, json, "to", transition->to, sizeof transition->to);
    transition->kind = read_kind(reader, json);
    read_transition_groups(reader, json, transition);
    read_steps(reader, json, transition);
    read_requests(reader, json, transition);
    transition->by = read_long_text(reader, json, "by", STATE_WORD_MAX);
    transition->reason = read_long_text(reader, json, "reason", STATE_REASON_MAX);
    if (!transition->by || !transition->reason)
        fail(reader, json, "by");
    read_moment(reader, json, "started", &transition->started);
    read_moment(reader, json, "ended", &transition->ended);
    transition->result = read_result(reader, json);
    transition->error = read_long_text(reader, json, "error", STATE_REASON_MAX);
    transition->lag_ms = -1;
    if (!cJSON_IsNull(json_member(json, "lag_ms")))
        transition->lag_ms = (int64_t)read_number(reader, json, "lag_ms", NUMBER_MAX);
    read_force(reader, json, transition);
    read_later_number(reader, json, "target_rto_ms", &transition->target_rto_ms);
    return transition;
}

static void read_history(struct reader *reader, const cJSON *record, struct state *state)
{
    const cJSON *at = read_members(reader, record, "history", STATE_HISTORY_MAX, true);
    state->history = memory_new_array(STATE_HISTORY_MAX, sizeof *state->history);
    for (; at && !reader->failed; at = at->next) {
        struct transition *past = read_transition(reader, at);
        state->history[state->history_count++] = past;
        if (past->result == RESULT_NONE)
            fail(reader, at, "result");
    }
}

/* A running transition and the groups must tell the same story. */
static void check_running(struct reader *reader, const cJSON *record, const struct state *state)
{
    const struct transition *running = state->transition;
    if (running->result != RESULT_NONE || running->kind == TRANSITION_SWITCH_ONLY)
        fail(reader, record, "transition");
    for (size_t i = 0; i < running->group_count; i++) {
        const struct transition_group *group = &running->groups[i];
        const struct state_group *entry = state_find_group(state, group->id);
        const char *active = group->progress == PROGRESS_SWITCHED ? running->to : group->from;
        if (!entry || !group->from[0] || strcmp(entry->active, active) != 0 ||
            (group->progress == PROGRESS_FENCED) != entry->fenced)
            fail(reader, record, "transition");
    }
}

int state_from_json(const cJSON *json, struct state **ret_state, struct failure *why)
{
    struct reader reader = {.why = why};
    struct state *state = state_new();
    *ret_state = NULL;
    if (read_number(&reader, json, "format", NUMBER_MAX) != STATE_FORMAT)
        fail(&reader, json, "format");
    state->revision = read_number(&reader, json, "revision", NUMBER_MAX);
    state->epoch = read_number(&reader, json, "epoch", NUMBER_MAX);
    read_groups(&reader, json, state);
    if (!cJSON_IsNull(json_member(json, "transition"))) {
        state->transition = read_transition(&reader, json_member(json, "transition"));
        if (!reader.failed)
            check_running(&reader, json, state);
    }
    read_history(&reader, json, state);
    if (!reader.failed) {
        *ret_state = state;
        return 0;
    }
    state_free(state);
    return -EINVAL;
}
