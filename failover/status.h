/* What `status` shows: the record, and around it what this host sees. One JSON document with keys
 * that programs may rely on:
 *
 *     {"version": "0.1.0", "host": "web-1", "regions": ["eu-west-1", "us-west-2"],
 *      "state": {…},                       the record verbatim (pilotlight-control(7))
 *      "sidecar": {"connected": false, "since": null},            since: wall clock, for people
 *      "undecided": {"data": "why, in words"},                    only groups that are
 *      "groups": {"data": {"active": "eu-west-1" | null, "status": "open" | "fenced" | "undecided",
 *                          "endpoints": ["orders-db"]}},
 *      "fence_age_ms": {"data": 1200},                            only groups that are fenced
 *      "endpoints": {"orders-db": {"type": "database" | "bucket" | "name", "group": "data",
 *          "names": ["db.shop.internal"], "active": "eu-west-1" | null,
 *          "status": "open" | "fenced" | "undecided",
 *          "targets": {"eu-west-1": {"target": "orders…:5432", "health": "up" | "down" | "unknown",
 *                                    "detail": text | null, "since_ms": 5000 | null}},
 *          "relay": {…}}},                 only with a relay that runs: relay_status.h
 *      "hosts": {"web-1": {"epoch": 12, "version": "0.1.0"}},     hosts that have followed
 *      "store": {"kind": "file", "where": "/var/lib/…", "error": text | null}}
 *
 * `since_ms` is for how long the health has been so, by the boot clock; null: never known. */
#pragma once

#include "base/metric.h"
#include "failover/health.h"
#include "failover/keeper.h"
#include "failover/relay_status.h"

/* Where it all comes from. Borrowed, on the main loop; control keeps the sidecar's two members. */
struct status_source {
    struct keeper *keeper;
    const struct health_checks *health; /* NULL: nothing is checked, all is unknown */
    struct relays *relays;              /* NULL: there are none */
    const char *host;
    bool sidecar_connected;
    char sidecar_since[CLOCK_TEXT_SIZE];
};

cJSON *status_to_json(const struct status_source *source);

/* Why answers of a group are not known, in words; NULL when they are. `world` is the keeper's. */
const char *status_undecided(
    const struct state *state, const struct world *world, const char *group);

/* The running transition's steps, the sidecar, the store's last write; in status_metrics.c.
 * Context: the source. */
metric_writer status_write_metrics;
