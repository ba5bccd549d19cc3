/* What the daemon asks of the sidecar, over the sidecar's own connection (pilotlight-control(7)).
 *
 *     ask → {"id": "d7", "method": "plan", …} on its line → its reply on the same line → answered
 *
 * A question is answered exactly once: by the sidecar, or in words that say why not. On the main
 * loop. */
#pragma once

#include "base/loop.h"
#include "failover/decide.h"

#include <cjson/cJSON.h>

#define SIDECAR_QUESTIONS_MAX 8
#define SIDECAR_PATIENCE_MS 60000

struct sidecar_desk;

/* `status`: EXIT_STATUS_DONE with the result, an object that is gone afterwards; or words. */
typedef void sidecar_answered(
    void *context, enum exit_status status, const char *words, const cJSON *result);
typedef void sidecar_send(void *context, char *line); /* takes it */

struct sidecar_desk *sidecar_desk_new(struct loop *loop, uint64_t patience_ms);

/* Nothing is asked any more; `freed` runs later. */
void sidecar_desk_free(struct sidecar_desk *desk, loop_call *freed, void *context);

/* A sidecar is there; `send` NULL: it is gone, and what it was asked is lost. */
void sidecar_desk_connect(struct sidecar_desk *desk, sidecar_send *send, void *context);
bool sidecar_desk_is_connected(const struct sidecar_desk *desk);

/* `params` is taken. May be answered before it returns. */
void sidecar_desk_ask(struct sidecar_desk *desk, const char *method, cJSON *params,
    sidecar_answered *answered, void *context);

/* Whoever asked is gone: its questions stay unanswered. */
void sidecar_desk_forget(struct sidecar_desk *desk, const void *context);

/* A line of the sidecar's that is no request: a reply, or nonsense, which is dropped. */
void sidecar_desk_hear(struct sidecar_desk *desk, const cJSON *message);
