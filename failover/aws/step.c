/* What a step's type reads and says, before whoever carries it out hears of it. */
#include "failover/aws/step.h"

#include "base/json.h"
#include "base/memory.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

const struct step_kind *step_kind_find(const char *type)
{
    for (const struct step_kind *const *kind = step_kinds; *kind; kind++) {
        if (strcmp((*kind)->type, type) == 0)
            return *kind;
    }
    return NULL;
}

const char *step_text(const struct step *step, const char *name)
{
    return json_text(step->parameters, name);
}

uint64_t step_number(const struct step *step, const char *name, uint64_t fallback)
{
    uint64_t number;
    return json_integer(step->parameters, name, &number) ? number : fallback;
}

bool step_has(const struct step *step, const char *name)
{
    return json_member(step->parameters, name) != NULL;
}

bool step_flag(const struct step *step, const char *name)
{
    return json_bool(step->parameters, name, false);
}

const char *step_region(const struct step *step, const char *name)
{
    const char *given = step_text(step, name);
    return given ? given : step->region;
}

void step_token(const struct step *step, const char *what, char ret[STEP_TOKEN_SIZE])
{
    char seed[512];
    unsigned char digest[EVP_MAX_MD_SIZE];
    int size = snprintf(
        seed, sizeof seed, "%s/%s/%u/%s", step->transition, step->given->id, step->attempt, what);
    memset(digest, 0, sizeof digest);
    EVP_Digest(seed, (size_t)size, digest, NULL, EVP_sha256(), NULL);
    int used = snprintf(ret, STEP_TOKEN_SIZE, "pilotlight-");
    for (size_t i = 0; i < 16; i++)
        used += snprintf(ret + used, STEP_TOKEN_SIZE - (size_t)used, "%02x", digest[i]);
}

void *step_memory(struct step *step, size_t size)
{
    if (!step->memory)
        step->memory = memory_new(size);
    return step->memory;
}

void step_call(struct step *step, struct aws_request *request, step_replied *replied)
{
    step->host->call(step->host, step, request, replied);
}

void step_tell(struct step *step, const char *method, step_told *told)
{
    step->host->tell(step->host, step, method, told);
}

void step_came_to_nothing(struct step *step)
{
    step->acted = false;
}

void step_set_lag(struct step *step, int64_t lag_ms)
{
    step->host->lag(step->host, step, lag_ms);
}

void step_say(struct step *step, const char *words)
{
    step->host->say(step->host, step, words);
}

static void end(struct step *step, enum step_end how, const struct aws_reply *reply,
    const char *format, va_list arguments)
{
    char words[STATE_DETAIL_MAX + 1];
    vsnprintf(words, sizeof words, format, arguments);
    step->host->end(step->host, step, how, words, reply);
}

#define END(how, reply)                                                                            \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        end(step, how, reply, format, arguments);                                                  \
        va_end(arguments);                                                                         \
    } while (0)

void step_done(struct step *step, const char *format, ...)
{
    END(STEP_END_DONE, NULL);
}

void step_wait(struct step *step, const char *format, ...)
{
    END(STEP_END_WAIT, NULL);
}

void step_must(struct step *step, const char *format, ...)
{
    END(STEP_END_MUST, NULL);
}

void step_acted(struct step *step, const char *format, ...)
{
    END(STEP_END_ACTED, NULL);
}

void step_unknown(struct step *step, const char *format, ...)
{
    END(STEP_END_UNKNOWN, NULL);
}

void step_ask(struct step *step, const char *format, ...)
{
    END(STEP_END_ASK, NULL);
}

void step_fail(struct step *step, const struct aws_reply *reply, const char *format, ...)
{
    END(STEP_END_FAIL, reply);
}
