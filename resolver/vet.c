#include "resolver/vet.h"

#include "resolver/engine.h"
#include "resolver/normal.h"

static enum reply_verdict parse(struct engine *engine, const struct cache_key *key,
    const uint8_t *wire, uint16_t id, const uint8_t *message, size_t size)
{
    return reply_parse(
        message, size, id, wire, key->name_size, key->type, key->class, &engine->reply);
}

static enum reply_verdict normalise(struct engine *engine, const struct cache_key *key,
    const uint8_t *wire, uint16_t id, const uint8_t **message)
{
    const struct reply *reply = &engine->reply;
    size_t size;
    bool is_answer = reply->rcode == RCODE_NOERROR || reply->rcode == RCODE_NXDOMAIN;
    if (!is_answer || reply->flags & DNS_TC)
        return REPLY_GOOD;
    switch (normal_make(key, *message, reply, engine->work, &size)) {
    case NORMAL_AS_IS:
        return REPLY_GOOD;
    case NORMAL_REBUILT:
        *message = engine->work;
        return parse(engine, key, wire, id, *message, size);
    default:
        return REPLY_BAD;
    }
}

bool vet(struct engine *engine, const struct cache_key *key, const uint8_t *wire, uint16_t id,
    const uint8_t **message, size_t size)
{
    enum reply_verdict verdict = parse(engine, key, wire, id, *message, size);
    if (verdict == REPLY_GOOD)
        verdict = normalise(engine, key, wire, id, message);
    if (verdict == REPLY_FOREIGN)
        count_one(&engine->counters.upstream_foreign);
    if (verdict == REPLY_BAD)
        count_one(&engine->counters.upstream_bad);
    return verdict == REPLY_GOOD;
}
