/* What others ask of the resolver, carried to an engine's loop and back.
 *
 *     start: two internal questions, A and AAAA, side by side → one answer to who asked
 *     explain, flush: a look into one engine, or into each, in turn */
#include "base/memory.h"
#include "resolver/explain.h"
#include "resolver/question.h"
#include "resolver/resolver_parts.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <strings.h>

#define FAMILIES 2 /* A and AAAA */

struct request {
    struct resolver *resolver;
    struct loop *home;
    struct name name;
    bool all; /* flush: no name */
    uint16_t type;
    size_t engine; /* index of the one that works on it */
    unsigned open; /* questions that are not answered yet */
    unsigned told; /* families of which upstreams said what there is, if only that there is none */
    struct lookup_answer answer;
    cJSON *explanation;
    uint64_t flushed;
    union {
        lookup_done *done;
        lookup_explained *explained;
        lookup_flushed *flushed_all;
    };
    void *context;
};

static struct request *request_new(
    struct lookup *lookup, struct loop *home, const struct name *name, void *context)
{
    struct request *request = memory_new(sizeof *request);
    request->resolver = (struct resolver *)lookup;
    request->home = home;
    request->all = name == NULL;
    if (name)
        request->name = *name;
    request->context = context;
    return request;
}

static struct engine *engine_of(const struct request *request)
{
    return request->resolver->engines[request->engine];
}

static void deliver_lookup(void *context)
{
    struct request *request = context;
    int status = request->answer.count > 0   ? 0
                 : request->told == FAMILIES ? UV_EAI_NONAME
                                             : UV_EAI_AGAIN;
    request->done(request->context, status, &request->answer);
    free(request);
}

/* An answer of our own making: vetted all the same, and its addresses taken out. */
static void take_addresses(struct request *request, const uint8_t *message, size_t size)
{
    struct engine *engine = engine_of(request);
    struct reply *reply = &engine->reply;
    size_t name_size = request->name.size;
    uint16_t type = read_be16(message + DNS_HEADER_SIZE + name_size);
    if (reply_parse(message, size, 0, message + DNS_HEADER_SIZE, name_size, type, CLASS_IN,
            reply) != REPLY_GOOD)
        return;
    request->told += reply->rcode == RCODE_NXDOMAIN || reply->rcode == RCODE_NOERROR;
    for (unsigned i = 0; i < reply->answers; i++) {
        const struct record *record = &reply->records[i];
        if (record->type != type || request->answer.count == LOOKUP_ADDRESSES_MAX)
            continue;
        struct address *address = &request->answer.addresses[request->answer.count++];
        *address = (struct address){0};
        address->any.sa_family = type == TYPE_A ? AF_INET : AF_INET6;
        memcpy(type == TYPE_A ? (void *)&address->v4.sin_addr : (void *)&address->v6.sin6_addr,
            message + record->data, record->data_size);
    }
}

static void on_answer(void *context, const struct answer *answer)
{
    struct request *request = context;
    if (answer)
        take_addresses(request, answer->data, answer->size);
    request->answer.stale |= answer && answer->source == ANSWER_STALE;
    if (--request->open == 0)
        loop_post(request->home, deliver_lookup, request);
}

static void ask(struct request *request, uint16_t type)
{
    struct engine *engine = engine_of(request);
    struct query query = {.flags = DNS_RD,
        .type = type,
        .class = CLASS_IN,
        .name_size = request->name.size,
        .udp_size = DNS_UDP_SIZE};
    memcpy(query.name, request->name.wire, request->name.size);
    memcpy(query.lower, request->name.wire, request->name.size);
    struct answer answer = {.data = engine->out, .room = DNS_MESSAGE_MAX};
    if (!question_try(engine, &query, true, &answer)) {
        struct origin origin = {
            .kind = ORIGIN_INTERNAL, .internal = {.sink = on_answer, .context = request}};
        question_keep(engine, &query, &origin, uv_hrtime(), &answer);
    }
    if (answer.ready)
        on_answer(request, &answer);
}

static void look_up(void *context)
{
    struct request *request = context;
    if (!engine_of(request)->view) {
        loop_post(request->home, deliver_lookup, request);
        return;
    }
    request->open = FAMILIES;
    ask(request, TYPE_A);
    ask(request, TYPE_AAAA);
}

static void start(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_done *done, void *context)
{
    struct request *request = request_new(lookup, home, name, context);
    request->done = done;
    loop_post(&engine_of(request)->loop, look_up, request);
}

static void deliver_explanation(void *context)
{
    struct request *request = context;
    request->explained(request->context, request->explanation);
    free(request);
}

static void explain_there(void *context)
{
    struct request *request = context;
    request->explanation = explain(engine_of(request), &request->name, request->type);
    loop_post(request->home, deliver_explanation, request);
}

static void explain_name(struct lookup *lookup, struct loop *home, const struct name *name,
    uint16_t type, lookup_explained *done, void *context)
{
    struct request *request = request_new(lookup, home, name, context);
    request->type = type;
    request->explained = done;
    loop_post(&engine_of(request)->loop, explain_there, request);
}

static void deliver_flushed(void *context)
{
    struct request *request = context;
    request->flushed_all(request->context, request->flushed);
    free(request);
}

/* From engine to engine: each touches its own cache alone. */
static void flush_there(void *context)
{
    struct request *request = context;
    struct cache *cache = engine_of(request)->cache;
    request->flushed += request->all
                            ? cache_flush(cache)
                            : cache_flush_name(cache, request->name.wire, request->name.size);
    engine_note_cache(engine_of(request));
    if (++request->engine < request->resolver->engine_count)
        loop_post(&engine_of(request)->loop, flush_there, request);
    else
        loop_post(request->home, deliver_flushed, request);
}

static void flush(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_flushed *done, void *context)
{
    struct request *request = request_new(lookup, home, name, context);
    request->flushed_all = done;
    loop_post(&engine_of(request)->loop, flush_there, request);
}

static bool parse_type(const char *text, uint16_t *ret)
{
    ldns_rr_type type = ldns_get_rr_type_by_name(text);
    *ret = (uint16_t)type;
    return type != 0 || strcasecmp(text, "TYPE0") == 0;
}

void lookup_init(struct resolver *resolver)
{
    resolver->lookup = (struct lookup){
        .start = start, .explain = explain_name, .flush = flush, .parse_type = parse_type};
}
