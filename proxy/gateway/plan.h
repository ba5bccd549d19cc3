/* What to do with a request: the one decision between its head and the upstream.
 *
 * Whose bucket is it, may it pass, what has to change: everything that routes, verifies, maps and
 * signs is called from here. What moves bytes knows nothing of S3. */
#pragma once

#include "failover/view.h"
#include "proxy/gateway/answer.h"
#include "proxy/gateway/gateway_error.h"
#include "proxy/gateway/stream.h"
#include "proxy/gateway/upstream.h"

/* Changes the response's head in place; its spans may point into what the mapper owns. 0, or a
 * negative errno: this response must not go on. */
struct response_mapper {
    int (*head)(struct response_mapper *mapper, struct http_head *head);
    void (*free)(struct response_mapper *mapper);
};

enum plan_verdict {
    PLAN_FORWARD,
    PLAN_ANSWER, /* by ourselves */
    PLAN_COLLECT /* asked again once the whole body has been read */
};

struct plan {
    enum plan_verdict verdict;
    struct answer answer; /* PLAN_ANSWER */
    enum gateway_error error;
    size_t collect_max; /* PLAN_COLLECT: bytes; a longer body is EntityTooLarge */

    /* PLAN_FORWARD. `send` is what is written upstream: the request's own head, or another one that
     * lives as long as the plan. Absent filters let bodies pass as they are. */
    struct origin origin;
    const struct http_head *send;
    struct text body; /* after PLAN_COLLECT: what is sent as the body, `send->length` bytes */
    struct body_filter *request_filter, *response_filter; /* taken by the streams; or NULL */
    struct response_mapper *mapper;                       /* or NULL */
};

/* `body`: NULL, or all of it where PLAN_COLLECT asked for it. */
void plan_make(struct plan *plan, const struct view *view, const struct http_head *request,
    const struct span *body);
void plan_fini(struct plan *plan);
