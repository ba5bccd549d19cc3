/* The parts of a request's target, and what they ask for. */
#pragma once

#include "proxy/gateway/route.h"

/* Splits the target into path and query. An absolute form must name `host` (RFC 9112 section 3.2.2
 * would believe the target; a client that says two things is refused). */
int route_target_parse(
    struct span target, struct span host, struct route *route, struct s3_error *error);

/* Takes the bucket off the path's front, decoded into `bucket` to be looked up. */
#define ROUTE_BUCKET_MAX 255
int route_target_bucket(struct route *route, uint8_t bucket[ROUTE_BUCKET_MAX], size_t *ret_size,
    struct s3_error *error);

/* Fills `operation`, `is_presigned` and `is_head`; bucket and key are known. */
void route_target_operation(struct route *route, struct span method);

/* The next parameter of a query: name and value raw, `has_value` tells "a=" from "a". */
struct route_parameter {
    struct span name, value;
    struct span whole; /* "name=value" */
    bool has_value;
};
bool route_next_parameter(struct span *query, struct route_parameter *ret);

/* Whether the name, decoded, is `text` in any letter case. */
bool route_parameter_is(const struct route_parameter *parameter, const char *text);
