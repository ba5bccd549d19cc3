/* A runbook as a graph: who needs whom, in a failover and in a switchover.
 *
 * On the good day every database group is fenced, promoted and switched in this order, whatever
 * runs side by side. A need on a step that the occasion leaves out counts as met, so each occasion
 * is a graph of its own: its steps, and for each the set of all that it needs, directly or not. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct graph {
    struct check *check;
    const struct config_runbook *runbook;
    const cJSON **where;  /* each step in the file */
    const cJSON *all;     /* all steps in the file */
    const char *occasion; /* in words, where it makes a difference */
    bool *takes_part;     /* steps that the occasion has */
    uint64_t *groups;     /* of each step, as bits; none for one that takes no part */
    uint64_t *needs;      /* a row of bits for each step */
    size_t words;         /* of a row */
};

static uint64_t *row(const struct graph *graph, size_t step)
{
    return graph->needs + step * graph->words;
}

static bool needs(const struct graph *graph, size_t step, size_t other)
{
    return row(graph, step)[other / 64] >> other % 64 & 1;
}

static size_t find_step(const struct config_runbook *runbook, const char *id)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        if (runbook->steps[i].id && strcmp(runbook->steps[i].id, id) == 0)
            return i;
    }
    return CONFIG_NONE;
}

static void check_ids(const struct graph *graph)
{
    const struct config_runbook *runbook = graph->runbook;
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        const cJSON *id = json_member(graph->where[i], "id");
        const cJSON *need = json_member(graph->where[i], "needs");
        if (step->id && find_step(runbook, step->id) != i)
            check_wrong(graph->check, id, "\"%s\" is another step's id already", step->id);
        for (need = need ? need->child : NULL; need; need = need->next) {
            const char *other = cJSON_GetStringValue(need);
            if (other && find_step(runbook, other) == CONFIG_NONE)
                check_wrong(graph->check, need, "there is no step \"%.100s\"", other);
        }
    }
}

/* Warshall's closure, a row at a time. */
static void close_needs(struct graph *graph)
{
    size_t count = graph->runbook->step_count;
    for (size_t through = 0; through < count; through++) {
        for (size_t step = 0; step < count; step++) {
            for (size_t w = 0; needs(graph, step, through) && w < graph->words; w++)
                row(graph, step)[w] |= row(graph, through)[w];
        }
    }
}

static uint64_t group_bits(const struct config_step *step)
{
    static_assert(CONFIG_GROUPS_MAX <= 64, "a set of groups fits a word");
    uint64_t bits = 0;
    for (size_t i = 0; i < step->group_count; i++)
        bits |= UINT64_C(1) << step->groups[i];
    return bits;
}

static void build(struct graph *graph, bool failover)
{
    const struct config_runbook *runbook = graph->runbook;
    memset(graph->needs, 0, runbook->step_count * graph->words * sizeof *graph->needs);
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        graph->takes_part[i] = failover ? step->on_failover : step->on_switchover;
        graph->groups[i] = graph->takes_part[i] ? group_bits(step) : 0;
    }
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        for (size_t n = 0; graph->takes_part[i] && n < step->need_count; n++) {
            size_t other = find_step(runbook, step->needs[n]);
            if (other != CONFIG_NONE && graph->takes_part[other])
                row(graph, i)[other / 64] |= UINT64_C(1) << other % 64;
        }
    }
}

static bool check_circles(const struct graph *graph)
{
    bool found = false;
    for (size_t i = 0; i < graph->runbook->step_count; i++) {
        if (!needs(graph, i, i))
            continue;
        found = true;
        check_wrong(graph->check, json_member(graph->where[i], "needs"),
            "a circle: the step needs itself, directly or not");
    }
    return found;
}

/* Steps that call a lost region would wait for it. */
static void check_elsewhere(const struct graph *graph)
{
    const struct config_runbook *runbook = graph->runbook;
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        for (size_t n = 0; graph->takes_part[i] && n < step->need_count; n++) {
            size_t other = find_step(runbook, step->needs[n]);
            if (other != CONFIG_NONE && graph->takes_part[other] &&
                check_step_is_elsewhere(graph->check, runbook, graph->where[other]))
                check_wrong(graph->check, json_member(graph->where[i], "needs"),
                    "\"%s\" calls another region, which may be lost: nothing may need it",
                    step->needs[n]);
        }
    }
}

static bool serves(const struct graph *graph, size_t step, size_t group)
{
    return graph->groups[step] >> group & 1;
}

static bool is_type(const struct graph *graph, size_t index, const char *type)
{
    const char *own = graph->runbook->steps[index].type;
    return own && strcmp(own, type) == 0;
}

/* What a switch, or a promotion, of the group must come after. */
static void check_order(const struct graph *graph, size_t step, size_t group)
{
    const struct config_step *steps = graph->runbook->steps;
    bool switches = is_type(graph, step, "switch");
    for (size_t other = 0; other < graph->runbook->step_count; other++) {
        if (!serves(graph, other, group) || needs(graph, step, other))
            continue;
        bool fence = is_type(graph, other, "fence");
        const char *id = steps[other].id ? steps[other].id : steps[other].type;
        if (fence || (switches && steps[other].promotes))
            check_wrong(graph->check, graph->where[step],
                "%s database group \"%s\" without needing %s \"%s\"%s",
                switches ? "switches" : "promotes", graph->check->config->groups[group].id,
                fence ? "its fence" : "the promotion", id, graph->occasion);
    }
}

static void check_group(const struct graph *graph, size_t group)
{
    bool has_switch = false;
    for (size_t i = 0; i < graph->runbook->step_count; i++) {
        if (!serves(graph, i, group))
            continue;
        has_switch |= is_type(graph, i, "switch");
        if (is_type(graph, i, "switch") || graph->runbook->steps[i].promotes)
            check_order(graph, i, group);
    }
    if (!has_switch)
        check_wrong(graph->check, graph->all, "database group \"%s\" has no switch%s",
            graph->check->config->groups[group].id, graph->occasion);
}

static void check_occasion(struct graph *graph, bool failover)
{
    const struct config *config = graph->check->config;
    build(graph, failover);
    if (failover)
        check_elsewhere(graph);
    close_needs(graph);
    if (check_circles(graph))
        return;
    for (size_t group = 0; group < config->group_count; group++) {
        if (config->groups[group].has_database)
            check_group(graph, group);
    }
}

/* A failover is what runbooks are for; a switchover is judged where a step knows of it, and once is
 * enough where both have the same steps. A step whose type is not known takes part in nothing: who
 * knows what it should have been. */
static void check_occasions(struct graph *graph)
{
    const struct config_runbook *runbook = graph->runbook;
    bool differ = false, switchover = false;
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        if (!step->on_failover && !step->on_switchover)
            return;
        differ |= step->on_failover != step->on_switchover;
        switchover |= step->on_switchover;
    }
    graph->occasion = differ ? " (in a failover)" : "";
    check_occasion(graph, true);
    graph->occasion = " (in a switchover)";
    if (differ && switchover)
        check_occasion(graph, false);
}

void check_graph(struct check *check, const struct config_runbook *runbook, const cJSON *steps)
{
    struct graph graph = {.check = check, .runbook = runbook, .all = steps};
    size_t count = runbook->step_count;
    graph.words = count / 64 + 1;
    graph.where = memory_new_array(count, sizeof *graph.where);
    graph.takes_part = memory_new_array(count, sizeof *graph.takes_part);
    graph.groups = memory_new_array(count, sizeof *graph.groups);
    graph.needs = memory_new_array(count * graph.words, sizeof *graph.needs);
    const cJSON *where = steps->child;
    for (size_t i = 0; i < count; i++, where = where->next)
        graph.where[i] = where;
    check_ids(&graph);
    check_occasions(&graph);
    free(graph.where);
    free(graph.takes_part);
    free(graph.groups);
    free(graph.needs);
}
