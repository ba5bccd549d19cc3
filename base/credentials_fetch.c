/* On the good day: one call (an instance's metadata takes three), its reply read, and then a call
 * to STS for each role, signed by what came before.
 *
 * The first thing that goes wrong ends it, in words that name who was asked. */
#include "base/credentials_fetch.h"

#include "base/credentials_reply.h"
#include "base/credentials_sts.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>

#define LOCAL_CONNECT_MS 1000
#define LOCAL_TIMEOUT_MS 2000
#define STS_TIMEOUT_MS 10000
#define REPLY_MOST 65536
#define TOKEN_MOST 4096
#define ROLE_NAME_MOST 128

struct credentials_fetch {
    struct http_client *client;
    struct http_client_call *call;
    struct credentials_plan plan;
    struct credential *credential; /* so far */
    size_t next_role;
    char *metadata_token; /* as a header; NULL: not asked for yet */
    uint64_t now_s;
    credentials_fetched *done;
    void *context;
    const char *asked; /* whom, in words */
    struct failure why;
};

static void fetch_free(struct credentials_fetch *fetch)
{
    http_client_cancel(fetch->call);
    credential_free(fetch->credential);
    credentials_plan_fini(&fetch->plan);
    secret_free(fetch->metadata_token);
    free(fetch);
}

void credentials_fetch_cancel(struct credentials_fetch *fetch)
{
    if (fetch)
        fetch_free(fetch);
}

/* NULL `credential`: the words are set. */
static void end(struct credentials_fetch *fetch, struct credential *credential)
{
    credentials_fetched *done = fetch->done;
    void *context = fetch->context;
    struct failure why = fetch->why;
    if (fetch->credential == credential)
        fetch->credential = NULL;
    fetch_free(fetch);
    done(context, credential, &why);
}

static void fail(struct credentials_fetch *fetch)
{
    failure_prefix(&fetch->why, -EIO, "%s", fetch->asked);
    end(fetch, NULL);
}

static void fail_in_words(struct credentials_fetch *fetch, const char *words)
{
    failure_set(&fetch->why, -EIO, "%s", words);
    fail(fetch);
}

/* Whether there is a reply of the kind that was wanted; otherwise the fetch is over. */
static bool is_reply(struct credentials_fetch *fetch, const struct http_client_reply *reply)
{
    fetch->call = NULL;
    if (reply->error == 0 && reply->status == 200 && reply->body.size > 0)
        return true;
    if (reply->error < 0)
        failure_set(&fetch->why, reply->error, "%s", reply->words);
    else
        failure_set(&fetch->why, -EIO, "it answered with status %u", reply->status);
    fail(fetch);
    return false;
}

static void assume_next(struct credentials_fetch *fetch);

static void take(struct credentials_fetch *fetch, struct credential *credential)
{
    credential_free(fetch->credential);
    fetch->credential = credential;
    if (fetch->next_role == fetch->plan.role_count)
        end(fetch, fetch->credential);
    else
        assume_next(fetch);
}

/* STS explains its refusals in the reply. */
static void on_sts(void *context, const struct http_client_reply *reply)
{
    struct credentials_fetch *fetch = context;
    struct credential *credential = NULL;
    if (reply->error < 0 || reply->body.size == 0) {
        is_reply(fetch, reply);
        return;
    }
    fetch->call = NULL;
    if (credentials_read_xml(reply->body, &credential, &fetch->why) < 0)
        fail(fetch);
    else
        take(fetch, credential);
}

static void ask_sts(struct credentials_fetch *fetch, struct credentials_sts_request *request)
{
    const struct text *lines[] = {
        &request->authorization, &request->host, &request->date, &request->token};
    const char *headers[6] = {"Content-Type: application/x-www-form-urlencoded"};
    for (size_t i = 0, count = 1; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i]->size > 0)
            headers[count++] = lines[i]->data;
    }
    fetch->asked = "STS";
    struct http_client_request call = {.method = "POST",
        .url = request->url,
        .headers = headers,
        .body = span_of(request->body.data, request->body.size),
        .timeout_ms = STS_TIMEOUT_MS,
        .reply_most = REPLY_MOST};
    fetch->call = http_client_start(fetch->client, &call, on_sts, fetch);
}

static void assume_next(struct credentials_fetch *fetch)
{
    struct credentials_sts_request request;
    const struct credentials_role *role = &fetch->plan.roles[fetch->next_role++];
    int status = credentials_sts_assume(
        &fetch->plan, role, fetch->credential, fetch->now_s, &request, &fetch->why);
    fetch->asked = role->arn;
    if (status == 0)
        ask_sts(fetch, &request);
    credentials_sts_request_fini(&request);
    if (status < 0)
        fail(fetch);
}

static void begin_web_identity(struct credentials_fetch *fetch)
{
    struct credentials_sts_request request;
    int status = credentials_sts_web_identity(&fetch->plan, fetch->now_s, &request, &fetch->why);
    fetch->asked = "web identity";
    if (status == 0)
        ask_sts(fetch, &request);
    credentials_sts_request_fini(&request);
    if (status < 0)
        fail(fetch);
}

/* Containers and instances say what is wrong in their JSON, whatever the status. */
static void on_keys(void *context, const struct http_client_reply *reply)
{
    struct credentials_fetch *fetch = context;
    struct credential *credential = NULL;
    bool is_json = reply->error == 0 && reply->body.size > 0 && *reply->body.data == '{';
    if (!is_json && !is_reply(fetch, reply))
        return;
    fetch->call = NULL;
    if (credentials_read_json(reply->body, &credential, &fetch->why) < 0)
        fail(fetch);
    else
        take(fetch, credential);
}

/* Whoever is on this host or beside it: near, and by no proxy. */
static void ask_near(struct credentials_fetch *fetch, const char *method, const char *url,
    const char *header, http_client_done *done)
{
    const char *headers[] = {header, NULL};
    struct http_client_request call = {.method = method,
        .url = url,
        .headers = headers,
        .connect_timeout_ms = LOCAL_CONNECT_MS,
        .timeout_ms = LOCAL_TIMEOUT_MS,
        .reply_most = REPLY_MOST,
        .direct = true};
    fetch->call = http_client_start(fetch->client, &call, done, fetch);
}

/* One line of printable characters, as a header's value must be; NULL when it is not. */
static char *header_of(const char *name, const char *value, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", value[size - 1]))
        size--;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)value[i] < ' ' || (unsigned char)value[i] >= 0x7f)
            return NULL;
    }
    return size > 0 ? memory_format("%s: %.*s", name, (int)size, value) : NULL;
}

/* The file counts first and is read each time: its token changes. */
static int container_token(struct credentials_fetch *fetch, char **ret_header)
{
    const struct credentials_plan *plan = &fetch->plan;
    char *text = memory_text(plan->container_token);
    size_t size = text ? strlen(text) : 0;
    int status = 0;
    *ret_header = NULL;
    if (plan->container_token_file) {
        secret_free(text);
        text = NULL;
        status = file_read(plan->container_token_file, REPLY_MOST, &text, &size);
    }
    if (status < 0)
        return failure_set(
            &fetch->why, status, "%s: %s", plan->container_token_file, strerror(-status));
    if (text && !(*ret_header = header_of("Authorization", text, size)))
        status = failure_set(&fetch->why, -EINVAL, "its authorization token is not one line");
    secret_free(text);
    return status;
}

static void begin_container(struct credentials_fetch *fetch)
{
    char *header = NULL;
    if (container_token(fetch, &header) < 0)
        fail(fetch);
    else
        ask_near(fetch, "GET", fetch->plan.container_url, header, on_keys);
    secret_free(header);
}

static void ask_metadata(struct credentials_fetch *fetch, const char *name, http_client_done *done)
{
    char *url = memory_format(
        "%s/latest/meta-data/iam/security-credentials/%s", fetch->plan.instance_url, name);
    ask_near(fetch, "GET", url, fetch->metadata_token, done);
    free(url);
}

static void on_role_name(void *context, const struct http_client_reply *reply)
{
    struct credentials_fetch *fetch = context;
    char name[ROLE_NAME_MOST + 1];
    if (reply->error == 0 && reply->status == 404) {
        fetch->call = NULL;
        fail_in_words(fetch, "the instance has no role");
        return;
    }
    if (!is_reply(fetch, reply))
        return;
    size_t size = 0;
    while (size < reply->body.size && size < ROLE_NAME_MOST && reply->body.data[size] > ' ' &&
           reply->body.data[size] < 0x7f && !strchr("/?#%", reply->body.data[size]))
        size++;
    memcpy(name, reply->body.data, size);
    name[size] = '\0';
    if (size == 0 || (size < reply->body.size && reply->body.data[size] != '\n'))
        fail_in_words(fetch, "the role's name is none");
    else
        ask_metadata(fetch, name, on_keys);
}

static void on_metadata_token(void *context, const struct http_client_reply *reply)
{
    struct credentials_fetch *fetch = context;
    if (!is_reply(fetch, reply))
        return;
    if (reply->body.size <= TOKEN_MOST)
        fetch->metadata_token =
            header_of("X-aws-ec2-metadata-token", (const char *)reply->body.data, reply->body.size);
    if (fetch->metadata_token)
        ask_metadata(fetch, "", on_role_name);
    else
        fail_in_words(fetch, "its token is none");
}

/* IMDSv2 alone: a token first. In a container the answer needs a hop limit of 2. */
static void begin_instance(struct credentials_fetch *fetch)
{
    char *url = memory_format("%s/latest/api/token", fetch->plan.instance_url);
    ask_near(fetch, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", on_metadata_token);
    free(url);
}

static void begin(struct credentials_fetch *fetch)
{
    fetch->asked = fetch->plan.source;
    switch (fetch->plan.base) {
    case CREDENTIALS_STATIC:
        take(fetch, credential_copy(&fetch->plan.keys));
        break;
    case CREDENTIALS_WEB_IDENTITY:
        begin_web_identity(fetch);
        break;
    case CREDENTIALS_CONTAINER:
        begin_container(fetch);
        break;
    case CREDENTIALS_INSTANCE:
        begin_instance(fetch);
        break;
    }
}

void credentials_fetch_start(struct http_client *client, struct credentials_plan *plan,
    uint64_t now_s, credentials_fetched *done, void *context, struct credentials_fetch **ret)
{
    struct credentials_fetch *fetch = memory_new(sizeof *fetch);
    fetch->client = client;
    fetch->plan = *plan;
    *plan = (struct credentials_plan){0};
    fetch->now_s = now_s;
    fetch->done = done;
    fetch->context = context;
    *ret = fetch;
    begin(fetch);
}
