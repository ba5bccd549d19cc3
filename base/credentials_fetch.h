/* One round of asking: whoever the plan names, then each role in turn. */
#pragma once

#include "base/credentials_plan.h"

struct credentials_fetch;

/* `credential` is the receiver's; NULL with words in `why`. The fetch is gone by then. */
typedef void credentials_fetched(
    void *context, struct credential *credential, const struct failure *why);

/* Takes the plan. `*ret` is set before `done` runs, which may be at once. */
void credentials_fetch_start(struct http_client *client, struct credentials_plan *plan,
    uint64_t now_s, credentials_fetched *done, void *context, struct credentials_fetch **ret);
void credentials_fetch_cancel(struct credentials_fetch *fetch); /* NULL accepted */
