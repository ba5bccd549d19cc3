/* The record as bytes of a file: one line of JSON that carries its own checksum.
 *
 * On the good day what was printed is read back, byte for byte. A file that was cut, edited or
 * written by something else is refused with words that say which; of such a file only the counters
 * are looked for, so that a record that an operator forces can exceed them. */
#include "failover/state.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32
#define TAIL_START ",\"checksum\":\"sha256:"
#define TAIL_SIZE (sizeof TAIL_START - 1 + 2 * (size_t)DIGEST_SIZE + sizeof "\"}\n" - 1)

static int checksum_tail(const char *text, size_t size, char ret[TAIL_SIZE + 1])
{
    unsigned char digest[DIGEST_SIZE];
    char *at = ret + sizeof TAIL_START - 1;
    if (EVP_Digest(text, size, digest, NULL, EVP_sha256(), NULL) != 1)
        return -EIO;
    memcpy(ret, TAIL_START, sizeof TAIL_START);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        at += snprintf(at, 3, "%02x", digest[i]);
    memcpy(at, "\"}\n", sizeof "\"}\n");
    return 0;
}

static int print_once(
    const struct state *state, char **ret_text, size_t *ret_size, struct failure *why)
{
    char tail[TAIL_SIZE + 1];
    cJSON *json = state_to_json(state);
    char *body = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (!body)
        return failure_set(why, -ENOMEM, "no memory to write the record");
    size_t size = strlen(body) - 1; /* the checksum goes where the last brace was */
    int status = checksum_tail(body, size, tail);
    if (status == 0) {
        body[size] = '\0';
        *ret_text = memory_format("%s%s", body, tail);
        *ret_size = size + TAIL_SIZE;
    }
    cJSON_free(body);
    return status < 0 ? failure_set(why, status, "no SHA-256 in this OpenSSL") : 0;
}

static void drop_oldest(struct state *state)
{
    struct transition *oldest = state->history[0];
    log_info("history_dropped", LOG_TEXT("transition", oldest->id),
        LOG_TEXT("kind", transition_kind_text(oldest->kind)), LOG_TEXT("to", oldest->to),
        LOG_TEXT("by", oldest->by), LOG_TEXT("reason", oldest->reason),
        LOG_TEXT("started", oldest->started.wall), LOG_TEXT("ended", oldest->ended.wall),
        LOG_TEXT("result", transition_result_text(oldest->result)));
    transition_free(oldest);
    state->history_count--;
    memmove(state->history, state->history + 1, state->history_count * sizeof *state->history);
}

/* What could not be read back is never written. */
static int check_printed(const char *text, size_t size, struct failure *why)
{
    struct state *again = NULL;
    if (size > STATE_SIZE_MAX)
        return failure_set(
            why, -EFBIG, "the record would be larger than %u KiB", STATE_SIZE_MAX >> 10);
    int status = state_parse(text, size, &again, why);
    state_free(again);
    return status;
}

int state_print(struct state *state, char **ret_text, size_t *ret_size, struct failure *why)
{
    while (state->history_count > STATE_HISTORY_MAX)
        drop_oldest(state);
    for (;;) {
        int status = print_once(state, ret_text, ret_size, why);
        if (status < 0)
            return status;
        status = check_printed(*ret_text, *ret_size, why);
        if (status == 0)
            return 0;
        free(*ret_text);
        *ret_text = NULL;
        if (state->history_count == 0)
            return status;
        drop_oldest(state);
    }
}

/* A newer format need not keep its checksum where this one does, so its number is asked first. */
static int check_format(const cJSON *json, struct failure *why)
{
    uint64_t format = 0;
    if (!json_integer(json, "format", &format) || !json_member(json, "revision"))
        return failure_set(why, -EINVAL, "it is not a pilotlight state record");
    if (format > STATE_FORMAT)
        return failure_set(why, -EPROTONOSUPPORT,
            "it has format %" PRIu64 ", written by a newer pilotlight; this one reads format %d",
            format, STATE_FORMAT);
    return 0;
}

static int check_tail(const char *text, size_t size, struct failure *why)
{
    char tail[TAIL_SIZE + 1];
    if (size <= TAIL_SIZE)
        return failure_set(why, -EINVAL, "it carries no checksum, or was edited");
    int status = checksum_tail(text, size - TAIL_SIZE, tail);
    if (status < 0)
        return failure_set(why, status, "no SHA-256 in this OpenSSL");
    if (memcmp(text + size - TAIL_SIZE, tail, TAIL_SIZE) != 0)
        return failure_set(why, -EINVAL, "its checksum does not match: it was edited or damaged");
    return 0;
}

int state_parse(const char *text, size_t size, struct state **ret_state, struct failure *why)
{
    cJSON *json = NULL;
    *ret_state = NULL;
    if (size == 0)
        return failure_set(why, -EINVAL, "it is empty");
    if (size > STATE_SIZE_MAX)
        return failure_set(why, -EINVAL, "it is larger than %u KiB", STATE_SIZE_MAX >> 10);
    int status = json_parse(text, size, &json, NULL, why);
    if (status < 0)
        return failure_prefix(why, status, "it is cut short or damaged");
    status = check_format(json, why);
    if (status == 0)
        status = check_tail(text, size, why);
    if (status == 0)
        status = state_from_json(json, ret_state, why);
    cJSON_Delete(json);
    return status;
}

/* The number at `at`, 0 when there is none or it is not to be believed. */
static uint64_t salvage_number(const char *at, const char *end)
{
    uint64_t number = 0;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == ':'))
        at++;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > STATE_COUNTER_MAX)
            return 0;
    }
    return number;
}

static uint64_t salvage_largest(const char *text, size_t size, const char *key)
{
    size_t key_size = strlen(key);
    const char *end = text + size;
    uint64_t largest = 0;
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), key, key_size)) != NULL;) {
        at += key_size;
        uint64_t number = salvage_number(at, end);
        if (number > largest)
            largest = number;
    }
    return largest;
}

void state_salvage(const char *text, size_t size, uint64_t *ret_revision, uint64_t *ret_epoch)
{
    *ret_revision = salvage_largest(text, size, "\"revision\"");
    *ret_epoch = salvage_largest(text, size, "\"epoch\"");
}
