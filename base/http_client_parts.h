/* What the client's files share. */
#pragma once

#include "base/curl_library.h"
#include "base/http_client.h"
#include "base/text.h"

struct http_client {
    struct loop *loop;
    CURLM *multi;
    char *ca_file;
    uv_timer_t timer;
    struct http_client_call *calls;
    unsigned open; /* uv handles that are not closed */
    bool freeing;
    loop_call *freed;
    void *freed_context;
};

struct http_client_call {
    struct http_client *client;
    struct http_client_call *next, *previous;
    CURL *easy;
    struct curl_slist *headers, *resolve;
    struct text body;        /* of the request */
    struct text head, reply; /* of the reply */
    size_t reply_most;
    bool too_large;
    char words[CURL_ERROR_SIZE];
    http_client_done *done;
    void *context;
};

/* A call that libcurl can begin. */
struct http_client_call *http_client_call_new(struct http_client *client,
    const struct http_client_request *request, http_client_done *done, void *context);
void http_client_call_free(struct http_client_call *call);

/* Hands the reply over. */
void http_client_call_end(struct http_client_call *call, CURLcode result);
