/* What the parts of control share; for control*.c alone. */
#pragma once

#include "failover/control.h"
#include "failover/control_command.h"
#include "failover/control_peer.h"

#define CONTROL_TURN_MS 20 /* of work for guests, then whatever else is due comes first */

struct control_method;

struct control {
    struct control_options options;
    struct peer_desk *desk;
    uv_pipe_t listener;
    uv_async_t turn; /* somebody has something to do; many calls for it make one */
    bool changed;    /* watchers are to be told, at the next turn */
    uv_timer_t sweep;
    struct control_connection *connections;
    unsigned connection_count, guest_count; /* guests: those without the right to change */
    struct control_call *waiting;           /* calls of `wait` */
    struct control_call *listings;          /* calls of `connections` that wait for their turn */
    bool is_listing;                        /* the relays are asked for one of them */
    struct control_connection *sidecar;
    bool has_operators; /* as last looked up; only decides who gets a spare place */
    gid_t operators;
    char room[64 * 1024]; /* what is being read; emptied within the call */
    unsigned calls, open_handles;
    unsigned unnamed; /* changes that wait until the desk says who asks */
    bool closing;
    loop_call *freed;
    void *freed_context;
};

struct control_connection {
    struct control *control;
    struct control_connection *next;
    uv_pipe_t pipe;
    struct peer peer;
    bool guest;
    char *input; /* read, not yet taken: whole and half lines */
    size_t input_size, input_room, input_scanned;
    struct control_call *calls;
    unsigned call_count;
    size_t stalled_size; /* of the output at the sweep's last look */
    unsigned stalled_ms;
    bool watching, behind; /* behind: something changed since the last notification */
    bool ended;            /* the peer will send nothing more */
    bool last;             /* closes once the output is taken */
    bool closing;
};

/* One request on its way; outlives its connection when that goes away. */
struct control_call {
    struct control *control;
    struct control_connection *connection; /* NULL: it is gone, nobody wants the reply */
    struct control_call *next, **at;       /* among its connection's calls */
    struct control_call *next_waiting;     /* of `wait`, or of `connections` */
    const struct control_method *method;
    struct rpc_request request;
    struct control_command command;
    uid_t uid;
    struct peer peer; /* while its rights are looked up */
    char by[PEER_NAME_SIZE];
};

/* control_methods.c: runs one call; it ends in one of the four below, now or later. */
void control_call_start(struct control_call *call);
void control_wait_check(struct control *control); /* after a change: whoever waits no longer must */

/* control_ready.c: the method "ready". */
extern const struct rpc_parameter control_ready_parameters[];
void control_ready_run(struct control_call *call);

/* control_sidecar.c: the methods "plan" and "readopt". */
extern const struct rpc_parameter control_plan_parameters[], control_readopt_parameters[];
void control_plan_run(struct control_call *call);
void control_readopt_run(struct control_call *call);

/* control.c: how a call ends. `result` and `data` are taken, the call is freed. */
void control_call_return(struct control_call *call, cJSON *result);
void control_call_refuse(struct control_call *call, int code, const char *words, cJSON *data);
void control_call_outcome(struct control_call *call, const struct outcome *outcome);

/* control.c: the connection is the sidecar's from now on; NULL: nobody's. */
void control_set_sidecar(struct control *control, struct control_connection *connection);
void control_end_if_empty(struct control *control);

/* control_relays.c: runs `connections`; adds "relay" where the endpoint has one. */
void control_list_relayed(struct control_call *call);
void control_explain_relay(struct control *control, cJSON *explanation);

/* control_connection.c */
/* It may go on, at the next turn. */
void control_connection_continue(struct control_connection *connection);
/* A small piece of work: at most one line and one notification. */
void control_connection_take_turn(struct control_connection *connection);
void control_connection_send(struct control_connection *connection, char *line); /* taken */
void control_connection_close(struct control_connection *connection);
