/* What the sidecar is asked for: plan, and readopt until it is done. */
#pragma once

#include "programs/cli_page.h"
#include "programs/cli_session.h"

enum exit_status runbook_plan(struct session *session);
enum exit_status runbook_readopt(struct session *session);

void draw_plan(const struct page *page, const cJSON *plan);

/* One plain line for each row that is not among `before`'s (may be NULL). */
void draw_readopt(const struct page *page, const cJSON *before, const cJSON *rows);
