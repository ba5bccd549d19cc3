/* The keeper from within: what keeper.c, keeper_change.c, keeper_command.c and keeper_request.c
 * share. Nobody else includes it. */
#pragma once

#include "failover/keeper.h"
#include "failover/upstreams.h"

#define KEEPER_OUTCOMES_MAX 64
#define KEEPER_ID_SIZE 40 /* of a transition's id */

enum change_kind { CHANGE_COMMAND, CHANGE_ASK, CHANGE_RELOAD, CHANGE_UPSTREAMS };

/* One entry of the queue; the first one is under way when `keeper.running`. Everything in it is its
 * own. */
struct change {
    struct change *next;
    struct keeper *keeper;
    enum change_kind kind;
    keeper_reply *reply; /* NULL: nobody waits */
    void *context;

    struct command command; /* CHANGE_COMMAND; of CHANGE_ASK only `request` */
    char id[KEEPER_ID_SIZE];
    struct config *config;             /* CHANGE_RELOAD */
    struct config_upstreams upstreams; /* CHANGE_UPSTREAMS */

    struct decision decision; /* CHANGE_COMMAND */
    struct outcome outcome;   /* `words` is `said.text` once it is settled */
    struct failure said;
};

/* What became of a request that the record may not know: a refusal, or nothing to do. */
struct remembered {
    char *request;
    struct outcome outcome; /* `words` and `transition` are its own */
};

struct keeper {
    struct loop *main_loop;
    struct store *store;
    struct announce *announce;
    struct siphash_key key;
    struct config *config;
    struct config_upstreams upstreams; /* of resolv.conf */
    struct state *state;
    struct world world;
    struct failure undecided_why;
    struct failure store_error; /* "": the last write went well */

    bool running; /* the first of the queue, or the start itself, is under way */
    struct change *first, **last;
    announce_done *ready;
    void *ready_context;
    bool hurried;
    struct fence_wait *fence_wait; /* of the change under way */
    struct relays *relays;         /* NULL: none */
    bool gateway_answers;
    struct change *draining; /* done, but their fences are not complete yet */
    loop_call *settled;      /* NULL: nobody waits for the last change */
    void *settled_context;

    struct keeper_watch *watchers;
    struct remembered remembered[KEEPER_OUTCOMES_MAX]; /* a ring */
    unsigned remembered_next;
};

/* keeper.c */
/* The view of the record in force; with `first` its groups to be fenced first are fenced. */
void keeper_publish(
    struct keeper *keeper, const struct decision *first, announce_done *done, void *context);
void keeper_tell_watchers(struct keeper *keeper);
/* Says in the log what is not decided, and why. */
void keeper_log_undecided(const struct keeper *keeper);
/* Takes the change off the queue, starts the next, replies (a fence: after the last close).
 * `outcome` is complete but for what the record says now. */
void keeper_finish(struct change *change);

/* keeper_change.c: ends in keeper_finish, at once or later. */
void keeper_start_change(struct change *change);

/* keeper_fence_wait.c: `stood` when the fence has stood long enough, `given_up` when it must not.
 * Neither is called before this returns, unless there is nothing to wait for. */
void keeper_wait_for_fence(struct change *change, uint64_t wait_ms,
    void (*stood)(struct change *change), void (*given_up)(struct change *change));

/* keeper_drain.c */
/* True: it replies later, when no connection is open to a region that its fence has left. */
bool keeper_drain_holds(struct change *change);
/* Groups that the change moves are cut off before, whatever still drains. */
void keeper_drain_end(struct change *change);
void keeper_drain_give_up(struct keeper *keeper);
void keeper_reply_to(struct change *change); /* and frees it */

/* keeper_command.c */
void command_copy(const struct command *from, struct command *to);
void command_fini(struct command *command);

/* keeper_request.c */
bool keeper_recall(const struct keeper *keeper, const char *request, struct change *change);
void keeper_remember(struct keeper *keeper, const char *request, const struct outcome *outcome);
void keeper_forget_all(struct keeper *keeper);
