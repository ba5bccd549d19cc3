/* How far a bucket's replication is behind, by CloudWatch. */
#pragma once

#include "failover/aws/call.h"

#define S3_LAG_WORDS_SIZE 1024

enum s3_lag_side { S3_LAG_SOURCE, S3_LAG_DESTINATION };

struct s3_lag_number {
    bool known;
    double newest, sum;
};

/* Begins as {0}. */
struct s3_lag {
    struct s3_lag_number failed, pending, latency; /* latency in seconds */
    char unheard[512]; /* why a side did not say; "": all who were asked did */
};

/* Adds to the form of a GetMetricData, for the region of that side's bucket: one rule's numbers of
 * the last quarter of an hour. */
void s3_lag_ask(struct text *form, enum s3_lag_side side, const char *bucket, const char *rule,
    const char *destination);
void s3_lag_take(struct s3_lag *lag, const struct aws_reply *reply);

/* Of a bucket whose rule is enabled. False: it is behind, or something failed. */
bool s3_lag_judge(const struct s3_lag *lag, const char *bucket, char ret_words[S3_LAG_WORDS_SIZE]);
