/* Asks both sides:
 *
 *     password → of each side: look up → log in, ask → its row → … → what the rows say → done
 *
 * A replica that is a little behind is asked again at once, so that a planned move does not wait
 * for the step's next look. Each side has one deadline for all its parts. What can go wrong: a side
 * cannot be reached (the old region may be lost), is silent, or does not answer what it is asked;
 * that is "unknown", with its words. A lookup runs in a thread of libuv's, which may outlive all
 * else: the last one frees. */
#include "failover/aws/position.h"

#include "base/file.h"
#include "base/memory.h"

#include <netdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define SIDE_TIMEOUT_MS 5000
#define AGAIN_MS 250
#define AGAIN_FOR_MS 3000 /* a replica that is behind */
#define PASSWORD_MAX 4096

enum { PRIMARY, REPLICA, SIDES };

struct position {
    struct position_options options;
    position_done *done;
    void *context;
    const struct sql_client *client;
    const char *const *statement; /* the one that is asked */
    char *password;               /* NULL: none */
    size_t password_size;

    unsigned side;
    uint64_t again_until_ms; /* on the loop's clock */
    struct sql_question questions[SIDES];
    void *sessions[SIDES]; /* NULL: none; both are kept until the end, for their rows */
    uv_poll_t *watch;      /* NULL: none; frees itself when closed */
    uv_timer_t timer;      /* the side's deadline, or the pause before it is asked again */
    uv_getaddrinfo_t lookup;
    struct addrinfo *found, *next; /* the addresses, and the ones to try */
    bool looking_up, timer_closed, over;
};

static void ask_side(struct position *position);
static void take_step(struct position *position, int events);

static const struct config_target *target_of(const struct position *position)
{
    size_t region =
        position->side == PRIMARY ? position->options.primary : position->options.replica;
    return &position->options.endpoint->targets[region];
}

static void free_if_closed(struct position *position)
{
    if (!position->timer_closed || position->looking_up)
        return;
    free(position);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct position *position = handle->data;
    position->timer_closed = true;
    free_if_closed(position);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

/* At once; after this the socket may be closed. */
static void unwatch(struct position *position)
{
    if (position->watch)
        uv_close((uv_handle_t *)position->watch, on_watch_closed);
    position->watch = NULL;
}

static void end_session(struct position *position, unsigned side)
{
    if (position->sessions[side])
        position->client->end(position->sessions[side]);
    position->sessions[side] = NULL;
}

static void forget_addresses(struct position *position)
{
    if (position->found)
        uv_freeaddrinfo(position->found);
    position->found = position->next = NULL;
}

void position_cancel(struct position *position)
{
    if (!position)
        return;
    position->over = true;
    unwatch(position);
    end_session(position, PRIMARY);
    end_session(position, REPLICA);
    forget_addresses(position);
    if (position->password)
        OPENSSL_cleanse(position->password, position->password_size);
    free(position->password);
    position->password = NULL;
    if (position->looking_up)
        uv_cancel((uv_req_t *)&position->lookup); /* or it comes to nothing */
    uv_close((uv_handle_t *)&position->timer, on_timer_closed);
}

/* What a server says may hold what it was told. */
static void conclude(struct position *position, enum position_verdict verdict, const char *words)
{
    char last[POSITION_WORDS_SIZE];
    const char *password = position->password;
    bool tells = password && *password && strstr(words, password);
    snprintf(last, sizeof last, "%.*s", POSITION_WORDS_SIZE - 1,
        tells ? "(its words hold the password)" : words);
    position_done *done = position->done;
    void *context = position->context;
    position_cancel(position);
    done(context, verdict, last);
}

/* This side cannot be asked. */
static void give_up(struct position *position, const char *why)
{
    char words[POSITION_WORDS_SIZE];
    snprintf(words, sizeof words, "%.200s: %.256s", target_of(position)->text, why);
    conclude(position, POSITION_UNKNOWN, words);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    take_step(poll->data, status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

static int watch(struct position *position, const struct sql_wait *wait)
{
    uv_poll_t *poll = memory_new(sizeof *poll);
    int status = uv_poll_init(&position->options.loop->uv, poll, wait->fd);
    if (status < 0) {
        free(poll);
        return status;
    }
    poll->data = position;
    position->watch = poll;
    return uv_poll_start(poll, wait->events, on_event);
}

static void ask(struct position *position, const struct address *address)
{
    const struct config_relay *relay = position->options.endpoint->relay;
    struct sql_question *question = &position->questions[position->side];
    end_session(position, position->side);
    *question = (struct sql_question){.address = *address,
        .user = relay->probe_user,
        .password = position->password,
        .database = relay->probe_database,
        .statement = *position->statement};
    address_set_port(&question->address, target_of(position)->port);
    if (config_listens_on(position->options.config, &question->address)) {
        give_up(position, "we listen there ourselves");
        return;
    }
    position->sessions[position->side] = position->client->begin(question);
    take_step(position, 0);
}

/* False: there is none left. */
static bool ask_next_address(struct position *position)
{
    struct address address = {0};
    struct addrinfo *next = position->next;
    if (!next)
        return false;
    position->next = next->ai_next;
    memcpy(&address, next->ai_addr,
        next->ai_addrlen < sizeof address ? next->ai_addrlen : sizeof address);
    ask(position, &address);
    return true;
}

static void on_again(uv_timer_t *timer)
{
    ask_side(timer->data);
}

static void compare(struct position *position)
{
    char words[POSITION_WORDS_SIZE];
    const struct sql_client *client = position->client;
    enum position_verdict verdict = position_judge(position->options.endpoint->relay->probe,
        client->row(position->sessions[PRIMARY]), client->row(position->sessions[REPLICA]),
        position->options.settled, words);
    if (verdict == POSITION_BEHIND &&
        uv_now(&position->options.loop->uv) < position->again_until_ms)
        uv_timer_start(&position->timer, on_again, AGAIN_MS, 0);
    else
        conclude(position, verdict, words);
}

static void take_row(struct position *position)
{
    if (position->client->row(position->sessions[position->side])->count == 0) {
        give_up(position, "it does not say");
    } else if (position->side == PRIMARY) {
        position->side = REPLICA;
        position->again_until_ms = uv_now(&position->options.loop->uv) + AGAIN_FOR_MS;
        ask_side(position);
    } else {
        compare(position);
    }
}

static void take_verdict(struct position *position, enum sql_verdict verdict, const char *words)
{
    struct address address = position->questions[position->side].address;
    if (verdict == SQL_ANSWERED)
        take_row(position);
    else if (verdict == SQL_NOT_UNDERSTOOD && *++position->statement)
        ask(position, &address);
    else if (verdict != SQL_UNREACHABLE || !ask_next_address(position))
        give_up(position, words);
}

static void take_step(struct position *position, int events)
{
    struct sql_wait wait = {.fd = -1};
    char words[SQL_WORDS_SIZE] = "";
    unwatch(position);
    enum sql_verdict verdict =
        position->client->step(position->sessions[position->side], events, &wait, words);
    int status = verdict == SQL_WAITS ? watch(position, &wait) : 0;
    if (status < 0)
        give_up(position, uv_strerror(status));
    else if (verdict != SQL_WAITS)
        take_verdict(position, verdict, words);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct position *position = lookup->data;
    position->looking_up = false;
    if (position->over) {
        uv_freeaddrinfo(found);
        free_if_closed(position);
        return;
    }
    position->found = position->next = found;
    if (status < 0 || !ask_next_address(position))
        give_up(position, status < 0 ? uv_strerror(status) : "no address");
}

static void on_deadline(uv_timer_t *timer)
{
    give_up(timer->data, "no answer within 5 s");
}

static void look_up(struct position *position, const struct config_target *target)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char host[NAME_TEXT_SIZE];
    name_to_text(target->name.wire, target->name.size, host);
    forget_addresses(position);
    position->lookup.data = position;
    int status = uv_getaddrinfo(
        &position->options.loop->uv, &position->lookup, on_found, host, NULL, &hints);
    position->looking_up = status == 0;
    if (status < 0)
        give_up(position, uv_strerror(status));
}

static void ask_side(struct position *position)
{
    const struct config_target *target = target_of(position);
    const struct position_statements *statements =
        position_statements(position->options.endpoint->relay->probe);
    position->statement = position->side == PRIMARY ? statements->primary : statements->replica;
    forget_addresses(position);
    uv_timer_start(&position->timer, on_deadline, SIDE_TIMEOUT_MS, 0);
    if (target->is_address)
        ask(position, &target->address);
    else
        look_up(position, target);
}

/* As the file has it, but for the line's end. */
static int read_password(struct position *position)
{
    const char *file = position->options.endpoint->relay->probe_password_file;
    if (!file)
        return 0;
    int status = file_read(file, PASSWORD_MAX, &position->password, &position->password_size);
    if (status == 0)
        position->password[strcspn(position->password, "\r\n")] = '\0';
    return status;
}

static void on_start(uv_timer_t *timer)
{
    struct position *position = timer->data;
    char words[POSITION_WORDS_SIZE];
    struct failure why;
    if (position->client->load(&why) < 0) {
        conclude(position, POSITION_UNKNOWN, why.text);
        return;
    }
    int status = read_password(position);
    if (status == 0) {
        ask_side(position);
        return;
    }
    snprintf(words, sizeof words, "password file %.300s: %s",
        position->options.endpoint->relay->probe_password_file, strerror(-status));
    conclude(position, POSITION_UNKNOWN, words);
}

struct position *position_start(
    const struct position_options *options, position_done *done, void *context)
{
    struct position *position = memory_new(sizeof *position);
    position->options = *options;
    position->done = done;
    position->context = context;
    position->client =
        options->endpoint->relay->probe == CONFIG_PROBE_POSTGRES ? &sql_postgres : &sql_mysql;
    uv_timer_init(&options->loop->uv, &position->timer);
    position->timer.data = position;
    uv_timer_start(&position->timer, on_start, 0, 0);
    return position;
}
