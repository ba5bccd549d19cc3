/* How long answers take when questions come at a steady pace.
 *
 *     pace [-r PER_SECOND] [-t SECONDS] QUESTION ADDRESS PORT      (QUESTION: a DNS message in hex)
 *
 *     ask on schedule → until the next is due, take answers → print percentiles
 *
 * Nobody waits for an answer before asking again, and time counts from when a question was due: a
 * server that stalls shows as long as it stalled, not as one slow answer. What has not come
 * LATE_S after the last question is `lost`. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUESTIONS_MAX 65536 /* the ids of DNS */
#define MESSAGE_MAX 512
#define LATE_S 1

struct pace {
    int fd;
    unsigned char question[MESSAGE_MAX];
    size_t size, total, asked, heard;
    double interval_s, began;
    double times[QUESTIONS_MAX];
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double due(const struct pace *pace, size_t index)
{
    return pace->began + (double)index * pace->interval_s;
}

static void ask(struct pace *pace)
{
    pace->question[0] = (unsigned char)(pace->asked >> 8);
    pace->question[1] = (unsigned char)pace->asked;
    if (send(pace->fd, pace->question, pace->size, 0) < 0 && errno != EAGAIN)
        fail("send");
    pace->asked++;
}

static void hear(struct pace *pace)
{
    unsigned char answer[MESSAGE_MAX];
    while (recv(pace->fd, answer, sizeof answer, MSG_DONTWAIT) > 12) {
        size_t index = (size_t)answer[0] << 8 | answer[1];
        if (index >= pace->asked)
            fail("an answer that nobody asked for");
        pace->times[pace->heard++] = now() - due(pace, index);
        if (pace->heard == pace->total)
            return;
    }
}

static void run(struct pace *pace)
{
    struct pollfd poll_fd = {.fd = pace->fd, .events = POLLIN};
    pace->began = now();
    double end = due(pace, pace->total) + LATE_S;
    while (pace->heard < pace->total && now() < end) {
        while (pace->asked < pace->total && due(pace, pace->asked) <= now())
            ask(pace);
        double wait = (pace->asked < pace->total ? due(pace, pace->asked) : end) - now();
        struct timespec timeout = {0, 0};
        if (wait > 0)
            timeout = (struct timespec){(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
        if (ppoll(&poll_fd, 1, &timeout, NULL) > 0)
            hear(pace);
    }
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void report(struct pace *pace)
{
    qsort(pace->times, pace->heard, sizeof *pace->times, compare);
    size_t last = pace->heard ? pace->heard - 1 : 0;
    printf("heard=%zu lost=%zu p50=%.1f p99=%.1f max=%.1f\n", pace->heard,
        pace->total - pace->heard, pace->times[last / 2] * 1e6, pace->times[last * 99 / 100] * 1e6,
        pace->times[last] * 1e6);
}

static void usage(void)
{
    fprintf(stderr, "usage: pace [-r PER_SECOND] [-t SECONDS] QUESTION ADDRESS PORT\n");
    exit(2);
}

static size_t parse_hex(const char *text, unsigned char *ret)
{
    size_t size = 0;
    for (unsigned byte; size < MESSAGE_MAX && sscanf(text + 2 * size, "%2x", &byte) == 1; size++)
        ret[size] = (unsigned char)byte;
    return size;
}

static void open_socket(struct pace *pace, const char *address, const char *port)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &there.sin_addr) != 1)
        usage();
    pace->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (pace->fd < 0 || connect(pace->fd, (struct sockaddr *)&there, sizeof there) < 0)
        fail("connect");
}

int main(int argc, char **argv)
{
    static struct pace pace;
    double rate = 1000, seconds = 2;
    for (int option; (option = getopt(argc, argv, "r:t:")) != -1;) {
        if (option == 'r')
            rate = atof(optarg);
        else if (option == 't')
            seconds = atof(optarg);
        else
            usage();
    }
    if (argc - optind != 3 || rate <= 0 || rate * seconds < 1 || rate * seconds > QUESTIONS_MAX)
        usage();
    pace.size = parse_hex(argv[optind], pace.question);
    pace.total = (size_t)(rate * seconds);
    pace.interval_s = 1 / rate;
    open_socket(&pace, argv[optind + 1], argv[optind + 2]);
    run(&pace);
    report(&pace);
    return 0;
}
