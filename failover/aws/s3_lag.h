/* How far a bucket's replication is behind, by CloudWatch. */
#pragma once

#include "failover/aws/call.h"

/* Adds to the form of a GetMetricData: one rule's numbers of the last quarter of an hour. */
void s3_lag_ask(struct text *form, const char *bucket, const char *rule, const char *destination);

/* What CloudWatch says of a bucket whose rule is enabled. False: it is behind, or something failed.
 */
#define S3_LAG_WORDS_SIZE 2304
bool s3_lag_judge(
    const struct aws_reply *reply, const char *bucket, char ret_words[S3_LAG_WORDS_SIZE]);
