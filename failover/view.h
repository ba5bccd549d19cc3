/* The view: what configuration and state together mean for an answer, a connection, a request.
 *
 * An immutable snapshot, built on the main loop at every change, read without locks by every loop
 * until it has taken the next one (announce.h). All wings read it; none changes it. */
#pragma once

#include "base/siphash.h"
#include "config/config.h"
#include "failover/decide.h"

enum view_status {
    VIEW_OPEN,     /* answers follow `target` */
    VIEW_FENCED,   /* a database between two regions: nothing new goes to the old one */
    VIEW_UNDECIDED /* nobody knows: never guess */
};

struct view_endpoint {
    const struct config_endpoint *config;
    enum view_status status;
    size_t region;                      /* index into config.regions; CONFIG_NONE: undecided */
    const struct config_target *target; /* the active one; NULL: undecided, or a bucket */
    uint64_t drain_ms; /* of a fence: for how long the relay's open connections may stay; 0: cut */
    /* What the names answer instead of the target: the relay's or the gateway's addresses. */
    const struct address *addresses[4];
    unsigned address_count;
};

struct view_name {
    struct name name; /* of a wildcard without its "*" */
    uint64_t hash;
    const struct view_endpoint *endpoint;
    struct view_name *next; /* in its bucket */
};

struct view_names {
    struct view_name **buckets;
    size_t mask; /* buckets - 1 */
};

struct view {
    uint64_t generation; /* rises with every view of this process */
    uint64_t epoch;
    struct config *config; /* a reference */
    struct config_upstreams
        upstreams; /* those of the file, or of resolv.conf; the view's own copy */
    struct siphash_key key;
    struct address loopback[2];      /* IPv4, IPv6: of a gateway that listens everywhere */
    struct view_endpoint *endpoints; /* in the order of config.endpoints */
    struct view_names exact, wildcards;
    uint64_t wildcard_labels[2]; /* bit N: there is a wildcard whose suffix has N labels */
};

struct view_inputs {
    struct config *config;
    const struct state *state; /* NULL or incomplete: those groups are undecided */
    const struct world *world;
    const struct config_upstreams *upstreams; /* in force when the file names none */
    char *const *fence_also; /* group ids fenced although the record does not say so yet */
    size_t fence_also_count;
    bool fence_also_cuts;          /* no drain for those */
    bool gateway_answers;          /* it runs: buckets' names lead to it, else to nobody */
    bool planned;                  /* what fences is a switchover: relays may drain */
    const struct siphash_key *key; /* the process's own */
};

struct view *view_new(const struct view_inputs *inputs);
void view_free(struct view *view);

/* The name's endpoint: an exact name beats a wildcard, the longest wildcard wins. `wire` is lower
 * case with `size` bytes, `hash` its siphash under view->key. NULL: not managed. */
const struct view_endpoint *view_find(
    const struct view *view, const uint8_t *wire, size_t size, uint64_t hash);
