/* An HTTP client for control planes: AWS, etcd, credentials, health. libcurl on a loop.
 *
 * A call's reply is gathered whole, within a bound, and handed over once. Servers are verified,
 * redirects are not followed, and the path goes out as it was given: it may be signed. The process
 * ignores SIGPIPE, as all of ours do. */
#pragma once

#include "base/http_header.h"
#include "base/loop.h"

#define HTTP_CLIENT_REPLY_MOST (1u << 20)
#define HTTP_CLIENT_HEADERS_MOST 64
#define HTTP_CLIENT_CONNECT_MS 2000
#define HTTP_CLIENT_TIMEOUT_MS 30000

struct http_client;

/* `ca_file`: whom to trust; NULL for $SSL_CERT_FILE, or the system's authorities. NULL without
 * libcurl. On the loop's thread, as all calls. */
struct http_client *http_client_new(struct loop *loop, const char *ca_file);

/* Calls under way end without a word. `freed` (may be NULL) runs once the last handle is gone. Not
 * from within a call's `done`. NULL accepted: `freed` runs at once. */
void http_client_free(struct http_client *client, loop_call *freed, void *context);

/* Everything is copied. */
struct http_client_request {
    const char *method; /* "GET" */
    const char *url;
    const char *const *headers; /* "Name: value"; NULL ends; NULL for none */
    struct span body;
    unsigned connect_timeout_ms; /* 0: HTTP_CLIENT_CONNECT_MS */
    unsigned timeout_ms;         /* of the whole; 0: HTTP_CLIENT_TIMEOUT_MS */
    size_t reply_most;           /* bytes of the reply's body; 0: HTTP_CLIENT_REPLY_MOST */
    bool direct;                 /* by no proxy, whatever the environment says */
    const char *resolve; /* "HOST:PORT:ADDRESS,…": where that host is; NULL: the system says */
    bool once; /* goes out once at most: on an old connection it might go out a second time */
};

struct http_client_reply {
    int error;         /* 0, or a negative errno: there was no whole reply */
    const char *words; /* about the error */
    bool sent;         /* false: nothing of the request went out, for certain */
    unsigned status;
    struct span body;
    const struct http_header *headers;
    size_t header_count;
};

/* The reply and all in it are gone afterwards; bodies are wiped, for they may hold secrets. */
typedef void http_client_done(void *context, const struct http_client_reply *reply);

struct http_client_call;

/* `done` runs later, exactly once, unless the call is cancelled. */
struct http_client_call *http_client_start(struct http_client *client,
    const struct http_client_request *request, http_client_done *done, void *context);
void http_client_cancel(struct http_client_call *call); /* NULL accepted */
