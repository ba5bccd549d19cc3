/* What to do with a request: the one decision between its head and the upstream.
 *
 * Whose bucket is it, may it pass, what has to change: everything that routes, verifies, maps and
 * signs is called from here. What moves bytes knows nothing of S3. */
#pragma once

#include "failover/view.h"
#include "proxy/gateway/answer.h"
#include "proxy/gateway/auth.h"
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
    PLAN_COLLECT /* asked again once the whole body has been read, or enough of it */
};

/* What a loop decides with: its own keys, for their signing keys are kept with them. */
struct planner {
    struct sigv4 sigv4;
    struct auth_keys keys;
    struct auth_key *host; /* who signs with `sign_as` "host"; NULL: not known (now) */
    bool is_waiting;       /* the host's own keys are still being looked for */
    char *vend_token;      /* whoever shows it is given the host's key; NULL: nobody is */
};

struct plan_inputs {
    struct planner *planner;
    const struct view *view;
    const struct http_head *request;
    const struct span *body; /* NULL, or what was read of it where PLAN_COLLECT asked for it */
    struct span sni;         /* of the TLS handshake; empty: none */
    bool is_tls;
    bool is_local;  /* the client is on this host; told where vend_is_asked */
    uint64_t now_s; /* seconds since 1970 */
};

struct plan {
    enum plan_verdict verdict;
    struct answer answer; /* PLAN_ANSWER */
    enum gateway_error error;
    size_t collect_max; /* PLAN_COLLECT: bytes; more is refused */
    /* Whether these first bytes of the body will do; the rest then follows them as it comes. NULL:
     * all of it is needed. */
    bool (*has_enough)(const struct plan *plan, struct span bytes);

    /* PLAN_FORWARD. `send` is what is written upstream: the request's own head, or another one that
     * lives as long as the plan. Absent filters let bodies pass as they are. */
    struct origin origin;
    const struct http_head *send;
    struct text body; /* after PLAN_COLLECT: what is sent as the body's beginning, or all of it */
    struct body_filter *request_filter;  /* taken by the streams; or NULL */
    struct body_filter *response_filter; /* likewise; the mapper may make it */
    struct response_mapper *mapper;      /* or NULL */
    bool may_read_elsewhere;             /* should S3 have nothing there: plan_read_elsewhere */
    bool has_unknown_key; /* it passes, signed by a key that could not be verified after a switch */
    struct plan_parts *parts; /* the plan's own */
};

/* The plan stays where it is until plan_fini; the inputs' head and configuration outlive it. */
void plan_make(struct plan *plan, const struct plan_inputs *inputs);

/* A read that found nothing where `first` leads to is planned for the bucket of another region, by
 * the same configuration. What becomes of it is a plan like any other. */
void plan_read_elsewhere(
    struct plan *plan, const struct plan_inputs *inputs, const struct plan *first);

void plan_fini(struct plan *plan);
