#include "tests/unit/played_upstream.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 20
#define LOOK_AGAIN_MS 10

static uint64_t loops_clock_ms = 1000000;

/* In place of the C library's, which libuv asks: the loops' clock is ours. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, ret);
    ret->tv_sec = (time_t)(loops_clock_ms / 1000);
    ret->tv_nsec = (long)(loops_clock_ms % 1000) * 1000000;
    return 0;
}

/* What one round starts to watch, the next one hears. */
static void run_once(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_NOWAIT);
    uv_run(loop, UV_RUN_NOWAIT);
}

static bool is_readable(int file, int patience_ms)
{
    struct pollfd wanted = {.fd = file, .events = POLLIN};
    return poll(&wanted, 1, patience_ms) == 1;
}

void settle(uv_loop_t *loop)
{
    do {
        run_once(loop);
    } while (uv_backend_timeout(loop) == 0 || is_readable(uv_backend_fd(loop), 0));
}

void time_passes(uv_loop_t *loop, uint64_t ms)
{
    settle(loop);
    loops_clock_ms += ms;
    settle(loop);
}

static time_t real_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

void runs_until(uv_loop_t *loop, const counter *count, uint64_t wanted)
{
    time_t deadline_s = real_now_s() + DEADLINE_S;
    for (run_once(loop); *count < wanted; run_once(loop)) {
        assert_true(real_now_s() < deadline_s);
        if (uv_backend_timeout(loop) != 0)
            is_readable(uv_backend_fd(loop), LOOK_AGAIN_MS);
    }
}

void wait_readable(uv_loop_t *loop, int socket)
{
    time_t deadline_s = real_now_s() + DEADLINE_S;
    for (run_once(loop); !is_readable(socket, 0); run_once(loop)) {
        assert_true(real_now_s() < deadline_s);
        if (uv_backend_timeout(loop) != 0)
            is_readable(socket, LOOK_AGAIN_MS);
    }
}

static bool listen_at(struct played *played)
{
    socklen_t size = sizeof played->address;
    played->address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = 0};
    played->datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    played->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(played->datagrams, &played->address.any, size), 0);
    assert_int_equal(getsockname(played->datagrams, &played->address.any, &size), 0);
    return bind(played->listener, &played->address.any, size) == 0 &&
           listen(played->listener, 16) == 0;
}

void close_socket(int *socket)
{
    if (*socket >= 0)
        close(*socket);
    *socket = -1;
}

/* The kernel finds a port for UDP; somebody else may have the same one for TCP. */
void played_open(struct played *played, uv_loop_t *loop)
{
    played->loop = loop;
    played->connection = -1;
    while (!listen_at(played)) {
        close_socket(&played->datagrams);
        close_socket(&played->listener);
    }
}

void played_close(struct played *played)
{
    close_socket(&played->datagrams);
    close_socket(&played->listener);
    close_socket(&played->connection);
}

void hears(struct played *played)
{
    socklen_t size = sizeof played->asker;
    wait_readable(played->loop, played->datagrams);
    ssize_t got = recvfrom(played->datagrams, played->heard.data, sizeof played->heard.data, 0,
        &played->asker.any, &size);
    assert_true(got >= DNS_HEADER_SIZE);
    played->heard.size = (size_t)got;
}

bool hears_nothing(struct played *played)
{
    settle(played->loop);
    return !is_readable(played->datagrams, 0);
}

void says(struct played *played, const struct message *message)
{
    ssize_t sent = sendto(played->datagrams, message->data, message->size, 0, &played->asker.any,
        address_size(&played->asker));
    assert_int_equal(sent, message->size);
}

void takes_connection(struct played *played)
{
    close_socket(&played->connection);
    wait_readable(played->loop, played->listener);
    played->connection = accept4(played->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(played->connection >= 0);
}

bool is_connected_to(struct played *played)
{
    settle(played->loop);
    return is_readable(played->listener, 0);
}

static void receive(struct played *played, uint8_t *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        wait_readable(played->loop, played->connection);
        ssize_t got = recv(played->connection, data + have, size - have, 0);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

void hears_framed(struct played *played)
{
    uint8_t length[2];
    receive(played, length, sizeof length);
    played->heard.size = read_be16(length);
    receive(played, played->heard.data, played->heard.size);
}

void sends(struct played *played, const void *data, size_t size)
{
    time_t deadline_s = real_now_s() + DEADLINE_S;
    for (const uint8_t *at = data; size > 0; run_once(played->loop)) {
        ssize_t sent = send(played->connection, at, size, MSG_NOSIGNAL);
        assert_true(sent > 0 || (errno == EAGAIN && real_now_s() < deadline_s));
        at += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
}

void says_framed(struct played *played, const struct message *message)
{
    uint8_t length[2];
    write_be16(length, (uint16_t)message->size);
    sends(played, length, sizeof length);
    sends(played, message->data, message->size);
}

void hears_the_end(struct played *played)
{
    uint8_t byte;
    wait_readable(played->loop, played->connection);
    ssize_t got = recv(played->connection, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
}

void reply_start(struct message *reply, const struct played *played, uint16_t flags)
{
    const uint8_t *question = played->heard.data + DNS_HEADER_SIZE;
    reply->size = 0;
    message_put(reply, played->heard.data, 2);
    message_put16(reply, DNS_QR | DNS_RD | DNS_RA | flags);
    message_put16(reply, 1);
    message_put(reply, "\0\0\0\0\0", 6);
    message_put(reply, question, strlen((const char *)question) + 5);
}

void reply_a(struct message *reply, const struct played *played, uint32_t address)
{
    reply_start(reply, played, 0);
    message_a(reply, SECTION_ANSWER, "@", 60, address);
}
