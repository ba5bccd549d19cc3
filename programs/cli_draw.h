/* What the daemon says, as people read it: status, a transition under way, history, explanations.
 * Everything is drawn from the protocol's JSON (pilotlight-control(7)); a member that is missing is
 * left out of the picture. */
#pragma once

#include "programs/cli_page.h"

void draw_status(const struct page *page, const cJSON *status);

/* A running transition with its steps, at most `lines` of them, and how long each usually takes by
 * the record's history (may be NULL). Returns how many lines it took. */
unsigned draw_transition(
    const struct page *page, const cJSON *transition, const cJSON *history, unsigned lines);

/* One plain line for each group and step that is not as it was; `before` may be NULL. */
void draw_changes(const struct page *page, const cJSON *before, const cJSON *after);

void draw_history(const struct page *page, const cJSON *history);

/* A row each, and how many more there are. */
void draw_connections(const struct page *page, const cJSON *result);

/* draw_members, but the relay's numbers are one line. */
void draw_explanation(const struct page *page, const cJSON *explanation);

/* Any JSON as indented lines, "key: value". */
void draw_members(const struct page *page, const cJSON *value);

/* "failover to us-west-2" and the names of its steps that failed, the caller's; NULL: none did. */
char *draw_title(const cJSON *transition);
char *draw_target(const cJSON *transition); /* " (target 15m00s)" or "", the caller's */
char *draw_failed_steps(const cJSON *transition);

/* Nobody knows what became of the step, and the transition went on without it. */
bool draw_passed_over(const cJSON *step);
