/* On the good day somebody on this host shows the token, and gets what the host signs with.
 *
 * What can go wrong: no token (401), a wrong one, or one from another host (403), whatever it says;
 * no credentials at the moment (503, which SDKs try again). Answers are JSON, as SDKs expect. */
#include "proxy/gateway/vend.h"

#include "base/json.h"
#include "base/sigv4.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/spans.h"

#include <openssl/crypto.h>
#include <time.h>

#define LASTING_S 3600 /* SDKs want to hear when to ask again */

bool vend_is_asked(const struct http_head *request)
{
    return http_span_is(request->target, VEND_PATH);
}

/* Takes `document`. */
static void answer_with(struct plan *plan, unsigned status, cJSON *document)
{
    char *text = cJSON_PrintUnformatted(document);
    if (text) {
        text_put(&plan->body, text);
        OPENSSL_cleanse(text, plan->body.size);
    }
    cJSON_free(text);
    for (const cJSON *member = document->child; member; member = member->next)
        OPENSSL_cleanse(member->valuestring, strlen(member->valuestring));
    cJSON_Delete(document);
    plan->verdict = PLAN_ANSWER;
    plan->error = GATEWAY_ERROR_UNAUTHORIZED;
    plan->answer = (struct answer){.status = status, .json = plan->body.data};
}

static void refuse(struct plan *plan, unsigned status, const char *code, const char *message)
{
    cJSON *document = cJSON_CreateObject();
    json_add_text(document, "code", code);
    json_add_text(document, "message", message);
    answer_with(plan, status, document);
    plan->answer.retry_after_s = status == 503;
}

/* "TOKEN", or "Bearer TOKEN". */
static bool is_token(struct span given, const char *token)
{
    if (spans_begins_nocase(given, "bearer "))
        given = spans_after(given, strlen("bearer "));
    return given.size == strlen(token) && CRYPTO_memcmp(given.data, token, given.size) == 0;
}

static void print_time(uint64_t seconds, char ret[32])
{
    time_t then = (time_t)seconds;
    struct tm parts;
    gmtime_r(&then, &parts);
    strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void give(struct plan *plan, const struct auth_key *key, uint64_t now_s)
{
    char expiration[32];
    cJSON *document = cJSON_CreateObject();
    print_time(key->expires_s ? key->expires_s : now_s + LASTING_S, expiration);
    json_add_text(document, "AccessKeyId", key->access_key_id);
    json_add_text(document, "SecretAccessKey", key->secret);
    json_add_text(document, "Token", key->session_token ? key->session_token : "");
    json_add_text(document, "Expiration", expiration);
    answer_with(plan, 200, document);
}

void vend_answer(struct plan *plan, const struct plan_inputs *inputs)
{
    const struct planner *planner = inputs->planner;
    const struct http_header *token = http_find(inputs->request, "authorization");
    const struct auth_key *key = planner->host;
    if (!http_span_is(inputs->request->method, "GET"))
        refuse(plan, 405, "MethodNotAllowed", "Credentials are asked for with GET.");
    else if (!token)
        refuse(plan, 401, "Unauthorized", "The Authorization header is to hold the token.");
    else if (!inputs->is_local || !planner->vend_token ||
             !is_token(token->value, planner->vend_token))
        refuse(plan, 403, "AccessDenied", "The token is wrong, or does not come from this host.");
    else if (!key || (key->expires_s != 0 && inputs->now_s >= key->expires_s))
        refuse(plan, 503, "NotReady", "The host's own credentials are not known.");
    else
        give(plan, key, inputs->now_s);
}
