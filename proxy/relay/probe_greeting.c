/* A database's first words, for those who have no login there:
 *
 *     connect → send what the protocol opens with → read what comes → judge → close
 *
 * What can go wrong: the server is silent (whoever asks has a deadline), closes, resets, or sends
 * what is no greeting, without end: the room for it is small, and then it is over. */
#include "proxy/relay/probe_greeting.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static struct greeting *greeting_new(const struct probe_question *question, greeting_judge *judge)
{
    struct greeting *greeting = memory_new(sizeof *greeting);
    greeting->address = question->address;
    greeting->judge = judge;
    greeting->fd = -1;
    return greeting;
}

static void *begin_postgres(const struct probe_question *question)
{
    return greeting_new(question, greeting_judge_postgres);
}

static void *begin_mysql(const struct probe_question *question)
{
    struct greeting *greeting = greeting_new(question, greeting_judge_mysql);
    greeting->part = greeting_part_mysql;
    return greeting;
}

void greeting_send(struct greeting *greeting, const void *data, size_t size)
{
    assert(size <= sizeof greeting->out - greeting->out_size);
    memcpy(greeting->out + greeting->out_size, data, size);
    greeting->out_size += size;
    greeting->said++;
}

enum probe_verdict greeting_say(
    enum probe_verdict verdict, char words[PROBE_WORDS_SIZE], const char *text)
{
    sql_say(words, span_of_text(text));
    return verdict;
}

static enum probe_verdict wait_for(
    const struct greeting *greeting, int events, struct probe_wait *ret_wait)
{
    *ret_wait = (struct probe_wait){.fd = greeting->fd, .events = events};
    return PROBE_WAITS;
}

static enum probe_verdict start_connecting(
    struct greeting *greeting, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    int family = greeting->address.any.sa_family;
    greeting->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (greeting->fd >= 0 &&
        (connect(greeting->fd, &greeting->address.any, address_size(&greeting->address)) == 0 ||
            errno == EINPROGRESS))
        return wait_for(greeting, UV_WRITABLE, ret_wait);
    return greeting_say(PROBE_UNREACHABLE, words, uv_strerror(-errno));
}

static int connect_status(const struct greeting *greeting)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(greeting->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

/* 0, or a negative errno: -EAGAIN when there is no room for the rest. */
static int send_rest(struct greeting *greeting)
{
    while (greeting->sent < greeting->out_size) {
        ssize_t sent = send(greeting->fd, greeting->out + greeting->sent,
            greeting->out_size - greeting->sent, MSG_NOSIGNAL);
        if (sent < 0)
            return -errno;
        greeting->sent += (size_t)sent;
    }
    return 0;
}

/* How many bytes came; 0: no more will; or a negative errno. */
static ssize_t receive(struct greeting *greeting)
{
    ssize_t got =
        recv(greeting->fd, greeting->in + greeting->in_size, GREETING_ROOM - greeting->in_size, 0);
    if (got < 0)
        return -errno;
    greeting->in_size += (size_t)got;
    return got;
}

static enum probe_verdict talk(
    struct greeting *greeting, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    for (;;) {
        enum probe_verdict verdict = greeting->judge(greeting, words);
        if (verdict != PROBE_WAITS)
            return verdict;
        if (greeting->in_size == GREETING_ROOM)
            return greeting_say(PROBE_NOT_YET, words, "an answer without end");
        int status = send_rest(greeting);
        if (status == -EAGAIN)
            return wait_for(greeting, UV_WRITABLE, ret_wait);
        ssize_t got = status < 0 ? status : receive(greeting);
        if (got == -EAGAIN)
            return wait_for(greeting, UV_READABLE, ret_wait);
        if (got <= 0)
            return greeting_say(PROBE_NOT_YET, words,
                got < 0 ? uv_strerror((int)got) : "closed the connection without an answer");
    }
}

static enum probe_verdict step(
    void *probe, int events, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    (void)events;
    struct greeting *greeting = probe;
    if (greeting->fd < 0)
        return start_connecting(greeting, ret_wait, words);
    int status = greeting->connected ? 0 : connect_status(greeting);
    if (status < 0)
        return greeting_say(PROBE_UNREACHABLE, words, uv_strerror(status));
    greeting->connected = true;
    return talk(greeting, ret_wait, words);
}

static void end(void *probe)
{
    struct greeting *greeting = probe;
    if (greeting->connected && greeting->part) {
        greeting->part(greeting);
        send_rest(greeting); /* what does not go out now is not worth waiting for */
    }
    if (greeting->fd >= 0)
        close(greeting->fd);
    free(greeting);
}

const struct probe_kind probe_postgres_greeting = {
    .begin = begin_postgres, .step = step, .end = end};
const struct probe_kind probe_mysql_greeting = {.begin = begin_mysql, .step = step, .end = end};
