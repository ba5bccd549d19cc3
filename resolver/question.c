#include "resolver/question.h"

#include "base/memory.h"
#include "resolver/listen_tcp.h"
#include "resolver/listen_udp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define PATIENCE_MS 4500 /* glibc gives up after 5 s; a quick SERVFAIL beats silence */

enum question_state { QUESTION_ASKED, QUESTION_WAITING, QUESTION_ANSWERED };

struct question {
    struct fetch_waiter waiter; /* first: the waiter is the question */
    struct engine *engine;
    struct question *next, *prev;
    enum question_state state;
    struct query query;
    struct origin origin;
    struct cache_entry *fetched[ANSWER_FETCHED_MAX];
    unsigned fetched_count;
    uint64_t asked_ns;
};

static const bool legal_moves[3][3] = {
    [QUESTION_ASKED] = {[QUESTION_WAITING] = true},
    [QUESTION_WAITING] = {[QUESTION_WAITING] = true, [QUESTION_ANSWERED] = true},
};

static void move(struct question *question, enum question_state to)
{
    assert(legal_moves[question->state][to]);
    question->state = to;
}

static void question_free(struct question *question)
{
    struct engine *engine = question->engine;
    fetch_leave(&question->waiter);
    if (question->prev)
        question->prev->next = question->next;
    else
        engine->questions = question->next;
    if (question->next)
        question->next->prev = question->prev;
    engine->question_count--;
    for (unsigned i = 0; i < question->fetched_count; i++)
        cache_entry_unref(question->fetched[i]);
    free(question);
}

static struct answer_inputs inputs_for(struct engine *engine, bool past_managed)
{
    return (struct answer_inputs){.view = engine->view,
        .cache = engine->cache,
        .scratch = &engine->reply,
        .now_ms = uv_now(&engine->loop.uv),
        .past_managed = past_managed};
}

static size_t room_for(const struct origin *origin, const struct query *query)
{
    if (origin->kind != ORIGIN_UDP)
        return DNS_MESSAGE_MAX;
    return query->udp_size < DNS_UDP_SIZE ? query->udp_size : DNS_UDP_SIZE;
}

static void send_answer(struct question *question, const struct answer *answer)
{
    const struct origin *origin = &question->origin;
    struct engine *engine = question->engine;
    if (origin->kind == ORIGIN_UDP)
        udp_send(&origin->udp, answer->data, answer->size);
    else if (origin->kind == ORIGIN_TCP)
        tcp_send(origin->tcp, answer->data, answer->size);
    else
        origin->internal.sink(origin->internal.context, answer);
    if (origin->kind == ORIGIN_INTERNAL)
        return;
    enum transport transport = origin->kind == ORIGIN_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    engine_count_answer(engine, transport, answer);
    engine_count_duration(engine, uv_hrtime() - question->asked_ns, 1);
}

/* Whether the question has used up what one question may ask of upstreams. */
static bool is_spent(const struct question *question)
{
    uint64_t waited_ms = (uv_hrtime() - question->asked_ns) / 1000000;
    return question->fetched_count == ANSWER_FETCHED_MAX || waited_ms >= PATIENCE_MS;
}

/* Stale data is taken at once where the fetch that is missing takes long already. */
static void make(struct engine *engine, struct answer_inputs *inputs, const struct query *query,
    struct answer *answer)
{
    answer_make(inputs, query, engine->work, answer);
    if (answer->ready || !answer->stale_at_hand || !fetch_is_slow(engine->fetches, &answer->need))
        return;
    inputs->take_stale = true;
    answer_make(inputs, query, engine->work, answer);
}

/* No more can be asked for this question: stale data, or why there is none. */
static void give_up(struct engine *engine, struct answer_inputs *inputs, const struct query *query,
    enum dns_ede ede, struct answer *answer)
{
    inputs->take_stale = true;
    if (answer->stale_at_hand)
        answer_make(inputs, query, engine->work, answer);
    if (!answer->ready)
        answer_refuse(query, RCODE_SERVFAIL, ede, answer);
}

/* Answers if the view and the cache suffice now, else waits for what is missing. */
static void advance(struct question *question, bool take_stale)
{
    struct engine *engine = question->engine;
    struct answer answer = {
        .data = engine->out, .room = room_for(&question->origin, &question->query)};
    struct answer_inputs inputs = inputs_for(engine, question->origin.kind == ORIGIN_INTERNAL);
    inputs.fetched = question->fetched;
    inputs.fetched_count = question->fetched_count;
    inputs.take_stale = take_stale;
    make(engine, &inputs, &question->query, &answer);
    fetch_leave(&question->waiter);
    if (!answer.ready) {
        if (is_spent(question))
            give_up(engine, &inputs, &question->query, EDE_NO_REACHABLE_AUTHORITY, &answer);
        else if (fetch_join(engine->fetches, &answer.need, answer.need_wire, &question->waiter) < 0)
            give_up(engine, &inputs, &question->query, EDE_NETWORK_ERROR, &answer);
    }
    if (answer.ready) {
        move(question, QUESTION_ANSWERED);
        send_answer(question, &answer);
        question_free(question);
    } else {
        move(question, QUESTION_WAITING);
    }
}

static void on_wake(struct fetch_waiter *waiter, struct cache_entry *entry)
{
    struct question *question = (struct question *)waiter;
    if (entry)
        question->fetched[question->fetched_count++] = cache_entry_ref(entry);
    advance(question, entry == NULL);
}

bool question_try(
    struct engine *engine, const struct query *query, bool past_managed, struct answer *answer)
{
    struct answer_inputs inputs = inputs_for(engine, past_managed);
    make(engine, &inputs, query, answer);
    return answer->ready;
}

void question_keep(struct engine *engine, const struct query *query, const struct origin *origin,
    uint64_t now_ns, struct answer *answer)
{
    struct answer_inputs inputs = inputs_for(engine, origin->kind == ORIGIN_INTERNAL);
    if (engine->question_count >= ENGINE_QUESTIONS_MAX) {
        count_one(&engine->counters.questions_refused);
        give_up(engine, &inputs, query, EDE_NETWORK_ERROR, answer);
        return;
    }
    struct question *question = memory_new(sizeof *question);
    question->waiter.wake = on_wake;
    question->engine = engine;
    question->query = *query;
    question->origin = *origin;
    question->asked_ns = now_ns;
    question->next = engine->questions;
    if (question->next)
        question->next->prev = question;
    engine->questions = question;
    engine->question_count++;
    if (fetch_join(engine->fetches, &answer->need, answer->need_wire, &question->waiter) == 0) {
        move(question, QUESTION_WAITING);
        return;
    }
    question_free(question);
    give_up(engine, &inputs, query, EDE_NETWORK_ERROR, answer);
}

void questions_take_view(struct engine *engine)
{
    for (struct question *question = engine->questions, *next; question; question = next) {
        next = question->next;
        advance(question, false);
    }
}

void questions_drop(struct engine *engine, const struct tcp_connection *connection)
{
    for (struct question *question = engine->questions, *next; question; question = next) {
        next = question->next;
        bool theirs = question->origin.kind == ORIGIN_TCP && question->origin.tcp == connection;
        if (connection && !theirs)
            continue;
        if (question->origin.kind == ORIGIN_INTERNAL)
            question->origin.internal.sink(question->origin.internal.context, NULL);
        question_free(question);
    }
}
