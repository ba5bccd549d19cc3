/* The S3 gateway: requests for the configuration's buckets and regions, sent on to where they are
 * served now.
 *
 *     request: head → plan (whose? verified? renamed?) → upstream → body both ways → the next one
 *
 * programs/ makes it, subscribes its loops to the announcer and registers its metrics. Without a
 * bucket endpoint it listens nowhere and has no threads; what listens where is fixed when it is
 * made, what both sides of TLS need when it starts. All but the threads' own is for the main loop.
 */
#pragma once

#include "base/lookup.h"
#include "base/metric.h"
#include "failover/announce.h"

struct gateway;

struct gateway_options {
    struct config *config;
    /* Descriptors that the service manager passed, -1 ends; taken when one fits a listener. */
    const int *inherited;
};

/* Binds every listener, before privileges are dropped. One that the file names and that cannot be
 * bound is an error in words; a default one is left out with a warning. */
int gateway_new(
    const struct gateway_options *options, struct gateway **ret_gateway, struct failure *why);

/* A listener speaks TLS: `gateway.ca_dir` has to be there, or its place within the reach of the
 * daemon's user, before gateway_start. */
bool gateway_needs_ca(const struct gateway *gateway);

/* The names of that configuration are what its CA vouches for: after a reload, and once a day. What
 * goes wrong is logged. */
void gateway_cover(struct gateway *gateway, const struct config *config);

/* The CA's certificate as PEM, until the next gateway_cover; NULL: there is none. `context` is the
 * gateway. */
const char *gateway_ca(void *context);

/* Whether it serves all that the configuration asks for: else buckets' names are better left to
 * the upstreams, for a client that is led to a closed port has nothing. */
bool gateway_is_whole(const struct gateway *gateway);

/* Before the first view is published. */
void gateway_subscribe(struct gateway *gateway, struct announce *announce);

/* As the daemon's own user: opens the CA or makes it, loads whom to trust, and starts the threads;
 * they accept from their first view on. `lookup` outlives the gateway. */
int gateway_start(struct gateway *gateway, struct lookup *lookup, struct failure *why);

/* Requests under way have GATEWAY_STOP_MS to finish; then the threads are joined. The lookup must
 * still work. */
void gateway_free(struct gateway *gateway);

/* A metric_writer; `context` is the gateway. */
void gateway_write_metrics(void *context, struct metric_text *out);

/* The loops, for the watchdog. */
size_t gateway_loop_count(const struct gateway *gateway);
struct loop *gateway_loop(struct gateway *gateway, size_t index);
