/* On the good day an exchange finds an idle connection; else: addresses → connect → TLS's
 * handshake, where it is spoken → lent → idle.
 *
 * What can go wrong: the name has no address; an address refuses or is silent for 2 s, and the next
 * one is tried, and so it is where the handshake breaks off or lasts 5 s; the certificate is not
 * accepted, and then no other address is asked; one is our own listener, which would be a loop, and
 * is passed over; an idle connection ends, and leaves the pool; what S3 says while nobody asked is
 * an end too. */
#include "proxy/gateway/upstream.h"

#include "base/log.h"
#include "base/memory.h"
#include "proxy/gateway/exchange.h"
#include "proxy/gateway/gateway_parts.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Outlives an upstream that is closed while it is looked up. */
struct upstream_question {
    struct upstream *upstream; /* NULL: nobody waits any more */
    struct gateway_worker *worker;
};

static void dial_next(struct upstream *upstream);

static void enter(struct upstream *upstream, enum upstream_state state)
{
    upstream->state = state;
    upstream->since_ms = upstream->worker->poller.now_ms;
}

static void log_unreachable(const struct upstream *upstream, int status)
{
    log_debug("s3_unreachable", LOG_TEXT("host", upstream->origin.host), LOG_ERROR(status));
}

static void give_up(struct upstream *upstream)
{
    struct exchange *exchange = upstream->exchange;
    gateway_count(&upstream->worker->numbers.connect_failures, 1);
    upstream_close(upstream, false);
    exchange_unreachable(exchange);
}

static void distrust(struct upstream *upstream)
{
    struct exchange *exchange = upstream->exchange;
    log_warning("s3_not_trusted", LOG_TEXT("host", upstream->origin.host),
        LOG_TEXT("why", tls_session_error(upstream->wire.tls)));
    upstream_close(upstream, false);
    exchange_untrusted(exchange);
}

static void lend(struct upstream *upstream)
{
    enter(upstream, UPSTREAM_OPEN);
    exchange_connected(upstream->exchange);
}

static void shake(struct upstream *upstream)
{
    struct gateway_numbers *numbers = &upstream->worker->numbers;
    int status = wire_shake(&upstream->wire);
    if (status == -EAGAIN)
        return;
    gateway_count_handshake(numbers->upstream_handshakes, status, upstream->wire.tls);
    if (status == 0) {
        lend(upstream);
    } else if (status == -EKEYREJECTED) {
        distrust(upstream);
    } else {
        log_unreachable(upstream, status);
        wire_close(&upstream->wire, false);
        dial_next(upstream);
    }
}

static void begin_tls(struct upstream *upstream)
{
    struct tls_session *session;
    int status = tls_client_connect(
        upstream->worker->tls_client, upstream->wire.socket.fd, upstream->origin.host, &session);
    if (status < 0) {
        log_unreachable(upstream, status);
        give_up(upstream);
        return;
    }
    wire_begin_tls(&upstream->wire, session);
    enter(upstream, UPSTREAM_SHAKING);
    shake(upstream);
}

static void on_connect_event(struct upstream *upstream, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(upstream->wire.socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
        log_unreachable(upstream, -error);
        wire_close(&upstream->wire, false);
        dial_next(upstream);
    } else if (events & EPOLLOUT) {
        if (upstream->origin.tls)
            begin_tls(upstream);
        else
            lend(upstream);
    }
}

/* What moves may be TLS's own: a ticket. */
static void look_at_idle(struct upstream *upstream)
{
    if (wire_is_quiet(&upstream->wire))
        upstream->wire.readable = false;
    else
        upstream_close(upstream, false);
}

static void on_event(struct poller_socket *socket, uint32_t events)
{
    struct upstream *upstream = socket->data;
    wire_note(&upstream->wire, events);
    if (upstream->state == UPSTREAM_CONNECTING)
        on_connect_event(upstream, events);
    else if (upstream->state == UPSTREAM_SHAKING)
        shake(upstream);
    else if (upstream->state == UPSTREAM_OPEN)
        exchange_run(upstream->exchange);
    else if (upstream->state == UPSTREAM_IDLE && (events & ~(uint32_t)EPOLLOUT))
        look_at_idle(upstream);
}

/* Under way, or a negative errno. */
static int connect_to(struct upstream *upstream, const struct address *address)
{
    if (config_listens_on(upstream->worker->view->config, address))
        return -ELOOP;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &address->any, address_size(address)) < 0 && errno != EINPROGRESS) {
        int status = -errno;
        close(fd);
        return status;
    }
    return wire_open(&upstream->wire, &upstream->worker->poller, fd);
}

static void dial_next(struct upstream *upstream)
{
    while (upstream->next_address < upstream->answer.count) {
        struct address address = upstream->answer.addresses[upstream->next_address++];
        address_set_port(&address, upstream->origin.port);
        gateway_count(&upstream->worker->numbers.connects, 1);
        int status = connect_to(upstream, &address);
        if (status == 0) {
            enter(upstream, UPSTREAM_CONNECTING);
            return;
        }
        log_unreachable(upstream, status);
    }
    give_up(upstream);
}

static void on_resolved(void *context, int status, const struct lookup_answer *answer)
{
    struct upstream_question *question = context;
    struct upstream *upstream = question->upstream;
    gateway_worker_lookup_ended(question->worker);
    free(question);
    if (!upstream)
        return;
    upstream->question = NULL;
    if (status < 0)
        log_unreachable(upstream, status);
    upstream->answer = *answer;
    dial_next(upstream);
}

/* False: it is no name. */
static bool resolve(struct upstream *upstream)
{
    struct gateway_worker *worker = upstream->worker;
    struct lookup *lookup = worker->gateway->lookup;
    struct name name;
    if (!name_from_text(upstream->origin.host, &name))
        return false;
    upstream->question = memory_new(sizeof *upstream->question);
    *upstream->question = (struct upstream_question){.upstream = upstream, .worker = worker};
    worker->lookups++;
    lookup->start(lookup, &worker->loop, &name, on_resolved, upstream->question);
    return true;
}

/* Never calls back at once: the exchange has not taken it yet. */
static void fail_later(struct upstream *upstream)
{
    upstream->since_ms = 0; /* the next tick finds it expired */
}

static void dial(struct upstream *upstream)
{
    struct address address;
    enter(upstream, UPSTREAM_RESOLVING);
    if (address_parse_ip(upstream->origin.host, &address)) {
        address_set_port(&address, upstream->origin.port);
        gateway_count(&upstream->worker->numbers.connects, 1);
        int status = connect_to(upstream, &address);
        if (status == 0) {
            enter(upstream, UPSTREAM_CONNECTING);
        } else {
            log_unreachable(upstream, status);
            fail_later(upstream);
        }
    } else if (!resolve(upstream)) {
        fail_later(upstream);
    }
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->port == b->port && a->tls == b->tls && strcmp(a->host, b->host) == 0;
}

static struct upstream *take_idle(struct gateway_worker *worker, const struct origin *origin)
{
    for (struct upstream **at = &worker->pool; *at; at = &(*at)->next) {
        struct upstream *upstream = *at;
        if (!same_origin(&upstream->origin, origin))
            continue;
        *at = upstream->next;
        upstream->next = NULL;
        gateway_count(&worker->numbers.pooled, (uint64_t)-1);
        return upstream;
    }
    return NULL;
}

struct upstream *upstream_get(struct gateway_worker *worker, const struct origin *origin,
    bool fresh, struct exchange *exchange)
{
    struct upstream *upstream = fresh ? NULL : take_idle(worker, origin);
    if (upstream) {
        gateway_count(&worker->numbers.pool_hits, 1);
        upstream->reused = true;
        upstream->exchange = exchange;
        enter(upstream, UPSTREAM_OPEN);
        return upstream;
    }
    upstream = memory_new(sizeof *upstream);
    upstream->worker = worker;
    upstream->origin = *origin;
    upstream->exchange = exchange;
    wire_init(&upstream->wire, on_event, upstream);
    dial(upstream);
    return upstream;
}

bool upstream_is_alive(struct upstream *upstream)
{
    return wire_is_quiet(&upstream->wire);
}

void upstream_put(struct upstream *upstream)
{
    struct gateway_worker *worker = upstream->worker;
    assert(upstream->state == UPSTREAM_OPEN);
    upstream->exchange = NULL;
    intake_next(&upstream->intake);
    bool may_have_more = upstream->wire.readable; /* which nobody asked for */
    if (worker->stopping || (may_have_more && !upstream_is_alive(upstream)) ||
        atomic_load_explicit(&worker->numbers.pooled, memory_order_relaxed) >= GATEWAY_POOL_MAX) {
        upstream_close(upstream, false);
        return;
    }
    upstream->wire.readable = false;
    enter(upstream, UPSTREAM_IDLE);
    upstream->next = worker->pool;
    worker->pool = upstream;
    gateway_count(&worker->numbers.pooled, 1);
}

static void leave_pool(struct upstream *upstream)
{
    struct upstream **at = &upstream->worker->pool;
    while (*at != upstream)
        at = &(*at)->next;
    *at = upstream->next;
    gateway_count(&upstream->worker->numbers.pooled, (uint64_t)-1);
}

void upstream_close(struct upstream *upstream, bool reset)
{
    struct gateway_worker *worker = upstream->worker;
    if (upstream->state == UPSTREAM_IDLE)
        leave_pool(upstream);
    if (upstream->question)
        upstream->question->upstream = NULL;
    upstream->question = NULL;
    upstream->exchange = NULL;
    upstream->state = UPSTREAM_DEAD;
    wire_close(&upstream->wire, reset);
    intake_fini(&upstream->intake);
    upstream->next = worker->dead_upstreams;
    worker->dead_upstreams = upstream;
}

void upstream_expire(struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->state == UPSTREAM_RESOLVING &&
        now_ms >= upstream->since_ms + GATEWAY_RESOLVE_MS) {
        give_up(upstream);
    } else if ((upstream->state == UPSTREAM_CONNECTING &&
                   now_ms >= upstream->since_ms + GATEWAY_CONNECT_MS) ||
               (upstream->state == UPSTREAM_SHAKING &&
                   now_ms >= upstream->since_ms + GATEWAY_SHAKE_MS)) {
        log_unreachable(upstream, -ETIMEDOUT);
        wire_close(&upstream->wire, false);
        dial_next(upstream);
    }
}

void upstream_expire_idle(struct gateway_worker *worker, uint64_t now_ms)
{
    for (struct upstream *each = worker->pool, *next; each; each = next) {
        next = each->next;
        if (worker->stopping || now_ms >= each->since_ms + GATEWAY_POOL_IDLE_MS)
            upstream_close(each, false);
    }
}

void upstream_free_dead(struct gateway_worker *worker)
{
    for (struct upstream *each = worker->dead_upstreams, *next; each; each = next) {
        next = each->next;
        free(each);
    }
    worker->dead_upstreams = NULL;
}
