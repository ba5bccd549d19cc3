/* A TCP server in the test's own loop that does as it is told: it answers the n-th piece that a
 * client sends with the n-th line of that connection's script, whatever the piece says. */
#pragma once

#include "base/loop.h"
#include "base/span.h"

#include <stdbool.h>

#define SCRIPT_LINES_MAX 6
#define SCRIPTS_MAX 8

enum script_then { SCRIPT_STAYS, SCRIPT_CLOSES, SCRIPT_RESETS, SCRIPT_FLOODS };

struct script {
    bool speaks_first; /* the first line goes out unasked */
    struct {
        struct span bytes; /* nothing: silence */
        enum script_then then;
    } lines[SCRIPT_LINES_MAX];
};

struct scripted_server {
    struct loop *loop;
    uv_tcp_t listener;
    uint16_t port;
    const struct script *scripts[SCRIPTS_MAX]; /* of the first connections; the last one goes on */
    unsigned connections, open, pieces;        /* ever; now; received of the last connection */
};

/* At `ip` and the port that `server` has already, or a free one. */
void scripted_server_start(struct scripted_server *server, struct loop *loop, const char *ip);
/* Runs the loop until all connections are closed, which the other side does first. */
void scripted_server_stop(struct scripted_server *server);
