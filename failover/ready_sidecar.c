/* On the good day the sidecar looks at each step of each standby's runbook, region by region, and
 * its rows are taken over.
 *
 * What can go wrong: no sidecar is there to run the runbook, or it gives no sensible answer; either
 * is a row that fails, for a failover would fare no better. While a transition runs the sidecar has
 * other work, and AWS's patience is for that. */
#include "failover/ready_sidecar.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct ready_sidecar {
    struct ready_source source; /* first: it is the handle */
    struct loop *loop;
    const struct status_source *status;
    struct sidecar_desk *desk;
    struct ready_rows *rows; /* of the run under way; NULL: none */
    size_t region;           /* that is looked at */
    loop_call *freed;
    void *context;
};

static const char *region_of(const struct ready_sidecar *sidecar)
{
    return ready_rows_config(sidecar->rows)->regions[sidecar->region];
}

static void add(const struct ready_sidecar *sidecar, enum ready_status status, const char *words,
    const char *advice)
{
    struct ready_row row = {.check = "sidecar",
        .region = region_of(sidecar),
        .status = status,
        .words = words,
        .advice = advice};
    ready_rows_add(sidecar->rows, &row);
}

static bool parse_status(const char *text, enum ready_status *ret)
{
    static const char *const names[] = {"pass", "warn", "fail"};
    for (int i = 0; text && i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum ready_status)i;
            return true;
        }
    }
    return false;
}

/* Whatever region it says: it was asked about this one. */
static bool read_row(const struct ready_sidecar *sidecar, const cJSON *json, struct ready_row *ret)
{
    *ret = (struct ready_row){.check = json_text(json, "check"),
        .endpoint = json_text(json, "endpoint"),
        .region = region_of(sidecar),
        .words = json_text(json, "words"),
        .advice = json_text(json, "advice")};
    return ret->check && ret->words && parse_status(json_text(json, "status"), &ret->status);
}

static bool are_rows(const struct ready_sidecar *sidecar, const cJSON *list)
{
    const cJSON *json;
    struct ready_row row;
    cJSON_ArrayForEach(json, list)
    {
        if (!read_row(sidecar, json, &row))
            return false;
    }
    return cJSON_IsArray(list);
}

static void add_all(const struct ready_sidecar *sidecar, const cJSON *list)
{
    const cJSON *json;
    struct ready_row row;
    if (!are_rows(sidecar, list)) {
        add(sidecar, READY_FAIL, "the sidecar's answer makes no sense",
            "let pilotlightd and pilotlight-sidecar be of one version");
        return;
    }
    add(sidecar, READY_PASS, "a sidecar is connected to run the runbook", NULL);
    cJSON_ArrayForEach(json, list)
    {
        if (read_row(sidecar, json, &row))
            ready_rows_add(sidecar->rows, &row);
    }
}

static void look_at_next(struct ready_sidecar *sidecar);

static void on_answer(
    void *context, enum exit_status status, const char *words, const cJSON *result)
{
    struct ready_sidecar *sidecar = context;
    if (status == EXIT_STATUS_DONE)
        add_all(sidecar, json_member(result, "rows"));
    else
        add(sidecar, READY_FAIL, words, "see to pilotlight-sidecar on this host");
    sidecar->region++;
    look_at_next(sidecar);
}

/* Some group would have to be moved there by its runbook. */
static bool is_standby(const struct ready_sidecar *sidecar)
{
    const struct config *config = ready_rows_config(sidecar->rows);
    const struct state *state = keeper_state(sidecar->status->keeper);
    if (!config->runbooks[sidecar->region].present)
        return false;
    for (size_t i = 0; i < config->group_count; i++) {
        const struct state_group *group = state_find_group(state, config->groups[i].id);
        if (!group || strcmp(group->active, region_of(sidecar)) != 0)
            return true;
    }
    return false;
}

static void ask(struct ready_sidecar *sidecar)
{
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "region", region_of(sidecar));
    sidecar_desk_ask(sidecar->desk, "ready", params, on_answer, sidecar);
}

static void look_at_next(struct ready_sidecar *sidecar)
{
    const struct config *config = ready_rows_config(sidecar->rows);
    for (; sidecar->region < config->region_count; sidecar->region++) {
        if (!is_standby(sidecar))
            continue;
        if (!sidecar_desk_is_connected(sidecar->desk)) {
            add(sidecar, READY_FAIL, "no sidecar is connected to run the runbook",
                "systemctl start pilotlight-sidecar on this host; without it only pilotlight "
                "failover --switch-only works");
        } else if (keeper_state(sidecar->status->keeper)->transition) {
            add(sidecar, READY_WARN, "a transition runs: the runbook's steps were not looked at",
                "pilotlight wait");
        } else {
            ask(sidecar);
            return;
        }
    }
    struct ready_rows *rows = sidecar->rows;
    sidecar->rows = NULL;
    ready_rows_end(rows);
}

static void start(struct ready_source *source, struct ready_rows *rows)
{
    struct ready_sidecar *sidecar = (struct ready_sidecar *)source;
    sidecar->rows = rows;
    sidecar->region = 0;
    look_at_next(sidecar);
}

static void end(void *context)
{
    struct ready_sidecar *sidecar = context;
    loop_call *freed = sidecar->freed;
    void *freed_context = sidecar->context;
    free(sidecar);
    freed(freed_context);
}

static void stop(struct ready_source *source, loop_call *freed, void *context)
{
    struct ready_sidecar *sidecar = (struct ready_sidecar *)source;
    sidecar->freed = freed;
    sidecar->context = context;
    sidecar_desk_forget(sidecar->desk, sidecar);
    if (sidecar->rows)
        ready_rows_end(sidecar->rows);
    loop_post(sidecar->loop, end, sidecar);
}

struct ready_source *ready_sidecar_new(
    const struct ready_options *options, struct sidecar_desk *desk)
{
    struct ready_sidecar *sidecar = memory_new(sizeof *sidecar);
    *sidecar = (struct ready_sidecar){.source = {.start = start, .stop = stop},
        .loop = options->main_loop,
        .status = options->status,
        .desk = desk};
    return &sidecar->source;
}
