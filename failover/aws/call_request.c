/* A request as it goes out: its form, JSON or XML, the headers of its protocol, and what signs it.
 *
 * The path is that of the endpoint's URL and then the request's own. */
#include "failover/aws/call_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/percent.h"
#include "base/secret.h"
#include "base/sigv4_request.h"
#include "base/url.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static void add_encoded(struct text *form, const char *text)
{
    for (; *text; text++) {
        char encoded[PERCENT_MOST];
        text_add(form, encoded, percent_put((uint8_t)*text, encoded));
    }
}

void aws_form(struct text *form, const char *name, const char *value)
{
    if (form->size > 0)
        text_put(form, "&");
    add_encoded(form, name);
    text_put(form, "=");
    add_encoded(form, value);
}

void aws_form_format(struct text *form, const char *name, const char *format, ...)
{
    va_list arguments;
    char *value = NULL;
    va_start(arguments, format);
    if (vasprintf(&value, format, arguments) < 0)
        abort(); /* for want of memory alone */
    va_end(arguments);
    aws_form(form, name, value);
    free(value);
}

static void write_form(
    const struct aws_wanted *wanted, const char *page_token, struct aws_signed *ret)
{
    aws_form(&ret->body, "Action", wanted->action);
    aws_form(&ret->body, "Version", wanted->service->version);
    if (wanted->body.size > 0) {
        text_put(&ret->body, "&");
        text_add(&ret->body, wanted->body.data, wanted->body.size);
    }
    if (page_token)
        aws_form(&ret->body, wanted->paging->parameter, page_token);
}

/* A page's token becomes one more member of the object. */
static int write_json(
    const struct aws_wanted *wanted, const char *page_token, struct aws_signed *ret)
{
    cJSON *root = NULL;
    if (wanted->body.size == 0)
        text_put(&ret->body, "{}");
    else
        text_add(&ret->body, wanted->body.data, wanted->body.size);
    if (!page_token)
        return 0;
    if (json_parse(ret->body.data, ret->body.size, &root, NULL, NULL) < 0)
        return -EINVAL;
    cJSON_DeleteItemFromObjectCaseSensitive(root, wanted->paging->parameter);
    cJSON_AddStringToObject(root, wanted->paging->parameter, page_token);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    ret->body.size = 0;
    text_put(&ret->body, text);
    cJSON_free(text);
    return 0;
}

static int write_body(
    const struct aws_wanted *wanted, const char *page_token, struct aws_signed *ret)
{
    switch (wanted->service->protocol) {
    case AWS_QUERY:
        write_form(wanted, page_token, ret);
        return 0;
    case AWS_JSON:
        return write_json(wanted, page_token, ret);
    case AWS_REST_XML:
        text_add(&ret->body, wanted->body.data, wanted->body.size);
        return 0;
    }
    return -EINVAL;
}

/* Query and path as they go out, besides the endpoint's own. */
struct target {
    struct url url;
    struct text path, query;
};

static int target_init(struct target *target, const struct aws_wanted *wanted,
    const char *page_token, const char *endpoint)
{
    *target = (struct target){.path = {0}};
    if (url_split(endpoint, &target->url) < 0)
        return -EINVAL;
    size_t prefix = strlen(target->url.path);
    while (prefix > 0 && target->url.path[prefix - 1] == '/')
        prefix--;
    text_add(&target->path, target->url.path, prefix);
    text_put(&target->path, wanted->path ? wanted->path : "/");
    text_put(&target->query, wanted->query ? wanted->query : "");
    if (page_token && wanted->service->protocol == AWS_REST_XML)
        aws_form(&target->query, wanted->paging->parameter, page_token);
    return 0;
}

static void target_fini(struct target *target)
{
    url_fini(&target->url);
    text_fini(&target->path);
    text_fini(&target->query);
}

/* The headers as they are signed; values borrowed from the lines that are sent. */
struct head {
    struct http_header headers[AWS_HEADERS_MOST];
    size_t count;
    char time[SIGV4_TIME_SIZE], hash[SIGV4_HASH_SIZE], names[SIGV4_SIGNED_HEADERS_SIZE];
};

static void add_header(
    struct head *head, struct aws_signed *ret, const char *name, const char *value)
{
    char *line = memory_format("%s: %s", name, value);
    size_t size = strlen(name);
    ret->headers[head->count] = line;
    head->headers[head->count++] =
        (struct http_header){span_of(line, size), span_of_text(line + size + 2)};
}

/* S3 wants each document that changes a bucket to have a checksum ("Checking object integrity"). */
static void add_checksum(struct head *head, struct aws_signed *ret)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0}, encoded[2 * EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(ret->body.data, ret->body.size, digest, &size, EVP_sha256(), NULL);
    EVP_EncodeBlock(encoded, digest, (int)size);
    add_header(head, ret, "x-amz-checksum-sha256", (const char *)encoded);
    add_header(head, ret, "x-amz-sdk-checksum-algorithm", "SHA256");
}

static void add_protocol(struct head *head, const struct aws_wanted *wanted, struct aws_signed *ret)
{
    const struct aws_service *service = wanted->service;
    if (service->protocol == AWS_QUERY) {
        add_header(head, ret, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    } else if (service->protocol == AWS_JSON) {
        char *target = memory_format("%s.%s", service->version, wanted->action);
        add_header(head, ret, "Content-Type", "application/x-amz-json-1.1");
        add_header(head, ret, "X-Amz-Target", target);
        free(target);
    } else if (ret->body.size > 0) {
        add_header(head, ret, "Content-Type", "application/xml");
    }
    if (service != &aws_s3)
        return;
    add_header(head, ret, "x-amz-content-sha256", head->hash);
    if (ret->body.size > 0)
        add_checksum(head, ret);
}

static int write_headers(struct head *head, const struct sigv4 *sigv4,
    const struct aws_wanted *wanted, const struct target *target,
    const struct credential *credential, struct aws_signed *ret)
{
    int status = sigv4_hash(sigv4, span_of(ret->body.data, ret->body.size), head->hash);
    if (status < 0)
        return status;
    add_header(head, ret, "Host", target->url.authority);
    add_header(head, ret, "X-Amz-Date", head->time);
    if (credential->session_token)
        add_header(head, ret, "X-Amz-Security-Token", credential->session_token);
    add_protocol(head, wanted, ret);
    return sigv4_choose_headers(head->headers, head->count, head->names);
}

static int authorize(struct head *head, const struct sigv4 *sigv4, const struct aws_wanted *wanted,
    const struct target *target, const struct credential *credential, struct aws_signed *ret)
{
    const struct aws_service *service = wanted->service;
    struct sigv4_key key = {0};
    struct text line = {0};
    struct sigv4_scope scope = {.date = span_of(head->time, SIGV4_DATE_SIZE - 1),
        .region = span_of_text(aws_signing_region(service, wanted->region)),
        .service = span_of_text(service->signing_name)};
    struct sigv4_request request = {.method = span_of_text(ret->method),
        .path = span_of(target->path.data, target->path.size),
        .query = span_of(target->query.data, target->query.size),
        .headers = head->headers,
        .header_count = head->count,
        .signed_headers = span_of_text(head->names),
        .payload = span_of_text(head->hash),
        .style = service == &aws_s3 ? SIGV4_S3 : SIGV4_SERVICE};
    int status = sigv4_key_prepare(sigv4, &key, credential->secret, &scope);
    text_put(&line, "Authorization: ");
    if (status == 0)
        status =
            sigv4_authorize(sigv4, &key, credential->access_key_id, &request, head->time, &line);
    sigv4_key_fini(&key);
    if (status == 0)
        ret->headers[head->count++] = memory_text(line.data);
    secret_text_fini(&line);
    ret->headers[head->count] = memory_text("User-Agent: pilotlight/" PILOTLIGHT_VERSION);
    return status;
}

static int sign(const struct aws_wanted *wanted, const struct target *target,
    const struct credential *credential, uint64_t now_s, struct aws_signed *ret)
{
    struct head head = {.count = 0};
    struct sigv4 sigv4;
    int status = sigv4_init(&sigv4);
    if (status < 0)
        return status;
    sigv4_time_print(now_s, head.time);
    status = write_headers(&head, &sigv4, wanted, target, credential, ret);
    if (status == 0)
        status = authorize(&head, &sigv4, wanted, target, credential, ret);
    sigv4_fini(&sigv4);
    return status;
}

int aws_sign(const struct aws_wanted *wanted, const char *page_token, const char *endpoint,
    const struct credential *credential, uint64_t now_s, struct aws_signed *ret,
    struct failure *why)
{
    struct target target;
    *ret = (struct aws_signed){.method = wanted->method ? wanted->method : "POST"};
    int status = target_init(&target, wanted, page_token, endpoint);
    if (status < 0)
        return failure_set(why, status, "\"%s\" is no URL", endpoint);
    status = write_body(wanted, page_token, ret);
    if (status == 0)
        status = sign(wanted, &target, credential, now_s, ret);
    ret->url = memory_format("%s://%s%s%s%s", target.url.scheme, target.url.authority,
        target.path.data, target.query.size > 0 ? "?" : "", target.query.data);
    target_fini(&target);
    return status == 0 ? 0 : failure_set(why, status, "it cannot be signed");
}

void aws_signed_fini(struct aws_signed *request)
{
    free(request->url);
    secret_text_fini(&request->body);
    for (char **header = request->headers; *header; header++)
        secret_free(*header);
}
