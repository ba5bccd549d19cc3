/* Whose request is this? From the Host field and the request's target to an endpoint, the region
 * that its name means, and the kind of operation; without any look at what is active.
 *
 * Raw bytes stay raw: keys are never decoded, dots and double slashes never resolved, because S3
 * does not and the signature covers them. What a route points to is the request's head and the
 * configuration: keep both as long as the route. */
#pragma once

#include "config/bucket_names.h"
#include "proxy/gateway/s3_error.h"

#define ROUTE_HOST_SIZE 256

enum route_style {
    ROUTE_VIRTUAL, /* the bucket is in the host */
    ROUTE_CUSTOM,  /* the host is one of the endpoint's own names; it means the home region's bucket
                    */
    ROUTE_PATH,    /* a region's own host; the bucket is the path's first segment */
    ROUTE_ADDRESS  /* the gateway's own address; likewise */
};

enum route_operation {
    ROUTE_LIST_BUCKETS,
    ROUTE_CREATE_BUCKET,
    ROUTE_OBJECT,    /* GET or HEAD of an object: what comes back is its own bytes */
    ROUTE_OPAQUE,    /* GET or POST of something that is not XML: policy, torrent, select */
    ROUTE_NAMES,     /* the request's body is XML that may name buckets */
    ROUTE_POST_FORM, /* a browser's upload */
    ROUTE_OTHER
};

struct route {
    enum route_style style;
    const struct config_endpoint *endpoint; /* NULL: no mapped bucket is meant */
    size_t endpoint_index;                  /* CONFIG_NONE: none */
    size_t region;                          /* the one that the application's name means */

    size_t
        signed_region;  /* that the client signed for; CONFIG_NONE: none, or not a configured one */
    size_t host_region; /* of the host itself; CONFIG_NONE: global, custom, an address */
    enum bucket_host_form form;
    bool is_store;              /* the host is that of s3_endpoints[host_region] */
    char host[ROUTE_HOST_SIZE]; /* as the client wrote it with its port, in lower case, no final dot
                                 */
    size_t name_size;           /* of `host` without the port */

    struct span bucket;   /* as the application wrote it or, of a custom name, the home region's;
                             empty: none */
    struct span key_path; /* raw: what follows the bucket, "/KEY"; may be empty */
    struct span path;     /* raw: all of it */
    struct span query;    /* raw, without "?" */
    bool has_query;

    enum route_operation operation;
    bool is_presigned; /* the query holds X-Amz-Signature or X-Amz-Credential */
    bool is_head;
    bool is_tls; /* the client came over TLS */
};

struct route_inputs {
    const struct config *config;
    struct span method, host, target; /* as they came; the target in origin or absolute form */
    struct span sni;                  /* of the TLS handshake; empty: none */
    struct span signed_region;        /* of the credential's scope; empty: not signed */
    bool is_tls;
};

/* 0, or -EPROTO and what to answer. An unmapped bucket is a route without endpoint: on a region's
 * own host (and only there may it go through as it is) or on the gateway's own address, where it
 * means the region that it is signed for. */
int route_find(const struct route_inputs *inputs, struct route *ret, struct s3_error *error);
