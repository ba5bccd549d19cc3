/* Both ends of a relay's work: the clients before it and the server behind it, in one loop.
 *
 *     relay_load [-n CONNECTIONS] [-t SECONDS] [-c COUNT] WORK RELAY SERVER     (IPv4:PORT each)
 *
 *     open CONNECTIONS to RELAY, which dials SERVER, where we listen → one round trip on each →
 *     print "ready" → a line on standard input → WORK → print what was done → end of input → exit
 *
 *     bulk      BULK_SIZE asked for again and again on each connection, for SECONDS
 *     pingpong  REQUEST_SIZE out, ANSWER_SIZE back, on each connection for SECONDS
 *     connect   connect, one round trip, close: COUNT times, CONNECTIONS of them at a time
 *     flood     connect and leave, without a word, as fast as it goes, for SECONDS
 *     idle      nothing, until both ends of every connection have seen it end, or for SECONDS
 *
 * A request of REQUEST_SIZE bytes begins with the size of the answer that it wants. Whoever runs
 * this reads the relay's CPU between "ready" and the result: all that was begun is finished then.
 * An end that closes, and should not, is counted as `failed`. */
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

#define REQUEST_SIZE 100
#define ANSWER_SIZE 500
#define BULK_SIZE (16u << 20)
#define WRITE_SIZE (64u << 10)  /* of the server, at a time */
#define DISCARD_SIZE (1u << 20) /* of a client, at a time */
#define EVENTS_MAX 1024
#define TURN_MS 100
#define LOOK_NS 1000000
#define PATIENCE_S 20 /* nothing moves that long: the relay is broken */

enum work { WORK_NONE, WORK_BULK, WORK_PINGPONG, WORK_CONNECT, WORK_FLOOD, WORK_IDLE };
enum role { ROLE_LISTENER, ROLE_INPUT, ROLE_SERVER, ROLE_CLIENT };

struct end {
    enum role role;
    int fd;
    uint64_t size;       /* server: still to send; client: still to come */
    size_t request_size; /* server: of `request`, so far */
    char request[REQUEST_SIZE];
    bool is_waiting_for_room;
    bool has_ended; /* at rest, and the end was seen */
};

struct load {
    enum work work, running; /* WORK_NONE until all is ready */
    struct sockaddr_in relay, server;
    int epoll, connections;
    double seconds;
    uint64_t count;
    struct end listener, input, **opened; /* `opened`: clients; of use while none has closed */
    int clients, servers;                 /* open */
    int busy;                             /* clients that wait for an answer */
    uint64_t started, transactions, bytes, failed;
    double began, last_end;
    bool is_told, is_over;
};

static char zeros[WRITE_SIZE];

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "relay_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void set_events(struct load *load, struct end *end, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = end};
    if (epoll_ctl(load->epoll, how, end->fd, &event) < 0)
        fail("epoll_ctl");
}

static struct end *end_new(struct load *load, enum role role, int fd)
{
    struct end *end = calloc(1, sizeof *end);
    if (!end)
        fail("calloc");
    end->role = role;
    end->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    /* At rest, each end is told of its end once, and stays: closing it is not what is measured. */
    set_events(load, end, EPOLL_CTL_ADD,
        load->work == WORK_IDLE ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLIN);
    return end;
}

static void end_close(struct load *load, struct end *end)
{
    *(end->role == ROLE_CLIENT ? &load->clients : &load->servers) -= 1;
    close(end->fd);
    free(end);
}

static void ask(struct load *load, struct end *client)
{
    char request[REQUEST_SIZE] = {0};
    client->size = load->running == WORK_BULK ? BULK_SIZE : ANSWER_SIZE;
    memcpy(request, &client->size, sizeof client->size);
    load->busy++;
    /* A failure is seen as the end of the connection. */
    (void)!send(client->fd, request, sizeof request, MSG_NOSIGNAL);
}

/* -1: not accepted. */
static int dial(const struct load *load)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    if (connect(fd, (struct sockaddr *)&load->relay, sizeof load->relay) == 0)
        return fd;
    close(fd);
    return -1;
}

static void client_open(struct load *load)
{
    int fd = dial(load);
    if (fd < 0)
        fail("connect to the relay");
    struct end *client = end_new(load, ROLE_CLIENT, fd);
    load->opened[load->clients++] = client;
    load->started++;
    ask(load, client);
}

static bool wants_more(const struct load *load)
{
    if (load->running == WORK_CONNECT)
        return load->started < load->count;
    return (load->running == WORK_BULK || load->running == WORK_PINGPONG) && !load->is_over;
}

/* The answer is complete. */
static void client_done(struct load *load, struct end *client)
{
    load->transactions++;
    load->busy--;
    if (load->work == WORK_CONNECT) {
        end_close(load, client);
        if (wants_more(load))
            client_open(load);
    } else if (wants_more(load)) {
        ask(load, client);
    }
}

static void client_ended(struct load *load, struct end *client)
{
    load->failed++;
    load->busy -= client->size > 0;
    end_close(load, client);
    if (load->work == WORK_CONNECT && wants_more(load))
        client_open(load);
}

static void client_event(struct load *load, struct end *client)
{
    /* MSG_TRUNC: taken off without being copied, so that this side keeps up with the relay. */
    ssize_t size = recv(client->fd, NULL, DISCARD_SIZE, MSG_TRUNC | MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0 || (uint64_t)size > client->size) {
        client_ended(load, client);
        return;
    }
    client->size -= (uint64_t)size;
    load->bytes += (uint64_t)size;
    if (client->size == 0)
        client_done(load, client);
}

static void server_answer(struct load *load, struct end *server)
{
    while (server->size > 0) {
        size_t size = server->size < WRITE_SIZE ? (size_t)server->size : WRITE_SIZE;
        ssize_t sent = send(server->fd, zeros, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            break; /* no room; an error is seen when we read */
        server->size -= (uint64_t)sent;
    }
    if (server->is_waiting_for_room != (server->size > 0)) {
        server->is_waiting_for_room = server->size > 0;
        set_events(load, server, EPOLL_CTL_MOD, server->size > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

static void server_event(struct load *load, struct end *server, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t size = recv(server->fd, server->request + server->request_size,
            REQUEST_SIZE - server->request_size, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN)) {
            end_close(load, server);
            return;
        }
        server->request_size += size > 0 ? (size_t)size : 0;
    }
    if (server->request_size == REQUEST_SIZE) {
        memcpy(&server->size, server->request, sizeof server->size);
        server->request_size = 0;
    }
    if (server->size > 0)
        server_answer(load, server);
}

static void listener_event(struct load *load)
{
    for (int fd; (fd = accept4(load->listener.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        load->servers++;
        end_new(load, ROLE_SERVER, fd);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        fail("accept");
}

static void input_event(struct load *load)
{
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) <= 0)
        exit(0);
    load->is_told = true;
}

static void rest_ended(struct load *load, struct end *end)
{
    if (end->has_ended)
        return;
    end->has_ended = true;
    *(end->role == ROLE_CLIENT ? &load->clients : &load->servers) -= 1;
    load->last_end = now();
}

static void turn(struct load *load, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++) {
        struct end *end = events[i].data.ptr;
        bool is_over = events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        if (load->running == WORK_IDLE && end->role >= ROLE_SERVER && is_over) {
            rest_ended(load, end);
            continue;
        }
        switch (end->role) {
        case ROLE_LISTENER:
            listener_event(load);
            break;
        case ROLE_INPUT:
            input_event(load);
            break;
        case ROLE_SERVER:
            server_event(load, end, events[i].events);
            break;
        case ROLE_CLIENT:
            client_event(load, end);
            break;
        }
    }
}

static void listen_at(struct load *load)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&load->server, sizeof load->server) < 0 || listen(fd, 4096) < 0)
        fail("listen");
    load->listener = (struct end){.role = ROLE_LISTENER, .fd = fd};
    load->input = (struct end){.role = ROLE_INPUT, .fd = STDIN_FILENO};
    set_events(load, &load->listener, EPOLL_CTL_ADD, EPOLLIN);
    set_events(load, &load->input, EPOLL_CTL_ADD, EPOLLIN);
}

/* Not all at once: a listener's queue has an end, and whoever falls off it waits for a second. */
static void get_ready(struct load *load)
{
    double deadline = now() + PATIENCE_S;
    int wanted = load->work == WORK_CONNECT || load->work == WORK_FLOOD ? 0 : load->connections;
    while (load->clients < wanted || load->busy > 0) {
        if (load->clients < wanted && load->busy < 64)
            client_open(load);
        else
            turn(load, TURN_MS);
        if (load->failed > 0 || now() > deadline) {
            fprintf(stderr, "relay_load: %d of %d connections answer, %llu failed\n",
                load->clients - load->busy, load->connections, (unsigned long long)load->failed);
            exit(1);
        }
    }
    printf("ready\n");
    fflush(stdout);
    while (!load->is_told)
        turn(load, TURN_MS);
    load->running = load->work;
    load->transactions = load->bytes = 0;
    load->began = now();
}

static void run_connect(struct load *load)
{
    for (int i = 0; i < load->connections && wants_more(load); i++)
        client_open(load);
    double deadline = now() + PATIENCE_S;
    while ((load->clients > 0 || load->servers > 0) && now() < deadline)
        turn(load, TURN_MS);
    load->failed += (uint64_t)(load->clients + load->servers);
}

/* So many are there at a time; the oldest makes room for the next. Whether the relay can serve
 * them is its own affair. */
static void run_flood(struct load *load)
{
    int *fds = calloc((size_t)load->connections, sizeof *fds);
    if (!fds)
        fail("calloc");
    for (int i = 0; now() - load->began < load->seconds; i = (i + 1) % load->connections) {
        if (fds[i] > 0)
            close(fds[i]);
        fds[i] = dial(load);
        load->transactions++;
        turn(load, 0);
    }
    free(fds);
}

/* Nothing but connections made beforehand, which are at rest now. We look every millisecond and do
 * not wait to be woken: the relay would pay for every one of those calls. */
static void run_idle(struct load *load)
{
    while ((load->clients > 0 || load->servers > 0) && now() - load->began < load->seconds) {
        turn(load, 0);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

static void run_transfer(struct load *load)
{
    for (int i = 0; i < load->connections; i++)
        ask(load, load->opened[i]);
    while (now() - load->began < load->seconds)
        turn(load, TURN_MS);
    load->is_over = true;
    double deadline = now() + PATIENCE_S;
    while (load->busy > 0 && now() < deadline)
        turn(load, TURN_MS);
    load->failed += (uint64_t)load->busy;
}

static void run(struct load *load)
{
    if (load->work == WORK_CONNECT)
        run_connect(load);
    else if (load->work == WORK_FLOOD)
        run_flood(load);
    else if (load->work == WORK_IDLE)
        run_idle(load);
    else
        run_transfer(load);
    printf("transactions=%llu bytes=%llu failed=%llu seconds=%.4f open=%d last_end=%.4f\n",
        (unsigned long long)load->transactions, (unsigned long long)load->bytes,
        (unsigned long long)load->failed, now() - load->began, load->clients + load->servers,
        load->last_end - load->began);
    fflush(stdout);
}

static void usage(void)
{
    fprintf(stderr, "usage: relay_load [-n CONNECTIONS] [-t SECONDS] [-c COUNT]\n"
                    "           bulk|pingpong|connect|flood|idle RELAY:PORT SERVER:PORT\n");
    exit(2);
}

static enum work work_parse(const char *text)
{
    static const char *const names[] = {"", "bulk", "pingpong", "connect", "flood", "idle"};
    for (int work = WORK_BULK; work <= WORK_IDLE; work++) {
        if (strcmp(text, names[work]) == 0)
            return (enum work)work;
    }
    usage();
    return WORK_NONE;
}

static struct sockaddr_in address_parse(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "";
    const char *colon = strchr(text, ':');
    if (colon && (size_t)(colon - text) < sizeof host)
        memcpy(host, text, (size_t)(colon - text));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        usage();
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    return address;
}

static void read_arguments(struct load *load, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "n:t:c:")) != -1;) {
        if (option == 'n')
            load->connections = atoi(optarg);
        else if (option == 't')
            load->seconds = atof(optarg);
        else if (option == 'c')
            load->count = strtoull(optarg, NULL, 10);
        else
            usage();
    }
    if (argc - optind != 3 || load->connections < 1)
        usage();
    load->work = work_parse(argv[optind]);
    load->relay = address_parse(argv[optind + 1]);
    load->server = address_parse(argv[optind + 2]);
}

int main(int argc, char **argv)
{
    static struct load load = {.connections = 64, .seconds = 2, .count = 5000};
    read_arguments(&load, argc, argv);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.opened = calloc((size_t)load.connections, sizeof *load.opened);
    if (load.epoll < 0 || !load.opened)
        fail("epoll_create");
    listen_at(&load);
    get_ready(&load);
    run(&load);
    for (;;)
        turn(&load, TURN_MS); /* until the end of input */
}
