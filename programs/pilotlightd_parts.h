/* The parts of a running daemon, shared by the files pilotlightd*.c. */
#pragma once

#include "base/watchdog.h"
#include "failover/control.h"
#include "failover/health.h"
#include "failover/keeper.h"
#include "failover/monitoring.h"
#include "failover/ready.h"
#include "failover/ready_schedule.h"
#include "failover/resolv_conf.h"
#include "failover/status.h"
#include "proxy/gateway/gateway.h"
#include "proxy/gateway/keyring.h"
#include "proxy/relay/relay.h"
#include "resolver/resolver.h"

#include <sys/stat.h>

struct daemon {
    struct loop main_loop;
    struct config *config; /* the one it started with */
    int *inherited;
    int control_socket;
    struct stat control_file; /* the socket's path when we bound it; all 0: it is not ours */
    int monitoring_sockets[16];
    size_t monitoring_count;
    struct siphash_key key;
    char host[256];

    struct store *store;
    struct announce *announce;
    struct resolver *resolver;
    struct relay *relay;
    struct gateway *gateway;
    struct keyring *keyring;
    struct keeper *keeper;
    struct resolv_conf *resolv_conf;
    struct health_checks *health;
    struct status_source status;
    struct ready *ready;
    struct ready_schedule *ready_schedule;
    struct sidecar_desk *sidecar;
    struct control *control;
    struct monitoring *monitoring;
    struct watchdog watchdog;
    struct loop **watched;

    uv_signal_t hangup, terminate, interrupt;
    uv_timer_t alive, daily;
    unsigned closing; /* doors that still close, and the house; 0: it is not told to stop */
};

/* Binds all that may need root, makes missing directories, and becomes the configured user. */
int daemon_open_doors(struct daemon *daemon, struct failure *why);

/* In pilotlightd_ready.c: a source of `ready`. */
struct ready_source *daemon_ready_keys_new(struct loop *main_loop, const struct gateway *gateway);

/* In pilotlightd_warnings.c. */
void daemon_warn_of_config(const struct config *config);
