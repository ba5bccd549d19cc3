/* A browser's upload to a bucket that is elsewhere: its fields are read, verified by the policy
 * among them, and written down anew for the real bucket; the file behind them streams as it comes.
 *
 * What can go wrong is the client's: it is no form, its fields are too long, the policy does not
 * allow it or nobody whom we know signed it. A form without policy stays anonymous. */
#include "base/memory.h"
#include "proxy/gateway/auth_post.h"
#include "proxy/gateway/form.h"
#include "proxy/gateway/form_policy.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/plan_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CREDENTIAL_SIZE (AUTH_ID_SIZE + SIGV4_SCOPE_SIZE)
#define FILE_NAME "${filename}"

static bool find_boundary(const struct http_head *request, struct span *ret)
{
    const struct http_header *type = http_find(request, "content-type");
    return type && form_boundary(type->value, ret);
}

static bool has_fields(const struct plan *plan, struct span bytes)
{
    struct span boundary;
    struct form *form = memory_new(sizeof *form);
    bool is_known = !find_boundary(plan->send, &boundary) || form_read(bytes, boundary, form) != 0;
    free(form);
    return is_known;
}

/* With the file's name where the key asks for it. */
static void fill_key(struct form *form, struct text *to)
{
    for (size_t i = 0; i < form->count; i++) {
        struct span *value = &form->fields[i].value;
        if (!http_header_is(&form->fields[i], span_of_text("key")) || to->data)
            continue;
        const uint8_t *mark = memmem(value->data, value->size, FILE_NAME, strlen(FILE_NAME));
        if (!mark)
            return;
        size_t before = (size_t)(mark - value->data), after = before + strlen(FILE_NAME);
        text_add(to, value->data, before);
        text_add(to, form->file_name.data, form->file_name.size);
        text_add(to, value->data + after, value->size - after);
        *value = span_of(to->data, to->size);
    }
}

static bool verify(
    struct plan *plan, const struct plan_inputs *inputs, struct form *form, struct auth *ret)
{
    struct auth_rules rules = plan_auth_rules(inputs);
    struct text key = {0};
    struct auth_limits limits; /* of the file: they stay in the policy, for S3 to judge */
    fill_key(form, &key);
    struct auth_form asked = {
        .fields = form->fields, .count = form->count, .bucket = plan->parts->route.bucket};
    auth_verify_form(&rules, &asked, ret, &limits);
    text_fini(&key);
    if (ret->verdict != AUTH_REFUSED)
        return true;
    plan_refuse_auth(plan, inputs, ret->refusal);
    return false;
}

/* A new form's beginning. */
struct writing {
    struct span delimiter; /* with its CRLF */
    struct text *to;
};

static void put_field(const struct writing *writing, const char *name, const char *value)
{
    text_add(writing->to, writing->delimiter.data, writing->delimiter.size);
    text_format(
        writing->to, "Content-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

static struct span value_of(const struct form *form, const char *name)
{
    const struct http_header *field = http_header_find(form->fields, form->count, name);
    return field ? field->value : span_of(NULL, 0);
}

/* The policy and what signs it. */
static int put_signed(const struct writing *writing, const struct plan_inputs *inputs,
    const struct form *form, struct auth_key *signer, const struct map *map)
{
    const char *region = inputs->view->config->regions[map->region];
    char time[SIGV4_TIME_SIZE], signature[SIGV4_SIGNATURE_SIZE], credential[CREDENTIAL_SIZE];
    struct sigv4_key *key;
    struct text policy = {0};
    sigv4_time_print(inputs->now_s, time);
    snprintf(credential, sizeof credential, "%s/%.8s/%s/s3/aws4_request", signer->access_key_id,
        time, region);
    struct form_policy ours = {.bucket = map->names.route->endpoint->buckets[map->region],
        .credential = credential,
        .time = time,
        .session_token = signer->session_token};
    int status = form_policy_write(value_of(form, "policy"), &ours, &policy);
    if (status == 0)
        status = auth_key_prepare(signer, &inputs->planner->sigv4, time, region, &key);
    if (status == 0)
        status = sigv4_sign_text(key, span_of(policy.data, policy.size), signature);
    if (status == 0) {
        put_field(writing, "x-amz-algorithm", SIGV4_ALGORITHM);
        put_field(writing, "x-amz-credential", credential);
        put_field(writing, "x-amz-date", time);
        if (signer->session_token)
            put_field(writing, "x-amz-security-token", signer->session_token);
        put_field(writing, "policy", policy.data);
        put_field(writing, "x-amz-signature", signature);
    }
    text_fini(&policy);
    return status;
}

/* `signer`: NULL for an anonymous form, of which the bucket alone is replaced. */
static int write_form(struct plan *plan, const struct plan_inputs *inputs, const struct form *form,
    struct auth_key *signer)
{
    const struct map *map = &plan->parts->map;
    struct writing writing = {.delimiter = form->file, .to = &plan->body};
    const uint8_t *line = memmem(form->file.data, form->file.size, "\r\n", 2);
    writing.delimiter.size = (size_t)(line - form->file.data) + 2;
    for (size_t i = 0; i < form->count; i++) {
        if (http_header_is(&form->fields[i], span_of_text("bucket")))
            put_field(&writing, "bucket", map->names.route->endpoint->buckets[map->region]);
        else if (!signer || !form_policy_replaces(form->fields[i].name))
            text_add(writing.to, form->parts[i].data, form->parts[i].size);
    }
    int status = signer ? put_signed(&writing, inputs, form, signer, map) : 0;
    size_t rest = (size_t)(form->file.data - inputs->body->data);
    text_add(writing.to, form->file.data, inputs->body->size - rest);
    return status;
}

static void map_form(struct plan *plan, const struct plan_inputs *inputs, struct form *form)
{
    struct plan_parts *parts = plan->parts;
    struct auth_key *signer = NULL;
    struct auth auth;
    if (!verify(plan, inputs, form, &auth))
        return;
    if (auth.verdict == AUTH_VERIFIED) {
        signer = plan_signer(plan, inputs, &auth);
        if (!signer)
            return;
    }
    parts->shape = plan_shape_new();
    parts->shape->rest = inputs->request->length - inputs->body->size;
    if (write_form(plan, inputs, form, signer) < 0)
        plan_refuse_as(plan, GATEWAY_ERROR_UNAUTHORIZED, S3_INTERNAL_ERROR, NULL);
    else
        plan_send_unsigned(plan, inputs);
}

void plan_map_form(struct plan *plan, const struct plan_inputs *inputs)
{
    struct span boundary;
    if (!find_boundary(inputs->request, &boundary)) {
        plan_refuse_as(plan, GATEWAY_ERROR_BAD_REQUEST, S3_MALFORMED_POST_REQUEST, NULL);
        return;
    }
    if (inputs->request->framing != HTTP_FRAMING_LENGTH) {
        plan_refuse_as(plan, GATEWAY_ERROR_BAD_REQUEST, S3_MISSING_CONTENT_LENGTH, NULL);
        return;
    }
    if (!inputs->body) {
        plan->verdict = PLAN_COLLECT;
        plan->collect_max = FORM_HEAD_MAX;
        plan->has_enough = has_fields;
        return;
    }
    struct form *form = memory_new(sizeof *form);
    if (form_read(*inputs->body, boundary, form) == 1)
        map_form(plan, inputs, form);
    else
        plan_refuse_as(plan, GATEWAY_ERROR_BAD_REQUEST, S3_MALFORMED_POST_REQUEST, NULL);
    free(form);
}
