/* The control socket: JSON-RPC 2.0 over a Unix stream socket (the protocol: pilotlight-control(7)).
 *
 *     accept → who is it → a line → rpc.h → control_methods.c → keeper → a line back
 *
 * On the main loop. Everything that a peer can make us hold has a bound; whoever may change things
 * finds a free place also while others flood us. */
#pragma once

#include "base/lookup.h"
#include "base/relays.h"
#include "failover/ready.h"
#include "failover/sidecar_desk.h"
#include "failover/status.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_CONNECTIONS_MAX 256
#define CONTROL_CONNECTIONS_SPARE 64    /* of them kept for those who may change things */
#define CONTROL_CONNECTIONS_PER_UID 64  /* of each user but root */
#define CONTROL_CALLS_MAX 32            /* in flight on a connection; then it is not read */
#define CONTROL_OUTPUT_PAUSE (1u << 20) /* bytes not taken by the peer; then it is not read */
#define CONTROL_OUTPUT_MAX (8u << 20)   /* bytes; then the connection is closed */
#define CONTROL_LISTED_DEFAULT 1000     /* relayed connections in one reply */
#define CONTROL_LISTED_MAX 3000         /* however many were asked for */
#define CONTROL_STALL_MS 30000          /* without taking anything; likewise */

struct control;

struct control_options {
    struct loop *main_loop;
    struct keeper *keeper;
    struct lookup *lookup;
    struct relays *relays;        /* NULL: there are none */
    struct ready *ready;          /* freed after the control socket */
    struct sidecar_desk *sidecar; /* told of the sidecar's connection; freed after the socket */
    struct status_source *status; /* its sidecar members are kept here */

    /* The certificate of the gateway's CA, as PEM; NULL, either of them: no gateway serves TLS. */
    const char *(*gateway_ca)(void *context);
    void *gateway_context;
};

/* The socket at `path` (a stale one is replaced, a missing directory made), listening and open to
 * all local users; or a negative errno with words, -EADDRINUSE when another daemon answers there.
 * Before privileges are dropped. The caller unlinks it in the end, if it can. */
int control_bind(const char *path, struct failure *why);

/* Serves a listening socket, bound by control_bind or inherited, and takes it. */
int control_new(const struct control_options *options, int fd, struct control **ret_control,
    struct failure *why);

/* Closes all connections; `freed` (may be NULL) runs when the last change that came from here has
 * been answered, the last list of connections is there and the last handle is gone. Before
 * keeper_free and the end of the relays. */
void control_free(struct control *control, loop_call *freed, void *context);
