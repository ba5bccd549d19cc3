/* Which pairs of primary and replica the runbooks speak of; each in turn; their rows.
 *
 * The active region's runbook says what it promotes, and the returned region's what it would: the
 * first of one is paired with the first of the other, and so on. Where a promotion is a command of
 * the user's nobody here can know what replicates; then the row says what to do by hand. */
#include "failover/aws/readopt_parts.h"

#include "base/json.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- who is whose -- */

/* What a runbook promotes for a group, each once. */
struct promoted {
    const struct config_step **steps;
    size_t count;
};

static const char *promoted_name(const struct config_step *step)
{
    const char *instance = json_text(step->parameters, "instance");
    return instance ? instance : json_text(step->parameters, "target");
}

static bool covers(const struct config_step *step, size_t group)
{
    size_t i = 0;
    while (i < step->group_count && step->groups[i] != group)
        i++;
    return i < step->group_count;
}

/* The same instance may stand in one step for failovers and one for switchovers. */
static bool has_promoted(const struct promoted *promoted, const struct config_step *step)
{
    const char *name = promoted_name(step);
    for (size_t i = 0; name && i < promoted->count; i++) {
        const char *other = promoted_name(promoted->steps[i]);
        if (other && strcmp(other, name) == 0)
            return true;
    }
    return false;
}

static struct promoted find_promoted(const struct config *config, const char *region, size_t group)
{
    struct promoted ret = {.count = 0};
    size_t index = config_region(config, region);
    if (index == CONFIG_NONE)
        return ret;
    const struct config_runbook *runbook = &config->runbooks[index];
    ret.steps = memory_new_array(runbook->step_count + 1, sizeof(struct config_step *));
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        if (step->promotes && covers(step, group) && !has_promoted(&ret, step))
            ret.steps[ret.count++] = step;
    }
    return ret;
}

/* -- rows -- */

static void set_words(struct readopt_pair *pair, const char *status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void set_words(struct readopt_pair *pair, const char *status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pair->status = status;
    vsnprintf(pair->words, sizeof pair->words, format, arguments);
    va_end(arguments);
}

/* When the region was left for the last time, as "20261123-070000": the same at every look. */
static void date_of_leaving(
    const struct readopt *readopt, const struct state_group *group, char ret[16])
{
    const struct state *state = readopt->state;
    size_t used = 0;
    for (size_t i = state->history_count; i > 0 && used == 0; i--) {
        const struct transition *past = state->history[i - 1];
        const struct transition_group *member = transition_find_group(past, group->id);
        if (!member || strcmp(member->from, readopt->region) != 0)
            continue;
        for (const char *at = past->started.wall; *at && *at != '.' && used < 15; at++) {
            if (isdigit((unsigned char)*at))
                ret[used++] = *at;
            else if (*at == 'T')
                ret[used++] = '-';
        }
    }
    ret[used] = '\0';
}

/* "orders-old-20261123-070000", cut to what RDS takes, where two hyphens never meet. */
static void name_the_old(const struct readopt *readopt, struct readopt_pair *pair)
{
    char date[16];
    date_of_leaving(readopt, pair->group, date);
    int base = (int)(sizeof pair->old - sizeof "-old-20261123-070000");
    if ((size_t)base > strlen(pair->replica))
        base = (int)strlen(pair->replica);
    while (base > 1 && pair->replica[base - 1] == '-')
        base--;
    snprintf(
        pair->old, sizeof pair->old, "%.*s-old%s%s", base, pair->replica, *date ? "-" : "", date);
}

static struct readopt_pair *add_pair(struct readopt *readopt, const struct state_group *group)
{
    readopt->pairs = memory_resize(readopt->pairs, readopt->count + 1, sizeof *readopt->pairs);
    struct readopt_pair *pair = &readopt->pairs[readopt->count++];
    *pair = (struct readopt_pair){.group = group};
    return pair;
}

/* One database may serve several groups: it is looked at once. */
static bool is_known(const struct readopt *readopt, const char *replica)
{
    for (size_t i = 0; replica && i < readopt->count; i++) {
        if (readopt->pairs[i].replica && strcmp(readopt->pairs[i].replica, replica) == 0)
            return true;
    }
    return false;
}

static void add_two(struct readopt *readopt, const struct state_group *group,
    const struct config_step *now, const struct config_step *then)
{
    const char *global = json_text(now->parameters, "global_cluster");
    const char *same = json_text(then->parameters, "global_cluster");
    if (is_known(readopt, promoted_name(then)))
        return;
    struct readopt_pair *pair = add_pair(readopt, group);
    pair->primary = promoted_name(now);
    pair->replica = promoted_name(then);
    pair->global = global;
    if (!pair->primary || !pair->replica)
        set_words(pair, "fail",
            "\"%s\" promotes by a command of its own, and what replicates then only its author "
            "knows: make the replica in %s by hand; then switchover %s --force=latch goes back",
            pair->primary ? then->id : now->id, readopt->region, readopt->region);
    else if (!global != !same || (global && strcmp(global, same) != 0))
        set_words(pair, "fail",
            "%s and %s are not of one kind, or not of one global cluster: look at \"%s\" and "
            "\"%s\" in the runbooks",
            pair->primary, pair->replica, now->id, then->id);
    else if (!global)
        name_the_old(readopt, pair);
}

static void add_group(struct readopt *readopt, const struct state_group *group, size_t index)
{
    struct promoted now = find_promoted(readopt->config, group->active, index);
    struct promoted then = find_promoted(readopt->config, readopt->region, index);
    if (strcmp(group->active, readopt->region) == 0)
        set_words(add_pair(readopt, group), "fail",
            "%s is active in %s itself: move it away first, or leave the latch", group->id,
            readopt->region);
    else if (now.count == 0 || then.count != now.count)
        set_words(add_pair(readopt, group), "fail",
            "the runbook of %s promotes %zu databases of %s, that of %s %zu: say in both, with "
            "rds.promote_read_replica for one, which instances are whose; or make the replica by "
            "hand, then switchover %s --force=latch goes back",
            group->active[0] ? group->active : "the active region", now.count, group->id,
            readopt->region, then.count, readopt->region);
    else
        for (size_t i = 0; i < now.count; i++)
            add_two(readopt, group, now.steps[i], then.steps[i]);
    free(now.steps);
    free(then.steps);
}

static void add_all(struct readopt *readopt)
{
    for (size_t i = 0; i < readopt->config->group_count; i++) {
        const struct state_group *group =
            state_find_group(readopt->state, readopt->config->groups[i].id);
        if (group && group_is_latched(group, readopt->region))
            add_group(readopt, group, i);
    }
}

static cJSON *to_json(const struct readopt *readopt)
{
    cJSON *result = cJSON_CreateObject();
    bool done = true;
    for (size_t i = 0; i < readopt->count; i++)
        done = done && strcmp(readopt->pairs[i].status, "done") == 0;
    cJSON_AddBoolToObject(result, "done", done);
    cJSON *rows = cJSON_AddArrayToObject(result, "rows");
    for (size_t i = 0; i < readopt->count; i++) {
        const struct readopt_pair *pair = &readopt->pairs[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "group", pair->group->id);
        cJSON_AddStringToObject(row, "instance", pair->replica ? pair->replica : "");
        cJSON_AddStringToObject(row, "status", pair->status);
        cJSON_AddStringToObject(row, "words", pair->words);
        cJSON_AddItemToArray(rows, row);
    }
    return result;
}

/* -- one after the other -- */

static void on_closed(uv_handle_t *handle)
{
    struct readopt *readopt = handle->data;
    for (size_t i = 0; i < readopt->count; i++) {
        free(readopt->pairs[i].primary_arn);
        cJSON_Delete(readopt->pairs[i].old_instance);
    }
    free(readopt->pairs);
    free(readopt->region);
    state_free(readopt->state);
    config_unref(readopt->config);
    free(readopt);
}

static void on_turn(uv_timer_t *timer)
{
    struct readopt *readopt = timer->data;
    while (readopt->current < readopt->count && readopt_current(readopt)->status)
        readopt->current++;
    if (readopt->current == readopt->count) {
        cJSON *result = to_json(readopt);
        uv_close((uv_handle_t *)timer, on_closed);
        readopt->done(readopt->context, result);
    } else if (readopt_current(readopt)->global) {
        readopt_look_at_global(readopt);
    } else {
        readopt_look_at_pair(readopt);
    }
}

struct readopt_pair *readopt_current(struct readopt *readopt)
{
    return &readopt->pairs[readopt->current];
}

void readopt_call(struct readopt *readopt, struct aws_request *request, aws_done *replied)
{
    readopt->call = aws_start(readopt->options.aws, request, READOPT_BUDGET_MS, replied, readopt);
}

void readopt_end(struct readopt *readopt, const char *status, const struct aws_reply *reply,
    const char *format, ...)
{
    char ours[STATE_DETAIL_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ours, sizeof ours, format, arguments);
    va_end(arguments);
    if (reply && reply->words)
        set_words(readopt_current(readopt), status, "%s: %.256s", ours, reply->words);
    else
        set_words(readopt_current(readopt), status, "%s", ours);
    uv_timer_start(&readopt->timer, on_turn, 0, 0);
}

struct readopt *readopt_start(const struct readopt_options *options, readopted *done, void *context)
{
    struct readopt *readopt = memory_new(sizeof *readopt);
    readopt->options = *options;
    readopt->config = config_ref((struct config *)options->config);
    readopt->state = state_copy(options->state);
    readopt->region = memory_text(options->region);
    readopt->done = done;
    readopt->context = context;
    add_all(readopt);
    uv_timer_init(&options->loop->uv, &readopt->timer);
    readopt->timer.data = readopt;
    uv_timer_start(&readopt->timer, on_turn, 0, 0);
    return readopt;
}

void readopt_cancel(struct readopt *readopt)
{
    aws_cancel(readopt->call);
    readopt->call = NULL;
    uv_close((uv_handle_t *)&readopt->timer, on_closed);
}
