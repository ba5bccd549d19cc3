/* A closed loop of DNS questions: so many sockets, so many questions outstanding on each.
 *
 *     fill every socket's window (one send) → wait for answers → recvmmsg → ask as many again
 *
 * An answer that does not come within LOST_MS is counted as lost and its place is taken by a new
 * question, so that a server that drops packets is still kept at work. Prints one line,
 * `answered=N lost=N wrong=N seconds=S cpu=S`: with cpu well below seconds, and the server's core
 * full, it is the server that was measured. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX 64
#define WINDOW_MAX 64
#define QUERY_MAX 300
#define MESSAGE_MAX 2048
#define LOST_MS 200

struct flow {
    int fd;
    int outstanding;
    uint16_t next_id;
    double heard; /* when the last answer came */
};

struct load {
    const char *address, *port, *name;
    int sockets, window;
    double seconds;
    bool expect_answer; /* a DNS answer with records, rather than an echo */
    unsigned char query[QUERY_MAX];
    size_t query_size;
    struct flow flows[SOCKETS_MAX];
    struct pollfd polls[SOCKETS_MAX];
    uint64_t answered, lost, wrong;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Header, the name, type A, class IN; RD set, no EDNS: what a stub resolver sends. */
static void make_query(struct load *load)
{
    unsigned char *out = load->query;
    memcpy(out, "\0\0\1\0\0\1\0\0\0\0\0\0", 12);
    out += 12;
    for (const char *label = load->name; *label;) {
        size_t size = strcspn(label, ".");
        if (size == 0 || size > 63 || (size_t)(out - load->query) + size > QUERY_MAX - 30) {
            fprintf(stderr, "load: %s is no name\n", load->name);
            exit(2);
        }
        *out++ = (unsigned char)size;
        memcpy(out, label, size);
        out += size;
        label += size + (label[size] == '.');
    }
    memcpy(out, "\0\0\1\0\1", 5);
    load->query_size = (size_t)(out + 5 - load->query);
}

static void open_flows(struct load *load)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(load->port))};
    if (inet_pton(AF_INET, load->address, &there.sin_addr) != 1) {
        fprintf(stderr, "load: %s is no IPv4 address\n", load->address);
        exit(2);
    }
    for (int i = 0; i < load->sockets; i++) {
        struct flow *flow = &load->flows[i];
        flow->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (flow->fd < 0 || connect(flow->fd, (struct sockaddr *)&there, sizeof there) < 0)
            fail("connect");
        int size = (int)load->query_size;
        if (setsockopt(flow->fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) < 0)
            fail("UDP_SEGMENT");
        load->polls[i] = (struct pollfd){.fd = flow->fd, .events = POLLIN};
    }
}

/* One system call and one pass through the stack for a whole window: the kernel cuts it into
 * datagrams (UDP_SEGMENT) where they arrive, so that asking costs less than answering. */
static void ask(struct load *load, struct flow *flow)
{
    static unsigned char bytes[WINDOW_MAX * QUERY_MAX];
    int count = load->window - flow->outstanding;
    unsigned char *out = bytes;
    for (int i = 0; i < count; i++, out += load->query_size) {
        memcpy(out, load->query, load->query_size);
        out[0] = (unsigned char)(flow->next_id >> 8);
        out[1] = (unsigned char)flow->next_id++;
    }
    if (count > 0 && send(flow->fd, bytes, (size_t)(out - bytes), 0) > 0)
        flow->outstanding += count;
}

static bool is_good(const struct load *load, const unsigned char *bytes, size_t size)
{
    if (size < load->query_size)
        return false;
    if (!load->expect_answer)
        return true;
    bool is_reply = bytes[2] & 0x80, no_error = (bytes[3] & 0x0f) == 0;
    bool has_records = bytes[6] || bytes[7];
    return is_reply && no_error && has_records;
}

static void hear(struct load *load, struct flow *flow, double time)
{
    static unsigned char bytes[WINDOW_MAX][MESSAGE_MAX];
    struct mmsghdr headers[WINDOW_MAX] = {0};
    struct iovec vectors[WINDOW_MAX];
    for (int i = 0; i < WINDOW_MAX; i++) {
        vectors[i] = (struct iovec){bytes[i], MESSAGE_MAX};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(flow->fd, headers, WINDOW_MAX, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        if (is_good(load, bytes[i], headers[i].msg_len))
            load->answered++;
        else
            load->wrong++;
    }
    if (count > 0) {
        flow->heard = time;
        flow->outstanding = flow->outstanding > count ? flow->outstanding - count : 0;
    } else if (flow->outstanding && time - flow->heard > LOST_MS / 1e3) {
        load->lost += (uint64_t)flow->outstanding;
        flow->outstanding = 0;
        flow->heard = time;
    }
}

static double run(struct load *load)
{
    double start = now(), time = start;
    for (int i = 0; i < load->sockets; i++)
        load->flows[i].heard = start;
    while (time - start < load->seconds) {
        for (int i = 0; i < load->sockets; i++)
            ask(load, &load->flows[i]);
        if (poll(load->polls, (nfds_t)load->sockets, LOST_MS) < 0 && errno != EINTR)
            fail("poll");
        time = now();
        for (int i = 0; i < load->sockets; i++)
            hear(load, &load->flows[i], time);
    }
    return time - start;
}

static double own_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void usage(void)
{
    fprintf(stderr,
        "usage: load [-s SOCKETS] [-w WINDOW] [-t SECONDS] [-n NAME] [-a] ADDRESS PORT\n"
        "  -a  only DNS answers with records count as answered\n");
    exit(2);
}

static void read_arguments(struct load *load, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "s:w:t:n:a")) != -1;) {
        switch (option) {
        case 's':
            load->sockets = atoi(optarg);
            break;
        case 'w':
            load->window = atoi(optarg);
            break;
        case 't':
            load->seconds = atof(optarg);
            break;
        case 'n':
            load->name = optarg;
            break;
        case 'a':
            load->expect_answer = true;
            break;
        default:
            usage();
        }
    }
    if (argc - optind != 2 || load->sockets < 1 || load->sockets > SOCKETS_MAX ||
        load->window < 1 || load->window > WINDOW_MAX)
        usage();
    load->address = argv[optind];
    load->port = argv[optind + 1];
}

int main(int argc, char **argv)
{
    static struct load load = {.name = "www.example.net", .sockets = 4, .window = 60, .seconds = 3};
    read_arguments(&load, argc, argv);
    make_query(&load);
    open_flows(&load);
    double seconds = run(&load);
    printf("answered=%llu lost=%llu wrong=%llu seconds=%.3f cpu=%.3f\n",
        (unsigned long long)load.answered, (unsigned long long)load.lost,
        (unsigned long long)load.wrong, seconds, own_cpu());
    return 0;
}
