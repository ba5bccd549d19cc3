/* Both ends of an HTTP proxy's work: the clients before it and the server behind it, in one loop.
 *
 *     http_load -h HEAD [-n CONNECTIONS] [-t SECONDS] [-s NAME] [-e TEXT] [-w] WORK PROXY SERVER
 *
 *     open CONNECTIONS to PROXY, which dials SERVER, where we listen (IPv4:PORT each) → one request
 *     on each → print "ready" → a line on standard input → WORK → print what was done → end of
 *     input → exit
 *
 *     small    GET of SMALL_SIZE, again and again on each connection, for SECONDS
 *     connect  the same, each on a connection of its own
 *     get      GET of LARGE_SIZE
 *     put      PUT of LARGE_SIZE
 *
 * HEAD: each request's, without the empty line. -s: the clients speak TLS 1.3 and ask for
 * NAME. -e: the server answers 400 to a head that does not hold TEXT. -w: the first requests are
 * the work; until the line comes nobody reads their bodies, so that they are in flight at "ready".
 *
 * Whoever runs this reads the proxy's CPU between "ready" and the result: all that was begun is
 * finished then. An answer that is not 200, or an end that closes, is counted as `failed`. */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SMALL_SIZE 1024
#define LARGE_SIZE (8u << 20)
#define HEAD_MAX 4096
#define CHUNK (256u << 10) /* of one read or write */
#define EVENTS_MAX 256
#define AT_ONCE 256       /* requests that begin the work: nobody's backlog overflows */
#define STILL_MS 1000     /* nothing moves that long: what is held moves no more */
#define PATIENCE_MS 20000 /* nothing moves that long: the proxy is broken */

enum role { ROLE_LISTENER, ROLE_SERVER, ROLE_CLIENT };

struct end {
    struct end *next; /* of all */
    enum role role;
    struct wire wire;
    char head[HEAD_MAX + 1]; /* as much of one as has come */
    size_t head_size;
    uint64_t to_read, to_send; /* of bodies */
    bool in_body;              /* to_read counts */
    bool busy;                 /* client: waits for an answer */
    bool asks;                 /* client: its request has not gone yet */
};

struct load {
    bool is_put, connects_anew;
    bool is_held;  /* nobody reads bodies */
    uint64_t size; /* of a body */
    char head[HEAD_MAX];
    const char *expected; /* in a head at the server; NULL: nothing */
    const char *name;     /* for TLS; NULL: none */
    SSL_CTX *tls;
    struct sockaddr_in proxy, server;
    int epoll, connections, busy;
    double seconds, began;
    bool is_measuring, is_over;
    struct end **clients, *all;
    uint64_t requests, bytes, failed;
};

static char chunk[CHUNK];

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct load *load, struct end *end)
{
    int fd = end->wire.fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {
        .events = EPOLLIN | (end->role == ROLE_LISTENER ? 0 : EPOLLOUT | EPOLLET), .data.ptr = end};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static struct end *end_new(struct load *load, enum role role, int fd)
{
    struct end *end = calloc(1, sizeof *end);
    if (!end)
        fail("calloc");
    end->role = role;
    end->wire.fd = fd;
    end->next = load->all;
    load->all = end;
    return end;
}

static void send_body(struct end *end)
{
    while (end->to_send > 0) {
        size_t size = end->to_send < CHUNK ? (size_t)end->to_send : CHUNK;
        ssize_t sent = wire_send(&end->wire, chunk, size);
        if (sent < 0)
            return;
        end->to_send -= (uint64_t)sent;
    }
}

/* The head with what fits of the body; small ones go whole. False: nothing goes now, for TLS still
 * shakes hands. */
static bool send_message(struct end *end, const char *head, uint64_t body)
{
    size_t head_size = strlen(head);
    char small[HEAD_MAX + SMALL_SIZE];
    size_t with = body <= SMALL_SIZE ? (size_t)body : 0;
    memcpy(small, head, head_size);
    memset(small + head_size, 'x', with);
    ssize_t sent = wire_send(&end->wire, small, head_size + with);
    if (sent < 0 && wire_shakes_hands(&end->wire))
        return false;
    if (sent < (ssize_t)(head_size + with))
        fail("send"); /* never more than a socket's buffer holds */
    end->to_send = body - with;
    send_body(end);
    return true;
}

static void send_request(struct load *load, struct end *client)
{
    client->asks = !send_message(client, load->head, load->is_put ? load->size : 0);
}

static void ask(struct load *load, struct end *client)
{
    client->busy = true;
    load->busy++;
    send_request(load, client);
}

static void serve(struct load *load, struct end *server)
{
    bool is_good = !load->expected || strstr(server->head, load->expected);
    uint64_t size = load->is_put ? 0 : load->size;
    char head[512];
    snprintf(head, sizeof head,
        "HTTP/1.1 %s\r\nx-amz-id-2: 0123456789012345678901234567890123456789\r\n"
        "x-amz-request-id: 0123456789ABCDEF\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\n"
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\nContent-Type: binary/octet-stream\r\n"
        "Server: AmazonS3\r\nContent-Length: %llu\r\n\r\n",
        is_good ? "200 OK" : "400 Bad Request", (unsigned long long)size);
    send_message(server, head, size);
}

static void open_client(struct load *load, struct end *client)
{
    if (!wire_connect(&client->wire, &load->proxy, load->tls, load->name))
        fail("connect");
    watch(load, client);
}

static void answered(struct load *load, struct end *client)
{
    if (!client->busy)
        return;
    client->busy = false;
    load->busy--;
    load->requests++;
    load->bytes += load->size;
    load->failed += strncmp(client->head, "HTTP/1.1 200", 12) != 0;
    load->is_over |= load->is_measuring && now() - load->began >= load->seconds;
    if (!load->is_measuring || load->is_over)
        return;
    if (load->connects_anew) {
        wire_close(&client->wire);
        open_client(load, client);
    }
    ask(load, client);
}

/* A whole message has come. */
static void take_message(struct load *load, struct end *end)
{
    end->in_body = false;
    end->head_size = 0;
    if (end->role == ROLE_SERVER)
        serve(load, end);
    else
        answered(load, end);
}

/* Bytes of heads, then of bodies, as often as they come. */
static void take(struct load *load, struct end *end, const char *data, size_t size)
{
    while (size > 0) {
        size_t used = size;
        if (end->in_body) {
            used = end->to_read < size ? (size_t)end->to_read : size;
            end->to_read -= used;
        } else {
            size_t room = HEAD_MAX - end->head_size;
            size_t before = end->head_size, more = size < room ? size : room;
            memcpy(end->head + before, data, more);
            end->head[before + more] = 0;
            end->head_size += more;
            char *over = strstr(end->head, "\r\n\r\n");
            if (!over && room == more)
                fail("a head too large");
            if (!over)
                return;
            char *length = strcasestr(end->head, "\r\ncontent-length:");
            end->to_read = length && length < over ? strtoull(length + 17, NULL, 10) : 0;
            end->in_body = true;
            used = (size_t)(over + 4 - end->head) - before;
        }
        data += used;
        size -= used;
        if (end->in_body && end->to_read == 0)
            take_message(load, end);
    }
}

static void ended(struct load *load, struct end *end)
{
    if (end->role == ROLE_CLIENT) {
        load->failed++;
        load->busy -= end->busy;
    }
    wire_close(&end->wire); /* the few that end stay in memory: the batch may name them again */
}

static void read_all(struct load *load, struct end *end)
{
    static char buffer[CHUNK];
    while (end->wire.fd >= 0 && !(load->is_held && end->in_body)) {
        ssize_t got = wire_read(&end->wire, buffer, sizeof buffer);
        if (got < 0)
            return;
        if (got == 0)
            ended(load, end);
        else
            take(load, end, buffer, (size_t)got);
        if (!end->wire.tls && got < (ssize_t)sizeof buffer)
            return;
    }
}

static void take_server(struct load *load, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        watch(load, end_new(load, ROLE_SERVER, fd));
}

static void on_event(struct load *load, struct end *end)
{
    if (end->role == ROLE_LISTENER) {
        take_server(load, end->wire.fd);
        return;
    }
    if (end->wire.fd >= 0 && end->asks)
        send_request(load, end);
    if (end->wire.fd >= 0)
        send_body(end);
    read_all(load, end);
}

/* False: nothing has moved for so long. */
static bool turn(struct load *load, int patience_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, patience_ms);
    for (int i = 0; i < count; i++)
        on_event(load, events[i].data.ptr);
    return count > 0;
}

static void wait_until(struct load *load, int busy)
{
    while (load->busy > busy) {
        if (!turn(load, PATIENCE_MS)) {
            errno = ETIMEDOUT;
            fail("the proxy");
        }
    }
}

static void listen_here(struct load *load)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&load->server, sizeof load->server) < 0 || listen(fd, 1024) < 0)
        fail("listen");
    watch(load, end_new(load, ROLE_LISTENER, fd));
}

static void open_all(struct load *load)
{
    load->clients = calloc((size_t)load->connections, sizeof *load->clients);
    if (!load->clients)
        fail("calloc");
    for (int i = 0; i < load->connections; i++) {
        load->clients[i] = end_new(load, ROLE_CLIENT, -1);
        open_client(load, load->clients[i]);
        ask(load, load->clients[i]);
        if (!load->is_held)
            wait_until(load, 0);
    }
    while (load->is_held && turn(load, STILL_MS))
        ;
}

/* Who was not read from hears of it no more: all are looked at once. */
static void let_go(struct load *load)
{
    load->is_held = false;
    for (struct end *end = load->all; end; end = end->next)
        on_event(load, end);
}

static void ask_all(struct load *load)
{
    load->is_measuring = true;
    for (int i = 0; i < load->connections; i++) {
        ask(load, load->clients[i]);
        wait_until(load, AT_ONCE - 1);
    }
}

static void measure(struct load *load)
{
    char line[16];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return;
    load->requests = load->bytes = load->failed = 0;
    load->began = now();
    if (load->is_held)
        let_go(load);
    else
        ask_all(load);
    wait_until(load, 0);
    printf("requests=%llu bytes=%llu failed=%llu seconds=%.6f\n",
        (unsigned long long)load->requests, (unsigned long long)load->bytes,
        (unsigned long long)load->failed, now() - load->began);
    fflush(stdout);
    (void)!fgets(line, sizeof line, stdin);
}

static struct sockaddr_in address_of(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    unsigned port;
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errno = EINVAL;
        fail(text);
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

static bool read_options(struct load *load, int count, char **words)
{
    for (int option; (option = getopt(count, words, "e:h:n:s:t:w")) != -1;) {
        switch (option) {
        case 'e':
            load->expected = optarg;
            break;
        case 'h':
            snprintf(load->head, sizeof load->head, "%s\r\n\r\n", optarg);
            break;
        case 'n':
            load->connections = atoi(optarg);
            break;
        case 's':
            load->name = optarg;
            break;
        case 't':
            load->seconds = atof(optarg);
            break;
        case 'w':
            load->is_held = true;
            break;
        default:
            return false;
        }
    }
    return count - optind == 3 && load->connections > 0 && *load->head;
}

int main(int count, char **words)
{
    static struct load load = {.connections = 1, .seconds = 1};
    if (!read_options(&load, count, words))
        return 2;
    words += optind;
    load.is_put = strcmp(words[0], "put") == 0;
    load.connects_anew = strcmp(words[0], "connect") == 0;
    load.size = load.is_put || strcmp(words[0], "get") == 0 ? LARGE_SIZE : SMALL_SIZE;
    load.proxy = address_of(words[1]);
    load.server = address_of(words[2]);
    load.tls = load.name ? wire_tls_new() : NULL;
    if (load.name && !load.tls)
        fail("TLS");
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    listen_here(&load);
    open_all(&load);
    measure(&load);
    return 0;
}
