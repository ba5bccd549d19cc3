/* What was seen of an endpoint's buckets, and what it says about a switch. Pure. */
#pragma once

#include "failover/aws/call.h"
#include "failover/ready_source.h"

/* What became of one question about a bucket. */
enum bucket_answer {
    BUCKET_NOT_ASKED,
    BUCKET_YES,
    BUCKET_NO,
    BUCKET_ELSEWHERE, /* it is in another region */
    BUCKET_FORBIDDEN, /* this host's credentials may not ask */
    BUCKET_UNTOLD,    /* the store has no such thing to ask for */
    BUCKET_ODD,       /* refused for another reason */
    BUCKET_SILENT     /* no answer to go by */
};

struct bucket_fact {
    enum bucket_answer answer;
    char *words; /* why it is neither yes nor no; may be NULL */
};

/* One region's bucket. Begins as {0}; name and region are borrowed. */
struct bucket_seen {
    const char *bucket, *region;
    struct bucket_fact there;       /* is there such a bucket? */
    struct bucket_fact versioning;  /* is it enabled? */
    struct bucket_fact replication; /* has it any? */
    cJSON *rules;                   /* then: the <ReplicationConfiguration> */
};

void bucket_seen_fini(struct bucket_seen *seen);

/* Each takes the reply to one question; false: no other question about this bucket makes sense. */
bool bucket_take_versioning(struct bucket_seen *seen, const struct aws_reply *reply);
bool bucket_take_head(struct bucket_seen *seen, const struct aws_reply *reply);
bool bucket_take_replication(struct bucket_seen *seen, const struct aws_reply *reply);
bool bucket_take_silence(struct bucket_seen *seen, const char *words); /* its host has no address */

/* The rule that replicates to a bucket of that name, an Enabled one first; NULL: none does. */
const cJSON *bucket_rule_to(const struct bucket_seen *seen, const char *destination);
bool bucket_rule_is_enabled(const cJSON *rule);
const char *bucket_rule_id(const cJSON *rule);

struct bucket_verdict {
    enum ready_status status;
    char words[2560], advice[384]; /* advice "": none */
};

void bucket_judge_there(const struct bucket_seen *seen, struct bucket_verdict *ret);

/* False: what is wrong with the bucket is said already, `ret` is not touched. So with the last. */
bool bucket_judge_versioning(const struct bucket_seen *seen, struct bucket_verdict *ret);

/* Whether what is written in the active region comes to `to`. Where an enabled rule says so, `lag`
 * (s3_lag.h's words; NULL: nobody was asked) and `is_behind` count too. */
void bucket_judge_replication(const struct bucket_seen *active, const struct bucket_seen *to,
    const char *lag, bool is_behind, struct bucket_verdict *ret);

/* Whether, after a switch, what is written in `from` comes back. */
bool bucket_judge_failback(
    const struct bucket_seen *from, const struct bucket_seen *active, struct bucket_verdict *ret);
