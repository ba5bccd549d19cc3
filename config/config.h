/* The configuration as the program uses it: read once, checked whole, immutable, counted.
 *
 * Durations are milliseconds, sizes bytes, names lower-case wire form. Everything inside belongs to
 * the `struct config`; whoever keeps a pointer beyond the current event holds a reference.
 * pilotlight.json(5) has every option. */
#pragma once

#include "base/address.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/name.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_DEFAULT_PATH "/etc/pilotlight/pilotlight.json"
#define CONFIG_DEFAULT_SOCKET "/run/pilotlight/control.sock"
#define CONFIG_SIZE_MAX (4u << 20) /* bytes of the file */
#define CONFIG_ID_MAX 63           /* bytes of a region's, group's, endpoint's or step's name */
#define CONFIG_REGIONS_MAX 16
#define CONFIG_GROUPS_MAX 64
#define CONFIG_NONE SIZE_MAX /* no such index */

enum config_endpoint_type { CONFIG_DATABASE, CONFIG_BUCKET, CONFIG_NAME };

/* One or more addresses a server listens on. */
struct config_listen {
    struct address *addresses;
    bool *tls; /* of each address, whether TLS is spoken there; NULL but for the gateway */
    size_t count;
    bool is_default; /* the file does not say it: an address that cannot be bound is left out */
};

struct config_name {
    char *text;       /* as the file has it */
    struct name name; /* without the "*." of a wildcard */
    bool wildcard;    /* everything below `name`, not `name` itself */
};

struct config_target {
    char *text;             /* "HOST[:PORT]" or the address, as the file has it */
    bool is_address;        /* `address` counts; else `name` */
    struct address address; /* port 0 */
    struct name name;
    uint16_t port; /* 0: none given */
};

enum config_probe_type { CONFIG_PROBE_NONE, CONFIG_PROBE_POSTGRES, CONFIG_PROBE_MYSQL };

struct config_relay {
    struct config_listen listen;
    bool has_address;
    struct address address; /* what the names answer when `listen` is a wildcard */
    uint64_t drain_ms;      /* of "drain 30s"; 0: "close" */
    uint64_t hold_timeout_ms;
    unsigned hold_max_connections;
    enum config_probe_type probe;
    char *probe_user, *probe_password_file, *probe_database; /* NULL when not given */
};

/* A host name that leads to an endpoint without standing in its `names` (bucket_names.h). */
struct config_host {
    struct name name;
    size_t region; /* whose bucket it names; CONFIG_NONE: none, the bucket is in the path */
};

struct config_endpoint {
    char *id;
    enum config_endpoint_type type;
    size_t group; /* index into config.groups */
    struct config_name *names;
    size_t name_count;
    struct config_target
        *targets;              /* one per region, in the order of config.regions; NULL: a bucket */
    char **buckets;            /* likewise; NULL: not a bucket */
    struct config_host *hosts; /* of a bucket: derived */
    size_t host_count;
    bool path_style, read_through;
    struct config_relay *relay; /* NULL: DNS only */
};

struct config_bucket {
    const char *name;        /* borrowed from the endpoint */
    size_t endpoint, region; /* indexes */
};

/* Where a region's S3 is when it is not AWS's. */
struct config_s3_endpoint {
    char *host; /* in lower case, an IPv6 address in brackets; NULL: AWS's own */
    uint16_t port;
    bool tls;
    bool is_virtual; /* BUCKET.HOST, not HOST/BUCKET */
};

/* A key for S3; its secret is read by whoever uses it. */
struct config_key {
    char *access_key_id, *secret_file;
};

enum config_signer { CONFIG_SIGN_AS_CLIENT, CONFIG_SIGN_AS_HOST };

struct config_group {
    char *id;
    bool has_database;          /* a database endpoint, with or without relay */
    bool has_dns_only_database; /* one without a relay */
};

struct config_upstream {
    struct address address;
    char *tls_name; /* "tls://IP:853#NAME": the certificate's name; NULL: plain DNS */
};

struct config_upstreams {
    struct config_upstream *list;
    size_t count;
};

struct config_route {
    struct name suffix;
    struct config_upstreams upstreams;
};

struct cJSON;

struct config_step {
    char *id, *type;
    char **needs;
    size_t need_count;
    size_t *groups; /* indexes; all of them when the file names none */
    size_t group_count;
    bool on_failover, on_switchover; /* "when" */
    uint64_t timeout_ms;             /* 0: the step type's own */
    bool continue_on_failure;
    bool promotes;            /* puts the old region out of use: latches it */
    bool irreversible;        /* abort is no way back once this was intended */
    struct cJSON *parameters; /* the whole step as the file has it, checked */
};

struct config_runbook {
    bool present;
    uint64_t target_rto_ms, min_interval_ms, ready_every_ms; /* 0: none */
    struct config_step *steps;
    size_t step_count;
};

struct config {
    atomic_uint references;
    char *path; /* of the file */
    char *application;
    char *user;
    bool user_is_default; /* the file does not say it: a missing user is no error */

    char **regions; /* the first is home */
    size_t region_count;
    struct config_group *groups;
    size_t group_count;
    struct config_endpoint *endpoints;
    size_t endpoint_count;
    struct config_bucket *buckets; /* of all endpoints, sorted by name */
    size_t bucket_count;
    struct config_runbook *runbooks; /* one per region, in the order of `regions` */

    struct {
        struct config_listen listen;
        bool upstreams_from_resolv_conf; /* then `upstreams` is empty */
        struct config_upstreams upstreams;
        struct config_route *routes; /* longest suffix first */
        size_t route_count;
        struct prefix *allow;
        size_t allow_count;
        uint64_t cache_size, max_stale_ms;
        uint32_t ttl_s;
        bool authoritative;
        unsigned threads;
    } resolver;

    struct {
        unsigned threads; /* 0: one per core */
    } proxy;

    struct {
        struct config_listen listen;
        struct config_s3_endpoint *s3_endpoints; /* one per region; NULL: AWS's everywhere */
        char *ca_dir;
        char *upstream_ca; /* NULL: the system's CAs */
        struct config_key *clients;
        size_t client_count;
        struct config_key credentials; /* the host's own; all NULL: those of the AWS chain */
        enum config_signer sign_as;    /* whose key signs what is signed anew */
        bool vend_credentials;
        unsigned max_connections;
    } gateway;

    struct {
        char *socket;
        char *operators; /* a Unix group */
    } control;

    struct {
        char *file;
    } state;

    struct {
        uint64_t interval_ms, timeout_ms;
        unsigned fall, rise;
    } health;

    struct config_listen monitoring;

    struct {
        char *endpoint_url; /* instead of AWS's own, for every service; NULL: AWS's */
        uint64_t poll_interval_ms;
    } aws;

    struct {
        enum log_format format;
        enum log_level level;
    } log;
};

/* All errors of one file, in the order of its lines, each a whole line as the user sees it:
 * "pilotlight.json:31: endpoints.orders-db.targets: no target for region \"us-west-2\"". */
struct config_errors {
    char **lines;
    size_t count;
};
void config_errors_fini(struct config_errors *errors);

/* Reads and checks a file. 0 and one reference, or -EINVAL (the file is wrong), -ENOENT, -EACCES …
 * with at least one line in `errors`. Nothing is half read. */
int config_read(const char *path, struct config **ret_config, struct config_errors *errors);

/* The same from memory; `path` is for messages. */
int config_parse(const char *path, const char *text, size_t size, struct config **ret_config,
    struct config_errors *errors);

/* Only `control.socket`, for the command line: no other check. NULL when the file cannot be read or
 * does not say it; the caller's to free. */
char *config_read_socket(const char *path);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* frees with the last; NULL accepted */

size_t config_region(const struct config *config, const char *id);   /* index or CONFIG_NONE */
size_t config_group(const struct config *config, const char *id);    /* likewise */
size_t config_endpoint(const struct config *config, const char *id); /* likewise */

/* What speaks at this port of the endpoint's targets: what the probe's type says, else what the
 * port is known for. CONFIG_PROBE_NONE: not known. */
enum config_probe_type config_protocol(const struct config_endpoint *endpoint, uint16_t port);

/* "500ms", "5s", "3m", "1h", "1d", "0s". False when it is none. */
bool config_parse_duration(const char *text, uint64_t *ret_ms);

/* Whether a connect to this address and port leads to one where we listen ourselves, on a wildcard
 * too: it is never dialled. */
bool config_listens_on(const struct config *config, const struct address *dialled);

/* What may not change in a running daemon (listeners, threads, user, paths), and what a state
 * record forbids is checked elsewhere. -EINVAL and the keys that need a restart. */
int config_check_reload(const struct config *now, const struct config *next, struct failure *why);
