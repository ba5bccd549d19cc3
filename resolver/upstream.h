/* The upstreams as one thread knows them: how fast each answers, which are dead, which to ask next.
 */
#pragma once

#include "config/config.h"
#include "failover/view.h"

#include <stdbool.h>

#define UPSTREAM_CHOICES_MAX 8
#define UPSTREAM_DEAD_AFTER 3 /* failures in a row */

struct stream;

struct upstream {
    struct address address;
    char *tls_name;        /* NULL: plain DNS */
    uint32_t srtt_ms;      /* smoothed; 0: never measured */
    unsigned failures;     /* in a row */
    uint64_t retry_at_ms;  /* after a failure: until then the others are asked first */
    struct stream *stream; /* TCP or TLS; NULL: none open */
    unsigned references;
    bool listed; /* the view in force has it */
};

struct upstreams;

struct upstreams *upstreams_new(void);
void upstreams_free(struct upstreams *upstreams);

/* Keeps what is known of upstreams that stay; the streams of those that go are closed. */
void upstreams_take_view(struct upstreams *upstreams, const struct view *view);

/* None is listed any more. */
void upstreams_stop(struct upstreams *upstreams);

struct upstream *upstream_ref(struct upstream *upstream);
void upstream_unref(struct upstream *upstream); /* NULL accepted */

/* Whom to ask for a name (lower case), best first: the longest route's, else the default ones.
 * `*ret_all_dead`: each has been silent lately. References are the caller's. Returns how many. */
unsigned upstreams_choose(struct upstreams *upstreams, const struct view *view, const uint8_t *name,
    size_t size, uint64_t now_ms, struct upstream *ret[UPSTREAM_CHOICES_MAX], bool *ret_all_dead);

/* The list that a name is routed to. */
const struct config_upstreams *upstreams_route(
    const struct view *view, const uint8_t *name, size_t size);

/* Silent so often in a row that nobody waits for it; each question that has no other still tries
 * it. */
bool upstream_is_dead(const struct upstream *upstream);
void upstream_answered(struct upstream *upstream, uint64_t took_ms);
void upstream_failed(struct upstream *upstream, uint64_t now_ms);

/* How long to wait for its answer before somebody else is asked. */
uint64_t upstream_timeout_ms(const struct upstream *upstream);
