/* The sidecar's line to the daemon on its host (pilotlight-control(7)).
 *
 * On the good day it is connected as the sidecar, hears of every change, and its calls are
 * answered. The sidecar outlives the daemon: when the line breaks it is drawn again, for ever, with
 * a pause that grows to a second; calls under way end with EXIT_STATUS_NO_DAEMON, and whoever made
 * them looks at the next status for what became of them. A place that another sidecar holds is
 * waited for. */
#pragma once

#include "base/loop.h"
#include "failover/decide.h"

#include <cjson/cJSON.h>

struct link;
struct link_question; /* something that the daemon asks of the sidecar: answer it once */

struct link_options {
    const char *socket;
    /* The daemon's status (see Status there), first when connected, then after each change. */
    void (*changed)(void *context, const cJSON *status);
    void (*lost)(void *context); /* until the next `changed` nothing is known */
    /* Another sidecar has the place, or we may not have it: it is not ours to go on. */
    void (*taken)(void *context);
    /* "plan", "ready", "readopt": ends with link_answer or link_refuse, now or later. */
    void (*asked)(
        void *context, const char *method, const cJSON *params, struct link_question *question);
    void *context;
};

struct link *link_new(struct loop *loop, const struct link_options *options);
void link_free(struct link *link, loop_call *freed, void *context);

/* `status`: 0, or an exit status with words. `result` (NULL with an error) is gone afterwards. */
typedef void link_replied(void *context, int status, const char *words, const cJSON *result);

/* `params` is taken. `replied` runs later, exactly once. */
void link_call(
    struct link *link, const char *method, cJSON *params, link_replied *replied, void *context);

/* Good also when the line has broken meanwhile: then nobody hears it. */
void link_answer(struct link_question *question, cJSON *result);
void link_refuse(struct link_question *question, enum exit_status status, const char *words);
