/* What the files of the call share.
 *
 *     call.c          who calls: credentials, clock, all calls under way
 *     call_try.c      one call: try, understand, try again or go on to the next page, end
 *     call_service.c  which services there are, and where
 *     call_request.c  a request as it goes out, signed
 *     call_reply.c    what a reply says, and what follows from it
 *     call_page.c     replies in pages become one tree
 *     call_words.c    what people and the log hear of it */
#pragma once

#include "failover/aws/call.h"

#define AWS_CODE_SIZE 128
#define AWS_MESSAGE_SIZE 512
#define AWS_WORDS_SIZE 2048

/* What a reply, or none, means for the request. */
enum aws_meaning {
    AWS_MEANS_ANSWER,
    AWS_MEANS_REFUSAL,
    AWS_MEANS_THROTTLE, /* nothing was done: later */
    AWS_MEANS_CLOCK,    /* nothing was done, perhaps because our clock is wrong */
    AWS_MEANS_EXPIRED,  /* nothing was done: the credentials are over */
    AWS_MEANS_UNSENT,   /* nothing was sent: later */
    AWS_MEANS_UNSURE,   /* it may have been done */
    AWS_MEANS_HOPELESS  /* nothing was sent, or no reply would be read, however often it is tried */
};

struct aws_understood {
    enum aws_meaning meaning;
    bool sent;       /* the request, or some of it */
    unsigned status; /* 0: there was no reply */
    cJSON *body;     /* of an answer; may be NULL */
    size_t size;     /* bytes of it */
    char code[AWS_CODE_SIZE], message[AWS_MESSAGE_SIZE], request_id[AWS_CODE_SIZE];
    char trouble[AWS_MESSAGE_SIZE]; /* without AWS's code: what went wrong */
    uint64_t date_s;                /* the server's; 0: it did not say */
    uint64_t retry_after_ms;        /* 0: it did not say */
};

void aws_understand(const struct aws_service *service, const char *method, const char *action,
    const struct http_client_reply *reply, struct aws_understood *ret);
void aws_understood_fini(struct aws_understood *understood);

/* A request of the caller's, kept. */
struct aws_wanted {
    const struct aws_service *service;
    char *region, *action;
    struct text body;
    char *method, *path, *query; /* NULL but of AWS_REST_XML */
    char *endpoint, *resolve;    /* or NULL */
    bool acts, repeatable;
    const struct aws_paging *paging;
};

struct aws_call {
    struct aws *aws;
    struct aws_call *next, *previous;
    struct aws_wanted wanted;
    uint64_t started_ms, budget_ms;
    unsigned tries; /* of this page */
    unsigned sent;  /* in all */
    unsigned corrections;
    char *access_key_id; /* that signed the last try */
    uv_timer_t timer;    /* the next try, or the end of the wait for credentials */
    bool waits;          /* for credentials */
    bool is_doubtful;    /* it acts, and a try may have done so */
    struct http_client_call *http;
    struct aws_understood last;
    cJSON *pages; /* put together so far */
    unsigned page_count;
    size_t page_size; /* of all of them, bytes */
    char *page_token; /* of the next one */
    aws_done *done;
    void *context;
};

struct aws {
    struct loop *loop;
    struct http_client *client;
    struct config *config;
    char *region, *sts_url;
    struct credential *own; /* NULL: they are looked for */
    struct credentials *credentials;
    uint64_t renewed_ms; /* when credentials were last looked for anew; 0: never */
    int64_t skew_s;      /* what our clock lacks */
    struct aws_call *calls;
    unsigned open; /* timers and credentials that are not closed */
    bool freeing;
    loop_call *freed;
    void *freed_context;
};

uint64_t aws_now_s(const struct aws *aws); /* by the servers' clock */

/* Takes the server's time for ours. False: ours was right, the fault is elsewhere. */
bool aws_correct_clock(struct aws *aws, uint64_t date_s);

/* Looks for credentials anew, unless those that were used are gone already. False: that was done a
 * moment ago, and these came of it. */
bool aws_renew_credentials(struct aws *aws, const char *access_key_id);

void aws_closed(struct aws *aws); /* one less is open */

const char *aws_signing_region(const struct aws_service *service, const char *region);

/* As it goes out. */
#define AWS_HEADERS_MOST 12
struct aws_signed {
    char *url;
    const char *method;
    struct text body;
    char *headers[AWS_HEADERS_MOST + 1];
};
int aws_sign(const struct aws_wanted *wanted, const char *page_token, const char *endpoint,
    const struct credential *credential, uint64_t now_s, struct aws_signed *ret,
    struct failure *why);
void aws_signed_fini(struct aws_signed *request);

void aws_try(struct aws_call *call); /* now */
void aws_call_drop(struct aws_call *call);

/* Takes `*body` as the next page. 0: the last one; 1: there are more, and `page_token` is set; or
 * -EINVAL with words. */
int aws_page_add(struct aws_call *call, cJSON **body, size_t size, struct failure *why);

void aws_words(const struct aws_call *call, enum aws_result result, char ret[AWS_WORDS_SIZE]);
void aws_log(const struct aws_call *call, enum aws_result result);
