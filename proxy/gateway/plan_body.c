/* A document that names buckets: read whole, vouched for, rewritten, and given digests of its own.
 *
 * What can go wrong is the client's: the document is not the one that was signed, or no XML; or it
 * comes in pieces (aws-chunked), as no SDK sends one. */
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/plan_parts.h"
#include "proxy/gateway/xml_map.h"

#include <openssl/evp.h>
#include <strings.h>

#define MD5_SIZE 16

static bool refuse(struct plan *plan, enum s3_error_code code)
{
    plan_refuse_as(plan, GATEWAY_ERROR_BAD_REQUEST, code, NULL);
    return false;
}

/* Empty: OpenSSL may not do it (FIPS). */
static void print_md5(struct span data, char ret[PLAN_MD5_SIZE])
{
    uint8_t md5[EVP_MAX_MD_SIZE];
    size_t size = 0;
    ret[0] = 0;
    if (EVP_Q_digest(NULL, "MD5", NULL, data.data, data.size, md5, &size) == 1 && size == MD5_SIZE)
        EVP_EncodeBlock((uint8_t *)ret, md5, MD5_SIZE);
}

static bool is_whole(struct plan *plan, const struct plan_inputs *inputs, const struct auth *auth)
{
    char hash[SIGV4_HASH_SIZE], md5[PLAN_MD5_SIZE];
    struct span claimed = auth->payload_text;
    const struct http_header *header = http_find(inputs->request, "content-md5");
    if (auth->verdict == AUTH_VERIFIED && auth->payload == AUTH_PAYLOAD_HASH) {
        if (sigv4_hash(&inputs->planner->sigv4, *inputs->body, hash) < 0)
            return refuse(plan, S3_INTERNAL_ERROR);
        if (strncasecmp((const char *)claimed.data, hash, claimed.size) != 0)
            return refuse(plan, S3_X_AMZ_CONTENT_SHA256_MISMATCH);
    }
    print_md5(*inputs->body, md5);
    if (header && *md5 && !http_span_is(header->value, md5))
        return refuse(plan, S3_BAD_DIGEST);
    return true;
}

static bool rewrite(struct plan *plan, const struct plan_inputs *inputs)
{
    struct xml_map *map = xml_map_new(&plan->parts->map.names, NAMES_TO_S3);
    int status = xml_map_push(map, *inputs->body, &plan->body);
    if (status == 0)
        status = xml_map_finish(map, &plan->body);
    xml_map_free(map);
    return status == 0 || refuse(plan, S3_MALFORMED_XML);
}

bool plan_rewrite_body(struct plan *plan, const struct plan_inputs *inputs, const struct auth *auth)
{
    struct plan_shape *shape = plan->parts->shape;
    if (auth->verdict == AUTH_VERIFIED && auth->payload >= AUTH_PAYLOAD_UNSIGNED_TRAILER)
        return refuse(plan, S3_NOT_IMPLEMENTED);
    if (!inputs->body) {
        plan->verdict = PLAN_COLLECT;
        plan->collect_max = MAP_BODY_MAX;
        return false;
    }
    if (!is_whole(plan, inputs, auth) || !rewrite(plan, inputs))
        return false;
    struct span body = span_of(plan->body.data, plan->body.size);
    print_md5(body, shape->md5);
    return sigv4_hash(&inputs->planner->sigv4, body, shape->hash) == 0 ||
           refuse(plan, S3_INTERNAL_ERROR);
}
