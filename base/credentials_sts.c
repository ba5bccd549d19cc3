/* On the good day: a form, its hash, four headers, a signature. */
#include "base/credentials_sts.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/percent.h"
#include "base/secret.h"
#include "base/sigv4_request.h"
#include "base/url.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define TOKEN_MOST 20000 /* what STS takes of a web identity token */
#define CONTENT_TYPE "application/x-www-form-urlencoded"

static void add_field(struct text *form, const char *name, const char *value)
{
    if (!value)
        return;
    text_format(form, "%s%s=", form->size ? "&" : "", name);
    for (; *value; value++) {
        char encoded[PERCENT_MOST];
        text_add(form, encoded, percent_put((uint8_t)*value, encoded));
    }
}

static void add_role(struct text *form, const struct credentials_role *role, uint64_t now_s)
{
    char *fallback = memory_format("pilotlight-%" PRIu64, now_s);
    add_field(form, "RoleArn", role->arn);
    add_field(form, "RoleSessionName", role->session_name ? role->session_name : fallback);
    add_field(form, "ExternalId", role->external_id);
    add_field(form, "DurationSeconds", role->duration_s);
    free(fallback);
}

/* The headers as they are signed and as they are sent. */
struct signed_head {
    struct http_header headers[4];
    size_t count;
    char time[SIGV4_TIME_SIZE], hash[SIGV4_HASH_SIZE], names[SIGV4_SIGNED_HEADERS_SIZE];
};

static void add_header(
    struct signed_head *head, struct text *line, const char *name, const char *value)
{
    text_format(line, "%s: %s", name, value);
    head->headers[head->count++] = (struct http_header){span_of_text(name), span_of_text(value)};
}

static int sign(const struct sigv4 *sigv4, const struct credentials_plan *plan,
    const struct credential *signer, const struct url *url, struct signed_head *head,
    struct credentials_sts_request *ret)
{
    struct sigv4_key key = {0};
    struct sigv4_scope scope = {.date = span_of(head->time, SIGV4_DATE_SIZE - 1),
        .region = span_of_text(plan->region),
        .service = span_of_text("sts")};
    struct sigv4_request request = {.method = span_of_text("POST"),
        .path = span_of_text(url->path),
        .headers = head->headers,
        .header_count = head->count,
        .style = SIGV4_SERVICE};
    int status = sigv4_hash(sigv4, span_of(ret->body.data, ret->body.size), head->hash);
    if (status == 0)
        status = sigv4_choose_headers(head->headers, head->count, head->names);
    if (status == 0)
        status = sigv4_key_prepare(sigv4, &key, signer->secret, &scope);
    request.signed_headers = span_of_text(head->names);
    request.payload = span_of_text(head->hash);
    text_put(&ret->authorization, "Authorization: ");
    if (status == 0)
        status = sigv4_authorize(
            sigv4, &key, signer->access_key_id, &request, head->time, &ret->authorization);
    sigv4_key_fini(&key);
    return status;
}

static int add_signature(const struct credentials_plan *plan, const struct credential *signer,
    uint64_t now_s, struct credentials_sts_request *ret)
{
    struct signed_head head = {.count = 0};
    struct sigv4 sigv4;
    struct url url;
    if (url_split(plan->sts_url, &url) < 0)
        return -EINVAL;
    sigv4_time_print(now_s, head.time);
    add_header(&head, &ret->host, "Host", url.authority);
    add_header(&head, &ret->date, "X-Amz-Date", head.time);
    head.headers[head.count++] =
        (struct http_header){span_of_text("Content-Type"), span_of_text(CONTENT_TYPE)};
    if (signer->session_token)
        add_header(&head, &ret->token, "X-Amz-Security-Token", signer->session_token);
    int status = sigv4_init(&sigv4);
    if (status == 0) {
        status = sign(&sigv4, plan, signer, &url, &head, ret);
        sigv4_fini(&sigv4);
    }
    url_fini(&url);
    return status;
}

int credentials_sts_assume(const struct credentials_plan *plan, const struct credentials_role *role,
    const struct credential *signer, uint64_t now_s, struct credentials_sts_request *ret,
    struct failure *why)
{
    *ret = (struct credentials_sts_request){.url = memory_text(plan->sts_url)};
    text_put(&ret->body, "Action=AssumeRole&Version=2011-06-15");
    add_role(&ret->body, role, now_s);
    int status = add_signature(plan, signer, now_s, ret);
    return status == 0 ? 0 : failure_set(why, status, "%s cannot be signed for", plan->sts_url);
}

static char *read_token(const char *path, struct failure *why)
{
    char *text = NULL;
    size_t size = 0;
    int status = file_read(path, TOKEN_MOST, &text, &size);
    if (status < 0) {
        failure_set(why, status, "%s: %s", path, strerror(-status));
        return NULL;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

int credentials_sts_web_identity(const struct credentials_plan *plan, uint64_t now_s,
    struct credentials_sts_request *ret, struct failure *why)
{
    *ret = (struct credentials_sts_request){.url = memory_text(plan->sts_url)};
    char *token = read_token(plan->token_file, why);
    if (!token)
        return -EINVAL;
    text_put(&ret->body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
    add_role(&ret->body, &plan->web, now_s);
    add_field(&ret->body, "WebIdentityToken", token);
    secret_free(token);
    return 0;
}

void credentials_sts_request_fini(struct credentials_sts_request *request)
{
    free(request->url);
    secret_text_fini(&request->body);
    secret_text_fini(&request->authorization);
    secret_text_fini(&request->host);
    secret_text_fini(&request->date);
    secret_text_fini(&request->token);
}
