/* What each bucket's name becomes, for one request and its answer.
 *
 * A bucket name of the application means its endpoint, whichever region's name it is: S3 gets the
 * name of the bucket that is active. The other way round the application gets the name of the
 * region whose names it uses: the one of the request's own bucket.
 *
 * Where two copies are told apart (the destination of a replication, which is the same endpoint's
 * bucket elsewhere) the two names change places instead, so that no copy is lost and what is read
 * back is what was written. */
#pragma once

#include "base/text.h"
#include "failover/view.h"
#include "proxy/gateway/route.h"

struct names {
    const struct config *config;
    const struct route *route;
    size_t region;   /* that the request is sent to */
    uint8_t *active; /* the active region of each endpoint as it was when the request was mapped */
};

#define NAMES_UNDECIDED UINT8_MAX

/* Borrows config and route; takes down what `endpoints` (of the view, in the configuration's order)
 * say is active. */
void names_init(struct names *names, const struct config *config, const struct route *route,
    size_t region, const struct view_endpoint *endpoints);
void names_fini(struct names *names);

enum names_direction { NAMES_TO_S3, NAMES_TO_APP };

/* Each returns true and adds to `ret` when the name changes. A bucket whose endpoint is undecided
 * keeps its name: see names_is_undecided. */
bool names_bucket(const struct names *names, enum names_direction direction, struct span bucket,
    struct text *ret);
bool names_swap(const struct names *names, enum names_direction direction, struct span bucket,
    struct text *ret);

/* "arn:aws:s3:::BUCKET" and what may follow; others stay as they are. */
typedef bool names_function(
    const struct names *, enum names_direction, struct span bucket, struct text *ret);
bool names_arn(const struct names *names, enum names_direction direction, names_function *function,
    struct span arn, struct text *ret);

/* A region's name: the application's own ↔ the one that serves it. us-east-1 is the empty text and
 * eu-west-1 may be "EU" in a LocationConstraint (https://docs.aws.amazon.com/AmazonS3/latest/API/
 * API_GetBucketLocation.html). */
bool names_region(const struct names *names, struct span region, struct text *ret);
bool names_location_constraint(const struct names *names, enum names_direction direction,
    struct span region, struct text *ret);

/* A bucket of an endpoint for which no region is known to be active. */
bool names_is_undecided(const struct names *names, struct span bucket);
