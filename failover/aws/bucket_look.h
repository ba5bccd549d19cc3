/* One region's bucket, looked at in S3 and CloudWatch. */
#pragma once

#include "base/lookup.h"
#include "failover/aws/bucket_rule.h"
#include "failover/aws/s3_lag.h"

#define BUCKET_LOOKS_MS 10000 /* nothing is begun later */
#define BUCKET_CALL_MS 4000   /* a question, its second try included */

/* What the looks of one run share. */
struct bucket_looks {
    struct loop *loop;
    struct lookup *lookup;
    const struct config *config;
    struct aws *aws;
    uint64_t started_ms;                       /* by the boot clock */
    unsigned lookups;                          /* under way: they cannot be called off */
    bool stopping;                             /* nothing is begun any more */
    void (*ended)(struct bucket_looks *looks); /* one look, now or later */
};

unsigned bucket_looks_left_ms(const struct bucket_looks *looks); /* for a question; 0: none */

struct bucket_lag {
    struct s3_lag heard;
    char *words; /* s3_lag.h's; NULL: not asked */
    bool is_behind;
};

struct bucket_look {
    struct bucket_looks *looks;
    size_t endpoint, region; /* indexes */
    struct bucket_seen seen;
    struct bucket_lag *lags; /* of the rules to other regions' buckets, one per region; NULL: not
                                asked for */
    char *url, *resolve;     /* of its S3; `resolve` NULL: the system finds it */
    size_t to;               /* region whose rule's lag is asked for */
    enum s3_lag_side side;   /* which of it */
};

/* `looks`, `endpoint`, `region`, the names in `seen` and `lags` are set, the rest is 0. It is
 * called off by aws_free, once no lookup is under way. */
void bucket_look_begin(struct bucket_look *look);
void bucket_look_fini(struct bucket_look *look);
