/* The relay: databases' connections at an address that never changes.
 *
 *     a connection: accept → (hold) → dial the active target → move bytes → close at the switch
 *
 * programs/ makes it, subscribes its loops to the announcer, and hands its `relays` to whoever
 * looks on. Endpoints without `relay` in the configuration have no part in it; what listens where
 * is fixed when it is made. */
#pragma once

#include "base/lookup.h"
#include "base/relays.h"
#include "failover/announce.h"

struct relay;

struct relay_options {
    const struct config *config;
    struct loop *main_loop;
    /* Descriptors that the service manager passed, -1 ends; taken when one fits a listener. */
    const int *inherited;
};

/* Binds every listener and loads what a probe needs, before privileges are dropped. Any listener
 * that cannot be bound is an error in words. */
int relay_new(const struct relay_options *options, struct relay **ret_relay, struct failure *why);

/* Before the first view is published. A fenced view is acknowledged after the last close. */
void relay_subscribe(struct relay *relay, struct announce *announce);

/* Starts the threads; they accept from their first view on. `lookup` outlives the relay. */
int relay_start(struct relay *relay, struct lookup *lookup, struct failure *why);

/* Resets every connection, stops and joins the threads. The lookup must still work. */
void relay_free(struct relay *relay);

/* On the main loop, after a loop's last connection to a fenced-off region has ended (relays.behind
 * fell). */
void relay_on_ended(struct relay *relay, loop_call *ended, void *context);

struct relays *relay_relays(struct relay *relay);

/* The loops, for the watchdog. */
size_t relay_loop_count(const struct relay *relay);
struct loop *relay_loop(struct relay *relay, size_t index);
