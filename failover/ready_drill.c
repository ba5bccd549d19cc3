/* A move that was never practised is a move that nobody knows. Ages are for people, across reboots
 * too, so they are of the wall clock. */
#include "failover/ready_drill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S (24 * 60 * 60)

/* The last move there that was carried to its end; where there is a runbook, one that ran it. */
static const struct transition *last_drill(
    const struct state *state, const char *region, bool has_runbook)
{
    for (size_t i = state->history_count; i > 0; i--) {
        const struct transition *past = state->history[i - 1];
        bool counts = past->kind != TRANSITION_SWITCH_ONLY || !has_runbook;
        if (counts && past->result == RESULT_DONE && strcmp(past->to, region) == 0)
            return past;
    }
    return NULL;
}

static bool wall_s(const char *wall, time_t *ret)
{
    struct tm parts = {.tm_isdst = 0};
    if (!strptime(wall, "%Y-%m-%dT%H:%M:%S", &parts))
        return false;
    *ret = timegm(&parts);
    return true;
}

/* 0 also when the clock says that it is yet to come. */
static unsigned days_since(const struct moment *then, const struct moment *now)
{
    time_t then_s, now_s;
    if (!wall_s(then->wall, &then_s) || !wall_s(now->wall, &now_s) || now_s < then_s)
        return 0;
    return (unsigned)((now_s - then_s) / DAY_S);
}

void ready_add_drill(
    struct ready_rows *rows, const struct state *state, const struct moment *now, size_t region)
{
    const struct config *config = ready_rows_config(rows);
    const char *id = config->regions[region];
    bool has_runbook = config->runbooks[region].present;
    const struct transition *last = last_drill(state, id, has_runbook);
    unsigned days = last ? days_since(&last->ended, now) : 0;
    bool fresh = last && days <= READY_DRILL_DAYS_MAX;
    char words[160], advice[CONFIG_ID_MAX + 48];
    if (last)
        snprintf(words, sizeof words, "the last move there was %u day%s ago", days,
            days == 1 ? "" : "s");
    else
        snprintf(words, sizeof words, "the record knows of no move there%s",
            has_runbook ? " by its runbook" : "");
    snprintf(advice, sizeof advice, "practise: pilotlight %s %s",
        has_runbook ? "switchover" : "failover", id);
    struct ready_row row = {.check = "drill",
        .region = id,
        .status = fresh ? READY_PASS : READY_WARN,
        .words = words,
        .advice = fresh ? NULL : advice};
    ready_rows_add(rows, &row);
}

void ready_add_ttl(struct ready_rows *rows, size_t region)
{
    const struct config *config = ready_rows_config(rows);
    uint32_t ttl_s = config->resolver.ttl_s;
    bool long_one = ttl_s > READY_TTL_MAX_S;
    char words[128];
    snprintf(words, sizeof words,
        "after a switch clients may keep the old answer for %" PRIu32 " s", ttl_s);
    struct ready_row row = {.check = "ttl",
        .region = config->regions[region],
        .status = long_one ? READY_WARN : READY_PASS,
        .words = words,
        .advice = long_one ? "make resolver.ttl smaller" : NULL};
    ready_rows_add(rows, &row);
}
