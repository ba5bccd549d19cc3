/* A source of `ready`: the buckets behind the S3 gateway, as S3 and CloudWatch see them by the
 * host's own credentials. Every bucket of every region is asked about once in a run: versioning, is
 * it there, replication, how far that is behind; at most READY_BUCKETS_MOST at a time, and nothing
 * is begun after BUCKET_LOOKS_MS (bucket_look.h). */
#pragma once

#include "base/credentials.h"
#include "failover/ready.h"

#define READY_BUCKETS_MOST 32

/* The host's own, good during the call; NULL: there are none, and `*ret_why` says why. */
typedef const struct credential *ready_buckets_key(void *context, const char **ret_why);

struct ready_source *ready_buckets_new(
    const struct ready_options *options, ready_buckets_key *key, void *context);
