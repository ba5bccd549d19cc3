/* An HTTP server that the test plays, in a thread of its own: it answers each request with the next
 * line of its script, and keeps what it was asked. */
#pragma once

#include "base/text.h"

#include <pthread.h>
#include <stdbool.h>

#define PLAYED_ANSWERS_MOST 16

struct played_answer {
    const char *status;  /* "200 OK"; NULL: closes without a word; "silent": says nothing */
    const char *headers; /* "Name: value\r\n"…; may be NULL */
    const char *body;
    bool keeps; /* the next request comes on the same connection */
};

struct played_http {
    int listener;
    char url[64]; /* "http://127.0.0.1:PORT" */
    struct played_answer answers[PLAYED_ANSWERS_MOST];
    size_t answer_count;
    pthread_t thread;
    pthread_mutex_t lock;
    struct text asked[PLAYED_ANSWERS_MOST]; /* whole requests */
    size_t asked_count;
    bool stopping;
};

struct played_http *played_http_new(const struct played_answer *answers, size_t count);
void played_http_free(struct played_http *server);

/* The request number `index` from 0; borrowed. */
const char *played_http_asked(struct played_http *server, size_t index);
size_t played_http_count(struct played_http *server);
