/* A request's new shape for the region that is active: whom to dial, Host, target, headers, and
 * whether body and answer have to be looked at.
 *
 * `needs_rename` false: the region that is active is the one that the application's name means, the
 * Host is the real one, nothing has to be renamed; the request goes on as it is, signature
 * included. True: the caller verifies the client's signature (over the request as it came), and
 * signs this shape anew; an anonymous request stays anonymous. What authorised the old request
 * (Authorization, x-amz-date, x-amz-security-token, the presigned parameters) is left out, what
 * says how the body is framed (Content-Length, Transfer-Encoding, Trailer) always is: the caller
 * writes both.
 *
 * A route without endpoint that needs a rename (an unmapped bucket at our own address, or a copy
 * into one) is for the client's own key alone: with `sign_as` "host" it is to be refused, or the
 * host's key would open more than what is mapped. */
#pragma once

#include "base/http_header.h"
#include "proxy/gateway/names.h"

struct map_inputs {
    const struct config *config;           /* the view's */
    const struct view_endpoint *endpoints; /* the view's, in the configuration's order */
    const struct route *route;
    const struct http_header *headers;
    size_t header_count;
    struct span signed_headers; /* "host;x-amz-date": what the client signed; empty: nothing */
};

struct map {
    bool needs_rename;
    bool maps_answer;        /* through unmap.h; else it goes to the client as it comes */
    bool rewrites_body;      /* it is XML: to be read whole and put through xml_map.h; its digests
                                (Content-MD5, checksums, x-amz-content-sha256) are left out, and the
                                caller gives new ones */
    bool has_foreign_source; /* something is copied from what is not mapped */
    size_t region;           /* whose it is: to be signed for */

    char dial[ROUTE_HOST_SIZE]; /* a name, or an IP address without brackets; the certificate's name
                                 */
    uint16_t port;
    bool tls;

    char host[ROUTE_HOST_SIZE]; /* the Host field, also among `headers` */
    struct text target;
    struct http_header *headers; /* none without `needs_rename` */
    size_t header_count;
    struct text copy_source, rename_source; /* what `headers` may point to */
    struct names names;                     /* for unmap.h and xml_map.h */
};

#define MAP_BODY_MAX (1u << 20) /* bytes of XML: S3 takes no more in a configuration */

/* 0 or -EPROTO and what to answer. `ret` borrows from the inputs, and is to be given to map_fini in
 * either case. */
int map_request(const struct map_inputs *inputs, struct map *ret, struct s3_error *error);
void map_fini(struct map *map);
