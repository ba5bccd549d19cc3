/* One relayed connection: two sockets and what moves between them. */
#pragma once

#include "base/address.h"
#include "base/lookup.h"
#include "base/relays.h"
#include "config/config.h"
#include "proxy/poller.h"
#include "proxy/relay/border.h"

enum connection_state {
    CONNECTION_HELD,       /* waits for the switch; nothing is dialled */
    CONNECTION_RESOLVING,  /* waits for the target's addresses */
    CONNECTION_CONNECTING, /* waits for one of them to answer */
    CONNECTION_OPEN,       /* bytes move */
    CONNECTION_ENDING,     /* bytes still move, until a border or a deadline */
    CONNECTION_STATES
};

enum direction { TO_TARGET, TO_CLIENT, DIRECTIONS };

struct side {
    struct poller_socket socket;
    bool readable, writable; /* as far as we know: edge-triggered */
    bool hangup;             /* its peer has ended; read on to the end */
    bool urgent;             /* its peer has sent urgent data: reads stop short of it (tcp(7)) */
};

/* One direction. At most one of `rest` and `pipe` has bytes in it. */
struct flow {
    uint64_t bytes; /* read, ever */
    uint8_t *rest;  /* read and not sent yet; NULL: nothing */
    uint32_t rest_start, rest_end;
    struct pipe *pipe;
    uint8_t full_reads;  /* in a row */
    uint8_t small_reads; /* in a row, through the pipe */
    bool eof;            /* read to the end */
    bool shut;           /* and the end was passed on */
};

/* While it is dialled. */
struct dial {
    struct lookup_answer answer;
    unsigned next;
    uint64_t started_us;
};

struct connection {
    struct point *point;
    struct connection *next, *previous; /* in the point's list of its state */
    enum connection_state state;
    bool released;         /* it was held, and counts as on its way */
    bool owed;             /* a view's acknowledgement waits for its end */
    bool has_timers;       /* the kernel's keepalive and user timeout are set */
    bool unanswered;       /* the target owed an acknowledgement at the last look */
    uint64_t since_ms;     /* boot clock: when it came into its state (or tries this address) */
    uint64_t deadline_ms;  /* of CONNECTION_ENDING */
    bool is_young;         /* it was opened a moment before it was to end */
    uint64_t ending_bytes; /* moved by the last look at it */
    uint64_t liveness_bytes;
    uint64_t closed_window_ms; /* since when the target takes nothing; 0: it does */
    struct side client, target;
    struct flow flows[DIRECTIONS];
    struct border border;
    struct dial *dial;
    struct address client_address, target_address;
    struct config *config; /* a reference: that of the view by which it was dialled; or NULL */
    size_t region;         /* index into its regions */
};

struct point;

/* A client was accepted: it is dialled or held as the point says. Takes fd. */
void connection_accept(struct point *point, int fd, const struct address *client);

/* Enters a state (legal moves: connection.c). */
void connection_enter(struct connection *connection, enum connection_state state);

/* The target has answered: what was held goes first, then bytes move. */
void connection_open(struct connection *connection);

/* Both ends were passed on; the target may still have to take what came before. */
static inline bool connection_has_ended(const struct connection *connection)
{
    return connection->flows[TO_TARGET].shut && connection->flows[TO_CLIENT].shut;
}

/* Ends it, and frees it once nobody can hear of it any more. */
void connection_close(struct connection *connection); /* nobody waits for a byte */
void connection_reset(struct connection *connection); /* one side broke: so does the other */
void connection_refuse(struct connection *connection, enum relays_refusal why);
void connection_drop_target(struct connection *connection); /* reset; the client stays */
/* By a fence or a switch: the target's socket is reset, the client's closed. */
void connection_cut(struct connection *connection);

void connection_free_dead(struct connection *connection);

/* Bytes of a flow, as far as they go now. 0, or a negative errno: a side is broken. */
int pump_run(struct connection *connection, enum direction direction);
void pump_fini(struct connection *connection, enum direction direction);
bool pump_is_empty(const struct flow *flow);
