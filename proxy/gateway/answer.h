/* Our own answers: errors as S3 gives them, in XML. */
#pragma once

#include "base/text.h"
#include "proxy/gateway/auth_refusal.h"
#include "proxy/gateway/http_message.h"
#include "proxy/gateway/s3_error.h"

struct answer {
    unsigned status;
    const char *code, *message; /* as S3 says it: "SlowDown" */
    unsigned retry_after_s;     /* 0: not said */
    const char *json; /* sent instead of S3's document; NULL: none. It may hold a secret */
    bool closes;      /* whoever asked cannot go on with this connection */
};

/* What can be tried again says when. */
struct answer answer_error(const struct s3_error *error);
struct answer answer_auth(const struct auth_refusal *refusal);

/* What is refused by status alone: 400, 405, 411, 414, 417, 431. It closes. */
struct answer answer_refusal(unsigned status);

/* `resource`: the request's path; empty when there was none. `to_head`: without the document. */
void answer_write(struct text *to, const struct answer *answer, struct span resource, bool to_head,
    unsigned minor);
