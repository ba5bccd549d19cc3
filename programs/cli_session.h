/* One run of the command: where the daemon is, how long we have, and the two ways to speak to it.
 * Asking may be repeated by the user; a change is sent once, under a request id, and when its
 * connection breaks the daemon is asked by that id what became of it. */
#pragma once

#include "programs/cli_options.h"
#include "programs/cli_rpc.h"

#define SESSION_PATIENCE_MS 30000 /* for a reply, or a daemon that restarts, without --timeout */
#define SESSION_SIDECAR_PATIENCE_MS 75000 /* where the daemon asks the sidecar first */
#define SESSION_REQUEST_SIZE 33

struct session {
    const struct options *options;
    const char *socket;
    uint64_t deadline_ms; /* of --timeout; RPC_FOREVER without one */
    uint64_t patience_ms; /* for a reply, without one */
    struct rpc rpc;
};

void session_init(struct session *session, const struct options *options, const char *socket);
void session_fini(struct session *session);

/* --socket, then `environment` (PILOTLIGHT_SOCKET), then control.socket of the configuration, then
 * the default; the caller frees. -errno with words when a file that -c names cannot be read. */
int session_choose_socket(
    const struct options *options, const char *environment, char **ret_path, struct failure *why);

/* `params` is taken. EXIT_STATUS_NO_DAEMON in `ret` when nobody answers. */
void session_ask(struct session *session, const char *method, cJSON *params, struct reply *ret);
void session_change(struct session *session, const char *method, cJSON *params,
    char ret_request[SESSION_REQUEST_SIZE], struct reply *ret);

/* Between attempts to reach a daemon that went away: 10 ms first, then twice as long each time, up
 * to half a second. */
void session_pause(unsigned *pause_ms);
