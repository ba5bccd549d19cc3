/* One connection's incoming requests, parsed strictly and bounded; knows no sockets. */
#pragma once

#include "base/http_server.h"

#include <llhttp.h>
#include <stdbool.h>

#define HTTP_PATH_MAX 1024

struct http_request {
    llhttp_t parser;
    llhttp_settings_t settings;
    char path[HTTP_PATH_MAX + 1];
    size_t path_size;
    size_t head_size;       /* bytes of the current head so far */
    unsigned field_matched; /* bytes of the current field name that equal "host" */
    unsigned hosts;
    bool path_too_long, complete, has_body;
};

void http_request_init(struct http_request *request);

/* Feeds bytes until one request is whole. `*ret_used` bytes were taken. 0: more is needed;
 * otherwise the status to answer with, 200 when the request is one for the handler. Afterwards the
 * next call begins the next request, unless http_request_is_last. */
unsigned http_request_feed(
    struct http_request *request, const char *data, size_t size, size_t *ret_used);

bool http_request_is_head(const struct http_request *request);
bool http_request_is_last(const struct http_request *request); /* the connection ends after it */
