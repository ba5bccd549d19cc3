/* What a reply says, and what follows from it.
 *
 * On the good day it is an answer: its tree. Otherwise AWS gives a code, in a shape that depends on
 * the protocol, and the code says whether anything was done: "Error Retries and Exponential
 * Backoff" and each service's "Common Errors". What has no code comes from somebody on the way, or
 * from a service that is not well: nobody knows what was done. */
#include "failover/aws/call_parts.h"

#include "base/json.h"
#include "base/utf8.h"
#include "base/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

/* AWS did nothing, and will when it is asked less often. Codes like LimitExceeded are of quotas. */
static bool is_throttle(const struct aws_understood *reply)
{
    static const char *const codes[] = {"BandwidthLimitExceeded", "EC2ThrottledException",
        "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException",
        "Throttling", "ThrottlingException", "TooManyRequestsException",
        "TransactionInProgressException", NULL};
    return reply->status == 429 || is_one_of(reply->code, codes);
}

static bool is_expired(const struct aws_understood *reply)
{
    static const char *const codes[] = {
        "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", NULL};
    return is_one_of(reply->code, codes);
}

/* Those that a wrong clock leads to, among other things. */
static bool is_clock(const struct aws_understood *reply)
{
    static const char *const codes[] = {"AuthFailure", "InvalidSignatureException",
        "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        NULL};
    return is_one_of(reply->code, codes);
}

/* A refusal, although EC2 and S3 say it with a status of 5xx. */
static bool is_refusal(const struct aws_understood *reply)
{
    bool is_final = reply->status == 501 || strncmp(reply->code, "Insufficient", 12) == 0;
    bool is_transient = reply->status == 408 || strcmp(reply->code, "RequestTimeout") == 0 ||
                        strcmp(reply->code, "RequestTimeoutException") == 0;
    return *reply->code && !is_transient && (reply->status < 500 || is_final);
}

static enum aws_meaning meaning_of(const struct aws_understood *reply)
{
    if (is_throttle(reply))
        return AWS_MEANS_THROTTLE;
    if (is_expired(reply))
        return AWS_MEANS_EXPIRED;
    if (is_clock(reply))
        return AWS_MEANS_CLOCK;
    return is_refusal(reply) ? AWS_MEANS_REFUSAL : AWS_MEANS_UNSURE;
}

/* One line for a person's terminal, cut where there is no more room. */
static void copy_words(char *ret, size_t room, const char *text, size_t size)
{
    size_t used = size < room - 1 ? size : room - 1;
    memcpy(ret, text, used);
    ret[used] = '\0';
    for (char *at = ret; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    utf8_mend(ret);
}

static void copy_text(char *ret, size_t room, const char *text)
{
    if (text)
        copy_words(ret, room, text, strlen(text));
}

/* "com.amazonaws.ecs#ServiceNotFoundException:http://…" is a ServiceNotFoundException. */
static void copy_type(char ret[AWS_CODE_SIZE], const char *type, size_t size)
{
    const char *hash = memchr(type, '#', size);
    if (hash) {
        size -= (size_t)(hash + 1 - type);
        type = hash + 1;
    }
    const char *colon = memchr(type, ':', size);
    copy_words(ret, AWS_CODE_SIZE, type, colon ? (size_t)(colon - type) : size);
}

static const char *first_text(const cJSON *tree, const char *const *paths)
{
    const char *text = NULL;
    while (!text && *paths)
        text = tree_text(tree, *paths++);
    return text;
}

/* <ErrorResponse><Error>, EC2's <Response><Errors><Error>, S3's <Error>. */
static void read_xml_error(const cJSON *tree, struct aws_understood *ret)
{
    static const char *const codes[] = {"Error/Code", "Errors/Error/Code", "Code", NULL};
    static const char *const messages[] = {
        "Error/Message", "Errors/Error/Message", "Message", "Messages/Message", NULL};
    copy_text(ret->code, sizeof ret->code, first_text(tree, codes));
    copy_text(ret->message, sizeof ret->message, first_text(tree, messages));
    if (!*ret->code && tree_find(tree, "Messages")) /* Route 53's other shape of a refusal */
        copy_text(ret->code, sizeof ret->code, "InvalidChangeBatch");
}

static void read_json_error(const cJSON *tree, struct aws_understood *ret)
{
    static const char *const types[] = {"__type", "code", NULL};
    static const char *const messages[] = {"message", "Message", "errorMessage", NULL};
    const char *type = first_text(tree, types);
    if (type)
        copy_type(ret->code, type, strlen(type));
    copy_text(ret->message, sizeof ret->message, first_text(tree, messages));
}

static void read_request_id(
    const struct http_client_reply *reply, const cJSON *tree, struct aws_understood *ret)
{
    static const char *const names[] = {
        "x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id", NULL};
    static const char *const paths[] = {
        "RequestId", "RequestID", "requestId", "ResponseMetadata/RequestId", NULL};
    const struct http_header *header = NULL;
    for (const char *const *name = names; !header && *name; name++)
        header = http_header_find(reply->headers, reply->header_count, *name);
    if (header)
        copy_words(ret->request_id, sizeof ret->request_id, (const char *)header->value.data,
            header->value.size);
    else
        copy_text(ret->request_id, sizeof ret->request_id, first_text(tree, paths));
}

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static uint64_t read_date(const struct http_header *header)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40] = "", month[4] = "";
    struct tm parts = {0};
    if (!header || header->value.size >= sizeof text)
        return 0;
    memcpy(text, header->value.data, header->value.size);
    if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &parts.tm_year,
            &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6 ||
        parts.tm_year < 1970)
        return 0;
    const char *at = strstr(months, month);
    if (!at || (at - months) % 3 != 0 || strlen(month) != 3)
        return 0;
    parts.tm_mon = (int)(at - months) / 3;
    parts.tm_year -= 1900;
    return (uint64_t)timegm(&parts);
}

/* RFC 9110 10.2.3, in seconds or as a date. */
static void read_times(const struct http_client_reply *reply, struct aws_understood *ret)
{
    const struct http_header *later =
        http_header_find(reply->headers, reply->header_count, "retry-after");
    ret->date_s = read_date(http_header_find(reply->headers, reply->header_count, "date"));
    if (!later || later->value.size == 0)
        return;
    uint64_t until_s = read_date(later), after_s = 0;
    for (size_t i = 0; i < later->value.size && i < 6; i++) {
        if (later->value.data[i] < '0' || later->value.data[i] > '9')
            break;
        after_s = 10 * after_s + (later->value.data[i] - '0');
    }
    if (until_s > ret->date_s && ret->date_s > 0)
        after_s = until_s - ret->date_s;
    ret->retry_after_ms = after_s * 1000;
}

/* Below <ActionResponse>, the service's own wrapping is left out. */
static cJSON *unwrap(const char *action, cJSON *tree)
{
    char name[AWS_CODE_SIZE];
    snprintf(name, sizeof name, "%sResult", action);
    if (!cJSON_IsObject(tree))
        return tree;
    cJSON *result = cJSON_DetachItemFromObjectCaseSensitive(tree, name);
    if (!result)
        return tree;
    cJSON_Delete(tree);
    return result;
}

static int read_tree(
    const struct aws_service *service, struct span body, cJSON **ret, struct failure *why)
{
    const char *text = (const char *)body.data;
    *ret = NULL;
    if (body.size == 0)
        return 0;
    if (service->protocol == AWS_JSON)
        return json_parse(text, body.size, ret, NULL, why);
    return xml_parse(text, body.size, ret, why);
}

static void read_error(const struct aws_service *service, const char *method,
    const struct http_client_reply *reply, const cJSON *tree, struct aws_understood *ret)
{
    const struct http_header *type =
        http_header_find(reply->headers, reply->header_count, "x-amzn-errortype");
    if (service->protocol == AWS_JSON)
        read_json_error(tree, ret);
    if (!*ret->code)
        read_xml_error(tree, ret);
    if (!*ret->code && type)
        copy_type(ret->code, (const char *)type->value.data, type->value.size);
    /* A HEAD has no body to give a code in. */
    if (!*ret->code && method && strcmp(method, "HEAD") == 0 && reply->status < 500)
        snprintf(ret->code, sizeof ret->code, "HTTP %u", reply->status);
    ret->meaning = meaning_of(ret);
    if (!*ret->code)
        snprintf(ret->trouble, sizeof ret->trouble, "it answered with status %u and no code",
            reply->status);
}

static void understand_status(const struct aws_service *service, const char *method,
    const char *action, const struct http_client_reply *reply, struct aws_understood *ret)
{
    struct failure why = {""};
    cJSON *tree = NULL;
    int status = read_tree(service, reply->body, &tree, &why);
    bool is_error = reply->status < 200 || reply->status > 299;
    /* Who checks keys and rights before a service that speaks JSON may speak XML. */
    if (status < 0 && is_error && service->protocol == AWS_JSON)
        xml_parse((const char *)reply->body.data, reply->body.size, &tree, &why);
    ret->status = reply->status;
    ret->size = reply->body.size;
    read_request_id(reply, tree, ret);
    read_times(reply, ret);
    if (is_error) {
        read_error(service, method, reply, tree, ret);
        cJSON_Delete(tree);
    } else if (status < 0) {
        ret->meaning = AWS_MEANS_UNSURE;
        copy_text(ret->trouble, sizeof ret->trouble, why.text);
    } else if (!tree && service->protocol == AWS_QUERY) {
        ret->meaning = AWS_MEANS_UNSURE;
        copy_text(ret->trouble, sizeof ret->trouble, "it answered with nothing in it");
    } else {
        ret->body = service->protocol == AWS_QUERY ? unwrap(action, tree) : tree;
    }
}

/* Without a reply. */
static enum aws_meaning meaning_of_silence(const struct http_client_reply *reply)
{
    if (reply->error == -EACCES || reply->error == -EINVAL || reply->error == -EMSGSIZE)
        return AWS_MEANS_HOPELESS;
    return reply->sent ? AWS_MEANS_UNSURE : AWS_MEANS_UNSENT;
}

void aws_understand(const struct aws_service *service, const char *method, const char *action,
    const struct http_client_reply *reply, struct aws_understood *ret)
{
    *ret = (struct aws_understood){.meaning = AWS_MEANS_ANSWER, .sent = reply->sent};
    if (reply->error == 0) {
        understand_status(service, method, action, reply, ret);
        return;
    }
    ret->meaning = meaning_of_silence(reply);
    if (reply->error == -ETIMEDOUT)
        copy_text(ret->trouble, sizeof ret->trouble,
            reply->sent ? "no reply came" : "connection timed out");
    else
        copy_text(ret->trouble, sizeof ret->trouble, reply->words);
}

void aws_understood_fini(struct aws_understood *understood)
{
    cJSON_Delete(understood->body);
    *understood = (struct aws_understood){.meaning = AWS_MEANS_ANSWER};
}
