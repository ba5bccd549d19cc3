/* The name servers of a resolv.conf(5), ourselves left out, and word of when they change. */
#pragma once

#include "base/loop.h"
#include "base/span.h"
#include "config/config.h"

#define RESOLV_CONF_DEFAULT_PATH "/etc/resolv.conf"
#define RESOLV_CONF_SERVERS_MAX 8
#define RESOLV_CONF_SIZE_MAX (64u << 10)
#define RESOLV_CONF_INTERVAL_MS 2000

/* The first RESOLV_CONF_SERVERS_MAX `nameserver` lines that hold an address, with port 53; how
 * many. */
size_t resolv_conf_parse(struct span text, struct address ret[RESOLV_CONF_SERVERS_MAX]);

struct resolv_conf;

struct resolv_conf_options {
    struct loop *main_loop;
    const char *path;     /* copied */
    uint64_t interval_ms; /* 0: RESOLV_CONF_INTERVAL_MS */
    /* Whether we answer on this address ourselves. */
    bool (*is_ours)(void *context, const struct address *address);
    /* The list became another one. Later, on the main loop. */
    void (*changed)(void *context, const struct config_upstreams *upstreams);
    void *context;
};

/* Reads the file at once, then watches it. A file that cannot be read is an empty list at first,
 * and later leaves the list as it was. */
struct resolv_conf *resolv_conf_new(const struct resolv_conf_options *options);
const struct config_upstreams *resolv_conf_upstreams(const struct resolv_conf *file);
void resolv_conf_free(struct resolv_conf *file); /* its memory goes with the last close callback */
