/* `ready`: the checks as a table, and whether all of them let a switch go ahead. */
#pragma once

#include "programs/cli_page.h"
#include "programs/cli_session.h"

enum exit_status ready_run(struct session *session);

void draw_ready(const struct page *page, const cJSON *result);
