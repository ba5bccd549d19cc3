/* The keeper of the record on this host: one change at a time, in one order.
 *
 *     submit → decide → (fence every loop) → write → adopt → announce → acknowledged → reply
 *
 * It owns the state in memory, the configuration in force and the views made of both; what it holds
 * is always what the store holds. All calls and callbacks are on the main loop. */
#pragma once

#include "base/relays.h"
#include "failover/announce.h"
#include "failover/decide.h"
#include "failover/store.h"

struct keeper;

struct outcome {
    enum exit_status status;
    bool changed;             /* false: it was so already, a dry run, a refusal, a failure */
    bool would_change;        /* of a dry run: without it something would change */
    bool running;             /* a transition was begun (or joined) and goes on */
    const char *transition;   /* its id, NULL when there is none */
    unsigned force_word;      /* of a refusal: the bit that overrides it, 0: none */
    const char *words;        /* one line for people; never NULL */
    uint64_t revision, epoch; /* of the record in force */
};

typedef void keeper_reply(void *context, const struct outcome *outcome);
/* After every change (and reload) was announced, before its reply. */
typedef void keeper_watcher(void *context);

struct keeper_options {
    struct loop *main_loop;
    struct store *store;                      /* taken, also on failure */
    struct announce *announce;                /* borrowed; its subscribers are in place */
    struct config *config;                    /* a reference is taken */
    const struct siphash_key *key;            /* of the names in every view; copied */
    const struct config_upstreams *upstreams; /* of resolv.conf, NULL: none yet; copied */
    struct relays *relays;                    /* borrowed; NULL: there are none */
    bool gateway_answers;                     /* see view.h */
};

/* Reads the store and publishes the first view; `ready` runs when every loop has taken it. A record
 * that cannot be believed is not an error: the host is undecided. */
int keeper_new(const struct keeper_options *options, struct keeper **ret_keeper,
    announce_done *ready, void *context, struct failure *why);
void keeper_free(struct keeper *keeper); /* not while a change is under way; NULL accepted */

/* The daemon stops: a fence that would have to stand a while yet is taken back, its change is
 * refused, and no later one waits either. */
void keeper_hurry(struct keeper *keeper);

/* Connections to a region that is fenced off have ended: who waits for that may be answered. */
void keeper_relays_ended(struct keeper *keeper);

/* `settled` runs once, on a later turn, when no change is queued or under way. */
void keeper_settle(struct keeper *keeper, loop_call *settled, void *context);

/* Queues a change; `reply` runs exactly once, later. Everything in `command` is copied. A request
 * id that the record knows already is answered with what became of it and changes nothing. */
void keeper_submit(
    struct keeper *keeper, const struct command *command, keeper_reply *reply, void *context);

/* What became of a request: waits for it when it is queued or under way. Unknown: status
 * EXIT_STATUS_FAILED, "nothing was changed". */
void keeper_ask(struct keeper *keeper, const char *request, keeper_reply *reply, void *context);

/* Takes a new configuration or refuses it: EXIT_STATUS_USAGE, nothing changes. The keeper takes a
 * reference of its own. */
void keeper_reload(struct keeper *keeper, struct config *next, keeper_reply *reply, void *context);

/* The upstreams of resolv.conf changed: publishes a view with them. The list is copied. */
void keeper_set_upstreams(struct keeper *keeper, const struct config_upstreams *upstreams);

void keeper_watch(struct keeper *keeper, keeper_watcher *watcher, void *context);
void keeper_unwatch(struct keeper *keeper, keeper_watcher *watcher, void *context);
void keeper_set_sidecar(struct keeper *keeper, bool connected);

const struct state *keeper_state(
    const struct keeper *keeper); /* never NULL; empty when undecided */
struct config *keeper_config(const struct keeper *keeper);
const struct world *keeper_world(struct keeper *keeper); /* `now` is fresh */
const char *keeper_store_text(
    const struct keeper *keeper); /* "file /var/lib/pilotlight/state.json" */
const char *keeper_store_error(
    const struct keeper *keeper); /* of the last write; NULL: it went well */
bool keeper_busy(const struct keeper *keeper);

/* "data,static" or "all"; `ret` is cut when it does not fit. */
void command_groups_text(const struct command *command, char *ret, size_t size);
