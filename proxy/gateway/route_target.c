/* On the good day a target is "/KEY?name=value&…" and is looked through once. What can go wrong:
 * bytes that no target has, a bucket that is hidden in encoding (S3 would decode it, so do we), a
 * segment that some store might resolve as a directory. */
#include "proxy/gateway/route_target.h"

#include "base/percent.h"
#include "proxy/gateway/spans.h"

#include <errno.h>

#define PARAMETER_MAX 64 /* bytes of a name that is known here */

static bool is_clean(struct span target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] <= ' ' || target.data[i] == 0x7f || target.data[i] == '#')
            return false;
    }
    return true;
}

/* Cuts "http://AUTHORITY" off. */
static int parse_absolute(struct span *target, struct span host, struct s3_error *error)
{
    size_t scheme = spans_begins_nocase(*target, "http://")    ? 7
                    : spans_begins_nocase(*target, "https://") ? 8
                                                               : 0;
    if (scheme == 0)
        return s3_error_set(error, S3_INVALID_URI, NULL);
    struct span rest = spans_after(*target, scheme);
    size_t size = spans_until(rest, '/'), query = spans_until(rest, '?');
    size = query < size ? query : size;
    if (!spans_equal_nocase(span_of(rest.data, size), host))
        return s3_error_set(
            error, S3_INVALID_REQUEST, "The request's target and its Host header differ.");
    *target = spans_after(rest, size);
    return 0;
}

int route_target_parse(
    struct span target, struct span host, struct route *route, struct s3_error *error)
{
    if (!is_clean(target))
        return s3_error_set(error, S3_INVALID_URI, NULL);
    if (!spans_begins(target, "/") && parse_absolute(&target, host, error) < 0)
        return -EPROTO;
    size_t path = spans_until(target, '?');
    route->has_query = path < target.size;
    route->path = path ? span_of(target.data, path) : span_of_text("/");
    route->query = route->has_query ? spans_after(target, path + 1) : span_of(NULL, 0);
    return 0;
}

int route_target_bucket(
    struct route *route, uint8_t bucket[ROUTE_BUCKET_MAX], size_t *ret_size, struct s3_error *error)
{
    struct span rest = spans_after(route->path, 1);
    struct span segment = span_of(rest.data, spans_until(rest, '/'));
    bool good = percent_decode_strictly(segment, bucket, ROUTE_BUCKET_MAX, ret_size);
    struct span decoded = span_of(bucket, good ? *ret_size : 0);
    /* "//KEY" has no bucket, and a bucket has no slash: who means what with these? */
    if (!good || (segment.size == 0 && rest.size > 0) || spans_is(decoded, ".") ||
        spans_is(decoded, "..") || spans_until(decoded, '/') < decoded.size)
        return s3_error_set(error, S3_INVALID_URI, NULL);
    route->bucket = segment;
    route->key_path = spans_after(rest, segment.size);
    return 0;
}

bool route_next_parameter(struct span *query, struct route_parameter *ret)
{
    if (query->size == 0)
        return false;
    size_t size = spans_until(*query, '&');
    ret->whole = span_of(query->data, size);
    size_t name = spans_until(ret->whole, '=');
    ret->has_value = name < size;
    ret->name = span_of(ret->whole.data, name);
    ret->value = ret->has_value ? spans_after(ret->whole, name + 1) : span_of(NULL, 0);
    *query = spans_after(*query, size < query->size ? size + 1 : size);
    return true;
}

bool route_parameter_is(const struct route_parameter *parameter, const char *text)
{
    uint8_t name[PARAMETER_MAX];
    size_t size;
    return percent_decode_strictly(parameter->name, name, sizeof name, &size) &&
           spans_is_nocase(span_of(name, size), text);
}

enum parameter {
    SUBRESOURCE = 1, /* asks for a part of the bucket or object, not for itself */
    NAMES = 2,       /* its XML may name buckets */
    OPAQUE = 4,      /* it is not XML */
    PRESIGNED = 8
};

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 * What is missing here is an object's own bytes or a bucket's list: nothing in them is renamed that
 * is not of a known form. */
static const struct {
    const char *name;
    unsigned is;
} parameters[] = {
    {"accelerate", SUBRESOURCE},
    {"acl", SUBRESOURCE},
    {"analytics", SUBRESOURCE | NAMES},
    {"attributes", SUBRESOURCE},
    {"cors", SUBRESOURCE},
    {"delete", SUBRESOURCE},
    {"encryption", SUBRESOURCE},
    {"intelligent-tiering", SUBRESOURCE},
    {"inventory", SUBRESOURCE | NAMES},
    {"legal-hold", SUBRESOURCE},
    {"lifecycle", SUBRESOURCE},
    {"list-type", SUBRESOURCE},
    {"location", SUBRESOURCE},
    {"logging", SUBRESOURCE | NAMES},
    {"metadataConfiguration", SUBRESOURCE},
    {"metadataTable", SUBRESOURCE},
    {"metrics", SUBRESOURCE},
    {"notification", SUBRESOURCE},
    {"object-lock", SUBRESOURCE},
    {"ownershipControls", SUBRESOURCE},
    {"policy", SUBRESOURCE | OPAQUE},
    {"policyStatus", SUBRESOURCE},
    {"publicAccessBlock", SUBRESOURCE},
    {"replication", SUBRESOURCE | NAMES},
    {"requestPayment", SUBRESOURCE},
    {"restore", SUBRESOURCE | NAMES},
    {"retention", SUBRESOURCE},
    {"select", SUBRESOURCE | OPAQUE},
    {"session", SUBRESOURCE},
    {"tagging", SUBRESOURCE},
    {"torrent", SUBRESOURCE | OPAQUE},
    {"uploadId", SUBRESOURCE},
    {"uploads", SUBRESOURCE},
    {"versioning", SUBRESOURCE},
    {"versions", SUBRESOURCE},
    {"website", SUBRESOURCE},
    {"X-Amz-Credential", PRESIGNED},
    {"X-Amz-Signature", PRESIGNED},
};

static unsigned look_through(struct span query)
{
    struct route_parameter parameter;
    unsigned found = 0;
    while (route_next_parameter(&query, &parameter)) {
        for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
            if (route_parameter_is(&parameter, parameters[i].name))
                found |= parameters[i].is;
        }
    }
    return found;
}

void route_target_operation(struct route *route, struct span method)
{
    unsigned found = look_through(route->query);
    bool has_key = route->key_path.size > 1;
    bool reads = spans_is(method, "GET") || spans_is(method, "HEAD");
    bool puts = spans_is(method, "PUT"), posts = spans_is(method, "POST");
    route->is_head = spans_is(method, "HEAD");
    route->is_presigned = found & PRESIGNED;
    route->operation = ROUTE_OTHER;
    if (route->bucket.size == 0)
        route->operation = spans_is(method, "GET") ? ROUTE_LIST_BUCKETS : ROUTE_OTHER;
    else if (found & OPAQUE)
        route->operation = ROUTE_OPAQUE;
    else if (found & NAMES && (puts || posts))
        route->operation = ROUTE_NAMES;
    else if (found & SUBRESOURCE)
        return;
    else if (has_key && reads)
        route->operation = ROUTE_OBJECT;
    else if (!has_key && puts)
        route->operation = ROUTE_CREATE_BUCKET;
    else if (!has_key && posts)
        route->operation = ROUTE_POST_FORM;
}
