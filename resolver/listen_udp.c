/* On the good day: recvmmsg, an answer for each datagram, sendmmsg; again while batches come full.
 *
 * What can go wrong: a source that is not allowed and a datagram that is itself an answer get
 * nothing at all; a malformed one gets the bare code; what has to be fetched is kept and answered
 * later; what the socket does not take now is dropped, so that nothing unsent outlives the event in
 * which it was made (a new view comes between two events). */
#include "resolver/listen_udp.h"

#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCHES_PER_EVENT 8 /* then the loop's other handles have their turn */

struct slot {
    struct sockaddr_storage peer;
    uint8_t control[ORIGIN_CONTROL_SIZE]; /* IP_PKTINFO, of wildcard sockets alone */
    uint8_t query[UDP_QUERY_MAX];
    uint8_t answer[DNS_UDP_SIZE];
};

struct udp_listener {
    struct udp_listener *next;
    struct engine *engine;
    uv_poll_t poll;
    int socket;
    struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
    struct iovec in_data[UDP_BATCH], out_data[UDP_BATCH];
    struct slot slots[UDP_BATCH];
};

static void prepare(struct udp_listener *listener)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct slot *slot = &listener->slots[i];
        listener->in_data[i] =
            (struct iovec){.iov_base = slot->query, .iov_len = sizeof slot->query};
        listener->in[i].msg_hdr = (struct msghdr){.msg_name = &slot->peer,
            .msg_namelen = sizeof slot->peer,
            .msg_iov = &listener->in_data[i],
            .msg_iovlen = 1,
            .msg_control = slot->control,
            .msg_controllen = sizeof slot->control};
        listener->out[i].msg_hdr =
            (struct msghdr){.msg_iov = &listener->out_data[i], .msg_iovlen = 1};
    }
}

/* recvmmsg overwrites these lengths; everything else stays as it was prepared. */
static void reset(struct udp_listener *listener, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        listener->in[i].msg_hdr.msg_namelen = sizeof listener->slots[i].peer;
        listener->in[i].msg_hdr.msg_controllen = sizeof listener->slots[i].control;
    }
}

static struct origin origin_of(struct udp_listener *listener, unsigned index)
{
    const struct msghdr *header = &listener->in[index].msg_hdr;
    const struct slot *slot = &listener->slots[index];
    struct origin origin = {.kind = ORIGIN_UDP};
    origin.udp.listener = listener;
    origin.udp.peer_size = header->msg_namelen;
    origin.udp.control_size = header->msg_controllen;
    memcpy(&origin.udp.peer, &slot->peer, header->msg_namelen);
    memcpy(origin.udp.control, slot->control, header->msg_controllen);
    return origin;
}

/* One datagram. Returns the size of its answer, 0: none, or not now. */
static size_t answer_one(struct udp_listener *listener, unsigned index, uint64_t now_ns)
{
    struct engine *engine = listener->engine;
    struct slot *slot = &listener->slots[index];
    const struct msghdr *header = &listener->in[index].msg_hdr;
    struct query query;
    if (!engine_allows(engine, (struct sockaddr *)&slot->peer))
        return 0;
    struct answer answer;
    answer.data = slot->answer;
    enum query_verdict verdict = query_parse(slot->query, listener->in[index].msg_len, &query);
    if (header->msg_flags & MSG_TRUNC && verdict != QUERY_DROP)
        verdict = QUERY_FORMERR;
    if (verdict == QUERY_ANSWER) {
        answer.room = query.udp_size < DNS_UDP_SIZE ? query.udp_size : DNS_UDP_SIZE;
        if (!question_try(engine, &query, false, &answer)) {
            struct origin origin = origin_of(listener, index);
            question_keep(engine, &query, &origin, now_ns, &answer);
        }
    } else if (verdict == QUERY_DROP) {
        count_one(&engine->counters.dropped_malformed);
        return 0;
    } else {
        answer_refuse_malformed(&query, verdict, &answer);
    }
    if (!answer.ready)
        return 0;
    engine_count_answer(engine, TRANSPORT_UDP, &answer);
    return answer.size;
}

static void send_batch(struct udp_listener *listener, unsigned count)
{
    unsigned sent = 0;
    while (sent < count) {
        int now = sendmmsg(listener->socket, listener->out + sent, count - sent, MSG_DONTWAIT);
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0 && errno != EAGAIN && errno != ENOBUFS && sent + 1 < count) {
            count_one(&listener->engine->counters.dropped_unsent);
            sent++; /* this client's address takes no answers; the others still get theirs */
            continue;
        }
        if (now < 0)
            break;
        sent += (unsigned)now;
    }
    count_add(&listener->engine->counters.dropped_unsent, count - sent);
}

/* Answers what was received. The times are those of the batch: no clock per datagram. */
static void answer_batch(struct udp_listener *listener, unsigned received)
{
    uint64_t started_ns = uv_hrtime();
    unsigned count = 0;
    for (unsigned i = 0; i < received; i++) {
        size_t size = answer_one(listener, i, started_ns);
        if (size == 0)
            continue;
        struct msghdr *to = &listener->out[count].msg_hdr;
        listener->out_data[count] =
            (struct iovec){.iov_base = listener->slots[i].answer, .iov_len = size};
        to->msg_name = &listener->slots[i].peer;
        to->msg_namelen = listener->in[i].msg_hdr.msg_namelen;
        to->msg_controllen = listener->in[i].msg_hdr.msg_controllen;
        to->msg_control = to->msg_controllen ? listener->slots[i].control : NULL;
        count++;
    }
    if (count == 0)
        return;
    send_batch(listener, count);
    engine_count_duration(listener->engine, uv_hrtime() - started_ns, count);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct udp_listener *listener = poll->data;
    (void)status;
    (void)events;
    for (unsigned i = 0; i < BATCHES_PER_EVENT; i++) {
        int received = recvmmsg(listener->socket, listener->in, UDP_BATCH, MSG_DONTWAIT, NULL);
        if (received <= 0)
            return;
        answer_batch(listener, (unsigned)received);
        reset(listener, (unsigned)received);
        if (received < UDP_BATCH)
            return;
    }
}

int udp_listen(struct engine *engine, int socket)
{
    struct udp_listener *listener = memory_new(sizeof *listener);
    listener->engine = engine;
    listener->socket = socket;
    listener->poll.data = listener;
    int status = uv_poll_init(&engine->loop.uv, &listener->poll, socket);
    if (status < 0) {
        close(socket);
        free(listener);
        return status;
    }
    prepare(listener);
    listener->next = engine->udp_listeners;
    engine->udp_listeners = listener;
    return 0;
}

void udp_serve(struct engine *engine)
{
    for (struct udp_listener *listener = engine->udp_listeners; listener; listener = listener->next)
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void udp_stop(struct engine *engine)
{
    while (engine->udp_listeners) {
        struct udp_listener *listener = engine->udp_listeners;
        engine->udp_listeners = listener->next;
        uv_close((uv_handle_t *)&listener->poll, on_closed);
        close(listener->socket);
    }
}

void udp_send(const struct origin_udp *origin, const uint8_t *message, size_t size)
{
    struct iovec data = {.iov_base = (void *)message, .iov_len = size};
    struct msghdr header = {.msg_name = (void *)&origin->peer,
        .msg_namelen = origin->peer_size,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = origin->control_size ? (void *)origin->control : NULL,
        .msg_controllen = origin->control_size};
    if (sendmsg(origin->listener->socket, &header, MSG_DONTWAIT) < 0)
        count_one(&origin->listener->engine->counters.dropped_unsent);
}
