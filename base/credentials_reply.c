/* On the good day: an id, a secret, a token, a date. A reply that lacks one of them is none; what
 * the service says instead becomes our words. */
#include "base/credentials_reply.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/sigv4.h"

#include <errno.h>
#include <expat.h>
#include <openssl/crypto.h>

#define DEPTH_MOST 16
#define VALUE_MOST 16384 /* bytes of an element's text */

/* What goes into headers must not end them. */
static bool is_clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

static int make(const char *id, const char *secret, const char *token, const char *expiration,
    struct credential **ret, struct failure *why)
{
    uint64_t expires_s = 0;
    if (!id || !secret || !token || !*id || !*secret || !is_clean(id) || !is_clean(token) ||
        strlen(secret) >= SIGV4_SECRET_SIZE)
        return failure_set(why, -EINVAL, "the reply holds no credentials");
    if (expiration && !sigv4_time_parse_extended(expiration, &expires_s))
        return failure_set(why, -EINVAL, "the reply's expiration is no date");
    *ret = memory_new(sizeof **ret);
    **ret = (struct credential){.access_key_id = memory_text(id),
        .secret = memory_text(secret),
        .session_token = *token ? memory_text(token) : NULL,
        .expires_s = expires_s};
    return 0;
}

static void wipe_members(cJSON *root)
{
    cJSON *member = NULL;
    cJSON_ArrayForEach(member, root)
    {
        if (cJSON_IsString(member))
            OPENSSL_cleanse(member->valuestring, strlen(member->valuestring));
    }
}

static const char *either(const cJSON *root, const char *a, const char *b)
{
    const char *text = json_text(root, a);
    return text ? text : json_text(root, b);
}

int credentials_read_json(struct span body, struct credential **ret, struct failure *why)
{
    cJSON *root = NULL;
    *ret = NULL;
    if (body.size == 0 || json_parse((const char *)body.data, body.size, &root, NULL, NULL) < 0)
        return failure_set(why, -EINVAL, "the reply is not JSON");
    const char *code = either(root, "Code", "code"), *message = either(root, "Message", "message");
    const char *token = json_text(root, "Token");
    int status = 0;
    if (code && strcmp(code, "Success") != 0)
        status = failure_set(why, -EINVAL, "%s: %s", code, message ? message : "no more is said");
    else
        status = make(json_text(root, "AccessKeyId"), json_text(root, "SecretAccessKey"),
            token ? token : "", json_text(root, "Expiration"), ret, why);
    wipe_members(root);
    cJSON_Delete(root);
    return status;
}

enum element { ID, SECRET, TOKEN, EXPIRATION, CODE, MESSAGE, ELEMENTS };

static const char *const element_names[ELEMENTS] = {
    "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Code", "Message"};

struct reader {
    XML_Parser parser;
    unsigned depth;
    enum element element; /* whose text comes; ELEMENTS: nobody's */
    struct text values[ELEMENTS];
};

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    (void)attributes;
    reader->element = ELEMENTS;
    if (++reader->depth > DEPTH_MOST) {
        XML_StopParser(reader->parser, XML_FALSE);
        return;
    }
    for (size_t i = 0; i < ELEMENTS; i++) {
        if (strcmp(name, element_names[i]) == 0 && reader->values[i].size == 0)
            reader->element = (enum element)i;
    }
}

static void on_end(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    (void)name;
    reader->depth--;
    reader->element = ELEMENTS;
}

static void on_text(void *context, const XML_Char *data, int size)
{
    struct reader *reader = context;
    if (reader->element == ELEMENTS)
        return;
    struct text *value = &reader->values[reader->element];
    if ((size_t)size > VALUE_MOST - value->size)
        XML_StopParser(reader->parser, XML_FALSE);
    else
        text_add(value, data, (size_t)size);
}

/* AWS sends no document types, and whoever does wants to define entities. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int has_subset)
{
    struct reader *reader = context;
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    XML_StopParser(reader->parser, XML_FALSE);
}

static bool parse(struct span body, struct reader *reader)
{
    reader->parser = XML_ParserCreate("UTF-8");
    if (!reader->parser)
        return false;
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    enum XML_Status status =
        XML_Parse(reader->parser, (const char *)body.data, (int)body.size, XML_TRUE);
    XML_ParserFree(reader->parser);
    return status == XML_STATUS_OK;
}

int credentials_read_xml(struct span body, struct credential **ret, struct failure *why)
{
    struct reader reader = {.element = ELEMENTS};
    const struct text *values = reader.values;
    int status = 0;
    *ret = NULL;
    if (body.size == 0 || body.size > HTTP_CLIENT_REPLY_MOST || !parse(body, &reader))
        status = failure_set(why, -EINVAL, "the reply is not XML");
    else if (values[CODE].size > 0)
        status = failure_set(why, -EINVAL, "%s: %s", values[CODE].data,
            values[MESSAGE].data ? values[MESSAGE].data : "no more is said");
    else
        status = make(values[ID].data, values[SECRET].data, values[TOKEN].data,
            values[EXPIRATION].data, ret, why);
    for (size_t i = 0; i < ELEMENTS; i++)
        secret_text_fini(&reader.values[i]);
    return status;
}
