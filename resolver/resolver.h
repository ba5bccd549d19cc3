/* The resolver: one engine a thread, each with its own sockets, cache and upstream questions.
 *
 *     a question: listen → question → managed? → cache? → upstream → answer
 *
 * programs/ makes it, subscribes its loops to the announcer, and hands its `lookup` to the others.
 */
#pragma once

#include "base/lookup.h"
#include "base/metric.h"
#include "failover/announce.h"

struct resolver;

struct resolver_options {
    const struct config *config;
    const struct siphash_key *key;
    /* Descriptors that the service manager passed, -1 ends; taken when one fits a listener. */
    const int *inherited;
};

/* Binds every listener (before privileges are dropped). A default listener that cannot be bound is
 * left out with a warning; one that the file names is an error in words. */
int resolver_new(
    const struct resolver_options *options, struct resolver **ret_resolver, struct failure *why);

/* Before the first view is published. */
void resolver_subscribe(struct resolver *resolver, struct announce *announce);

/* Starts the threads; they serve from their first view on. */
int resolver_start(struct resolver *resolver, struct failure *why);
void resolver_free(struct resolver *resolver); /* stops and joins the threads */

struct lookup *resolver_lookup(struct resolver *resolver);
metric_writer resolver_write_metrics; /* context: the struct resolver */

/* The loops, for the watchdog. */
size_t resolver_loop_count(const struct resolver *resolver);
struct loop *resolver_loop(struct resolver *resolver, size_t index);

/* Whether `address` is one that we answer on ourselves (resolv.conf often names us). */
bool resolver_listens_on(const struct resolver *resolver, const struct address *address);
