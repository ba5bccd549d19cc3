/* Both ends of an HTTP proxy's work: the clients before it and the server behind it, in one loop.
 *
 *     http_load [-n CONNECTIONS] [-t SECONDS] WORK PROXY SERVER     (IPv4:PORT each)
 *
 *     open CONNECTIONS to PROXY, which dials SERVER, where we listen → one request on each → print
 *     "ready" → a line on standard input → WORK → print what was done → end of input → exit
 *
 *     small   GET of SMALL_SIZE, again and again on each connection, for SECONDS
 *     get     GET of LARGE_SIZE
 *     put     PUT of LARGE_SIZE
 *
 * The Host is that of the benchmarks' bucket. Whoever runs this reads the proxy's CPU between
 * "ready" and the result: all that was begun is finished then. An answer that is not 200, or an end
 * that closes, is counted as `failed`. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#define PATIENCE_MS 20000 /* nothing moves that long: the proxy is broken */

enum role { ROLE_LISTENER, ROLE_SERVER, ROLE_CLIENT };

struct end {
    enum role role;
    int fd;
    char head[HEAD_MAX + 1]; /* as much of one as has come */
    size_t head_size;
    uint64_t to_read, to_send; /* of bodies */
    bool in_body;              /* to_read counts */
    bool busy;                 /* client: waits for an answer */
};

struct load {
    bool is_put;
    uint64_t size; /* of a body */
    struct sockaddr_in proxy, server;
    const char *host; /* the server's own name */
    int epoll, connections, busy;
    double seconds, began;
    bool is_measuring, is_over;
    struct end **clients;
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

static struct end *end_new(struct load *load, enum role role, int fd)
{
    struct end *end = calloc(1, sizeof *end);
    if (!end)
        fail("calloc");
    end->role = role;
    end->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {
        .events = EPOLLIN | (role == ROLE_LISTENER ? 0 : EPOLLOUT | EPOLLET), .data.ptr = end};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
    return end;
}

static void send_body(struct end *end)
{
    while (end->to_send > 0) {
        size_t size = end->to_send < CHUNK ? (size_t)end->to_send : CHUNK;
        ssize_t sent = send(end->fd, chunk, size, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        end->to_send -= (uint64_t)sent;
    }
}

/* The head with what fits of the body; small ones go whole. */
static void send_message(struct end *end, const char *head, uint64_t body)
{
    size_t head_size = strlen(head);
    char small[HEAD_MAX + SMALL_SIZE];
    size_t with = body <= SMALL_SIZE ? (size_t)body : 0;
    memcpy(small, head, head_size);
    memset(small + head_size, 'x', with);
    if (send(end->fd, small, head_size + with, MSG_NOSIGNAL) < (ssize_t)(head_size + with))
        fail("send"); /* never more than a socket's buffer holds */
    end->to_send = body - with;
    send_body(end);
}

static void ask(struct load *load, struct end *client)
{
    char head[512];
    if (load->is_put)
        snprintf(head, sizeof head,
            "PUT /shop-eu/key HTTP/1.1\r\nHost: %s\r\nContent-Length: %llu\r\n\r\n", load->host,
            (unsigned long long)load->size);
    else
        snprintf(head, sizeof head,
            "GET /shop-eu/key HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n"
            "x-amz-date: 20261123T000000Z\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/s3/"
            "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
            "Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n\r\n",
            load->host);
    client->busy = true;
    load->busy++;
    send_message(client, head, load->is_put ? load->size : 0);
}

static void serve(struct load *load, struct end *server)
{
    uint64_t size = load->is_put ? 0 : load->size;
    char head[512];
    snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\nx-amz-id-2: 0123456789012345678901234567890123456789\r\n"
        "x-amz-request-id: 0123456789ABCDEF\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\n"
        "ETag: \"0123456789abcdef0123456789abcdef\"\r\nContent-Type: binary/octet-stream\r\n"
        "Server: AmazonS3\r\nContent-Length: %llu\r\n\r\n",
        (unsigned long long)size);
    send_message(server, head, size);
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
    if (load->is_measuring && !load->is_over)
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
    close(end->fd);
    end->fd = -1; /* the few that end stay in memory: the batch may name them again */
}

static void read_all(struct load *load, struct end *end)
{
    static char buffer[CHUNK];
    while (end->fd >= 0) {
        ssize_t got = recv(end->fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            ended(load, end);
        else
            take(load, end, buffer, (size_t)got);
        if (got < (ssize_t)sizeof buffer)
            return;
    }
}

static void on_event(struct load *load, struct end *end, uint32_t events)
{
    if (end->role == ROLE_LISTENER) {
        int fd = accept4(end->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            end_new(load, ROLE_SERVER, fd);
        return;
    }
    if (end->fd >= 0 && (events & EPOLLOUT))
        send_body(end);
    if (end->fd >= 0 && (events & ~(uint32_t)EPOLLOUT))
        read_all(load, end);
}

static void wait_until_idle(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    while (load->busy > 0) {
        int count = epoll_wait(load->epoll, events, EVENTS_MAX, PATIENCE_MS);
        if (count == 0) {
            errno = ETIMEDOUT;
            fail("the proxy");
        }
        for (int i = 0; i < count; i++)
            on_event(load, events[i].data.ptr, events[i].events);
    }
}

static void listen_here(struct load *load)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&load->server, sizeof load->server) < 0 || listen(fd, 1024) < 0)
        fail("listen");
    end_new(load, ROLE_LISTENER, fd);
}

static void open_all(struct load *load)
{
    load->clients = calloc((size_t)load->connections, sizeof *load->clients);
    if (!load->clients)
        fail("calloc");
    for (int i = 0; i < load->connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&load->proxy, sizeof load->proxy) < 0)
            fail("connect");
        fcntl(fd, F_SETFL, O_NONBLOCK);
        load->clients[i] = end_new(load, ROLE_CLIENT, fd);
        ask(load, load->clients[i]);
        wait_until_idle(load);
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
    load->is_measuring = true;
    load->began = now();
    for (int i = 0; i < load->connections; i++)
        ask(load, load->clients[i]);
    wait_until_idle(load);
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

int main(int count, char **words)
{
    struct load load = {.connections = 1, .seconds = 1};
    for (int option; (option = getopt(count, words, "n:t:")) != -1;) {
        if (option == 'n')
            load.connections = atoi(optarg);
        else if (option == 't')
            load.seconds = atof(optarg);
        else
            return 2;
    }
    if (count - optind != 3 || load.connections < 1)
        return 2;
    load.is_put = strcmp(words[optind], "put") == 0;
    load.size = strcmp(words[optind], "small") == 0 ? SMALL_SIZE : LARGE_SIZE;
    load.proxy = address_of(words[optind + 1]);
    load.server = address_of(words[optind + 2]);
    load.host = words[optind + 2];
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    listen_here(&load);
    open_all(&load);
    measure(&load);
    return 0;
}
