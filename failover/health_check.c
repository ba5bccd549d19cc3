/* One target, again and again:
 *
 *     wait → look up → connect → (take leave) → close → count → wait
 *
 * Who is connected is up, whatever follows. A MySQL server must be taken leave of (base/mysql.h),
 * or it counts our checks until it lets nobody in from this host; any other is left at once.
 *
 * An attempt has one deadline for all its parts. When an address refuses, the next one of the same
 * answer is tried. What can go wrong: the lookup answers long after the deadline (the next attempt
 * then waits for the same answer instead of asking twice), a MySQL server does not greet in time
 * (it finds our login when it wakes up), or the check is to end while a callback is still to come
 * (`pending` counts those, the last one frees). */
#include "failover/health_check.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/mysql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_WAITING, PHASE_LOOKING_UP, PHASE_CONNECTING, PHASE_LEAVING };

/* How a connection is left. */
enum manners { MANNERS_NONE, MANNERS_WHEN_GREETED, MANNERS_MYSQL };

struct leave {
    struct mysql_visit visit;
    char room[512];
};

struct health_check {
    const struct health_context *shared;
    char *endpoint, *region;     /* ids, for the log */
    struct config_target target; /* its text is our copy */
    enum manners manners;

    struct health_rule rule;
    uint64_t since_ms;
    char detail[128]; /* of the last failure, or why nothing is known yet */

    enum phase phase;
    uint64_t started_ms; /* of the attempt */
    struct lookup_answer answer;
    unsigned next_address;
    int result;          /* of the last address */
    bool looking_up;     /* an answer is still to come, perhaps one that nobody waits for */
    bool connected_open; /* `tcp` is not closed yet */
    struct leave *leave; /* from PHASE_LEAVING until `tcp` is closed */

    uv_timer_t timer; /* the next attempt, or the deadline of this one */
    uv_tcp_t tcp;
    uv_connect_t connect;

    unsigned pending; /* callbacks that still need this memory */
    bool ending;
    loop_call *freed;
    void *freed_context;
};

static void start_attempt(uv_timer_t *timer);
static void on_deadline(uv_timer_t *timer);
static void connect_next(struct health_check *check);

static void release(struct health_check *check)
{
    if (--check->pending > 0)
        return;
    assert(check->ending);
    loop_call *freed = check->freed;
    void *context = check->freed_context;
    free(check->endpoint);
    free(check->region);
    free(check->target.text);
    free(check);
    freed(context);
}

static void describe_timeout(uint64_t timeout_ms, char *ret, size_t size)
{
    if (timeout_ms % 1000)
        snprintf(ret, size, "timed out after %llums", (unsigned long long)timeout_ms);
    else
        snprintf(ret, size, "timed out after %llus", (unsigned long long)timeout_ms / 1000);
}

/* The words that operators know; NULL: libuv's own will do. */
static const char *words_of(int status)
{
    switch (status) {
    case 0:
        return "connected, not often enough in a row yet";
    case UV_ECONNREFUSED:
        return "connection refused";
    case UV_ELOOP:
        return "it leads back to ourselves";
    case UV_EAI_NONAME:
        return "name not found";
    case UV_EAI_AGAIN:
        return "name could not be resolved";
    default:
        return NULL;
    }
}

static void describe(struct health_check *check, int status)
{
    const char *words = words_of(status);
    if (words)
        snprintf(check->detail, sizeof check->detail, "%s", words);
    else if (status == UV_ETIMEDOUT)
        describe_timeout(
            check->shared->config->health.timeout_ms, check->detail, sizeof check->detail);
    else
        uv_strerror_r(status, check->detail, sizeof check->detail);
}

static void log_change(const struct health_check *check)
{
    log_info("health", LOG_TEXT("endpoint", check->endpoint), LOG_TEXT("region", check->region),
        LOG_TEXT("target", check->target.text), LOG_TEXT("health", health_text(check->rule.health)),
        LOG_TEXT("detail", check->rule.health == HEALTH_UP ? NULL : check->detail));
}

/* The attempt is over; the next one starts an interval after this one did. */
static void conclude(struct health_check *check, int status)
{
    const struct config *config = check->shared->config;
    describe(check, status);
    if (health_rule_count(&check->rule, status == 0, config->health.fall, config->health.rise)) {
        check->since_ms = clock_boot_ms();
        log_change(check);
    }
    uint64_t taken = uv_now(&check->shared->loop->uv) - check->started_ms;
    uint64_t interval = config->health.interval_ms;
    check->phase = PHASE_WAITING;
    uv_timer_start(&check->timer, start_attempt, taken < interval ? interval - taken : 1, 0);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct health_check *check = handle->data;
    check->connected_open = false;
    free(check->leave);
    check->leave = NULL;
    if (check->ending)
        release(check);
    else if (check->result < 0 && check->next_address < check->answer.count)
        connect_next(check);
    else
        conclude(check, check->result);
}

static void close_connection(struct health_check *check, int result)
{
    check->result = result;
    if (!uv_is_closing((uv_handle_t *)&check->tcp))
        uv_close((uv_handle_t *)&check->tcp, on_tcp_closed);
}

/* A new connection has room for what is said here; else the server counts this one. */
static void say(struct health_check *check)
{
    struct mysql_visit *visit = &check->leave->visit;
    uv_buf_t words = uv_buf_init((char *)visit->out, (unsigned)visit->out_size);
    if (words.len > 0 && !uv_is_closing((uv_handle_t *)&check->tcp))
        uv_try_write((uv_stream_t *)&check->tcp, &words, 1);
    visit->out_size = 0;
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct health_check *check = handle->data;
    (void)suggested;
    *ret = uv_buf_init(check->leave->room, sizeof check->leave->room);
}

static void await(struct health_check *check, uint64_t most_ms)
{
    uint64_t deadline = check->started_ms + check->shared->config->health.timeout_ms;
    uint64_t now = uv_now(&check->shared->loop->uv);
    uint64_t left = deadline > now ? deadline - now : 0;
    uv_timer_start(&check->timer, on_deadline, left < most_ms ? left : most_ms, 0);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct health_check *check = stream->data;
    if (size < 0) {
        close_connection(check, 0);
        return;
    }
    struct span bytes = span_of(buffer->base, (size_t)size);
    enum mysql_visit_state state = mysql_visit_receive(&check->leave->visit, bytes);
    say(check);
    if (state == MYSQL_VISIT_OVER)
        close_connection(check, 0);
    else
        await(check, UINT64_MAX); /* it speaks, so it gets the time that there is */
}

static void take_leave(struct health_check *check)
{
    int status = uv_read_start((uv_stream_t *)&check->tcp, on_room_wanted, on_read);
    if (status < 0) {
        close_connection(check, 0);
        return;
    }
    check->phase = PHASE_LEAVING;
    check->leave = memory_new(sizeof *check->leave);
    if (check->manners == MANNERS_WHEN_GREETED)
        await(check, HEALTH_SILENCE_MS);
}

/* At once. A server that has not greeted yet reads the login when it does. */
static void cut_leave_short(struct health_check *check)
{
    if (check->manners == MANNERS_MYSQL && !check->leave->visit.logged_in)
        mysql_visit_log_in(&check->leave->visit, 1, false);
    say(check);
    close_connection(check, 0);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct health_check *check = connect->data;
    if (status == UV_ECANCELED)
        return; /* it is closing already, and its result is known */
    if (status == 0 && check->manners != MANNERS_NONE)
        take_leave(check);
    else
        close_connection(check, status);
}

static void connect_next(struct health_check *check)
{
    struct address address = check->answer.addresses[check->next_address++];
    address_set_port(&address, check->target.port);
    uv_tcp_init(&check->shared->loop->uv, &check->tcp);
    check->connected_open = true;
    check->tcp.data = check->connect.data = check;
    int status = config_listens_on(check->shared->config, &address)
                     ? UV_ELOOP
                     : uv_tcp_connect(&check->connect, &check->tcp, &address.any, on_connected);
    if (status < 0)
        close_connection(check, status);
}

static void connect_first(struct health_check *check)
{
    check->phase = PHASE_CONNECTING;
    check->next_address = 0;
    connect_next(check);
}

static void on_looked_up(void *context, int status, const struct lookup_answer *answer)
{
    struct health_check *check = context;
    check->looking_up = false;
    bool awaited = !check->ending && check->phase == PHASE_LOOKING_UP;
    if (awaited && status == 0 && answer->count > 0) {
        check->answer = *answer;
        connect_first(check);
    } else if (awaited) {
        conclude(check, status < 0 ? status : UV_EAI_NONAME);
    }
    if (check->ending)
        release(check);
}

static void start_attempt(uv_timer_t *timer)
{
    struct health_check *check = timer->data;
    struct loop *loop = check->shared->loop;
    check->started_ms = uv_now(&loop->uv);
    uv_timer_start(timer, on_deadline, check->shared->config->health.timeout_ms, 0);
    if (check->target.is_address) {
        check->answer.count = 1;
        check->answer.addresses[0] = check->target.address;
        connect_first(check);
        return;
    }
    check->phase = PHASE_LOOKING_UP;
    if (check->looking_up)
        return;
    check->looking_up = true;
    check->shared->lookup->start(
        check->shared->lookup, loop, &check->target.name, on_looked_up, check);
}

static void on_deadline(uv_timer_t *timer)
{
    struct health_check *check = timer->data;
    if (check->phase == PHASE_LOOKING_UP) {
        conclude(check, UV_EAI_AGAIN);
        return;
    }
    check->next_address = check->answer.count;
    if (check->phase == PHASE_LEAVING)
        cut_leave_short(check);
    else if (!uv_is_closing((uv_handle_t *)&check->tcp))
        close_connection(check, UV_ETIMEDOUT);
}

static enum manners manners_for(
    const struct config_endpoint *endpoint, const struct config_target *target)
{
    enum config_probe_type protocol = config_protocol(endpoint, target->port);
    if (protocol == CONFIG_PROBE_NONE && endpoint->type == CONFIG_DATABASE)
        return MANNERS_WHEN_GREETED;
    return protocol == CONFIG_PROBE_MYSQL ? MANNERS_MYSQL : MANNERS_NONE;
}

struct health_check *health_check_new(const struct health_context *context,
    const struct config_endpoint *endpoint, const char *region, const struct config_target *target,
    uint64_t delay_ms)
{
    struct health_check *check = memory_new(sizeof *check);
    check->shared = context;
    check->endpoint = memory_text(endpoint->id);
    check->region = memory_text(region);
    check->target = *target;
    check->target.text = memory_text(target->text);
    check->manners = manners_for(endpoint, target);
    snprintf(check->detail, sizeof check->detail, "not checked yet");
    uv_timer_init(&context->loop->uv, &check->timer);
    check->timer.data = check;
    uv_timer_start(&check->timer, start_attempt, delay_ms, 0);
    return check;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void health_check_free(struct health_check *check, loop_call *freed, void *freed_context)
{
    check->ending = true;
    check->freed = freed;
    check->freed_context = freed_context;
    check->pending = 1 + check->connected_open + check->looking_up;
    if (check->leave)
        cut_leave_short(check);
    else if (check->connected_open)
        close_connection(check, UV_ECANCELED);
    uv_close((uv_handle_t *)&check->timer, on_timer_closed);
}

bool health_check_is_of(const struct health_check *check, const struct config_endpoint *endpoint,
    const struct config_target *target)
{
    return strcmp(check->target.text, target->text) == 0 && check->target.port == target->port &&
           check->manners == manners_for(endpoint, target);
}

struct health_status health_check_get(const struct health_check *check)
{
    return (struct health_status){
        .health = check->rule.health,
        .detail = check->rule.health == HEALTH_UP ? NULL : check->detail,
        .since_ms = check->since_ms,
    };
}
