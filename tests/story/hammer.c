/* Asks one name without a pause from many sockets and watches for an answer of the wrong side.
 *
 *     hammer ADDRESS PORT NAME SOCKETS     commands on standard input, one reply line each:
 *       expect IPV4   from now on every question must be answered with this address; replies "ok"
 *                     once each socket has had STRICT answers to questions that it asked since
 *       moving        a switch is about to be asked for: either side is right; replies "ok"
 *       end           replies "answers=N old=N lost=N" and ends
 *
 * A question counts as strict when it was sent after `expect` was read, and its answer came before
 * `moving` was. "old" counts the strict ones that were answered with another address. A socket has
 * one question outstanding and asks again after LOST_MS; its port decides which of the daemon's
 * threads answers it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX 64
#define STRICT 4
#define LOST_MS 1000

struct asker {
    int fd;
    uint16_t id;
    unsigned age;      /* of the expectation under which the outstanding question was sent */
    unsigned strict;   /* answers since the last `expect` */
    uint64_t asked_ms; /* 0: nothing outstanding */
};

struct hammer {
    struct asker askers[SOCKETS_MAX];
    struct pollfd polls[SOCKETS_MAX + 1];
    int count;
    unsigned char query[300];
    size_t query_size;
    unsigned char expected[4];
    bool is_strict, owes_ok;
    unsigned age;
    unsigned long answers, old, lost;
};

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void make_query(struct hammer *hammer, const char *name)
{
    unsigned char *out = hammer->query;
    memcpy(out, "\0\0\1\0\0\1\0\0\0\0\0\0", 12);
    out += 12;
    while (*name) {
        size_t size = strcspn(name, ".");
        if (size > 63 || (size_t)(out - hammer->query) + size > 270)
            exit(2);
        *out++ = (unsigned char)size;
        memcpy(out, name, size);
        out += size;
        name += size + (name[size] == '.');
    }
    memcpy(out, "\0\0\1\0\1", 5);
    hammer->query_size = (size_t)(out + 5 - hammer->query);
}

static void open_askers(struct hammer *hammer, const char *address, const char *port)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &there.sin_addr) != 1)
        exit(2);
    for (int i = 0; i < hammer->count; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&there, sizeof there) < 0) {
            perror("hammer: connect");
            exit(1);
        }
        hammer->askers[i].fd = fd;
        hammer->polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    hammer->polls[hammer->count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
}

static void ask(struct hammer *hammer, struct asker *asker, uint64_t time)
{
    asker->id++;
    hammer->query[0] = (unsigned char)(asker->id >> 8);
    hammer->query[1] = (unsigned char)asker->id;
    asker->age = hammer->age;
    asker->asked_ms = time;
    if (send(asker->fd, hammer->query, hammer->query_size, 0) < 0)
        asker->asked_ms = time - LOST_MS; /* refused while nobody listened: again, soon */
}

/* The address is the last four bytes of an answer that has nothing behind its answer section. */
static void judge(
    struct hammer *hammer, struct asker *asker, const unsigned char *bytes, ssize_t size)
{
    if (size < 16 || (bytes[0] << 8 | bytes[1]) != asker->id)
        return;
    asker->asked_ms = 0;
    hammer->answers++;
    if (!hammer->is_strict || asker->age != hammer->age)
        return;
    asker->strict++;
    bool has_address = (bytes[3] & 15) == 0 && bytes[7] > 0;
    if (!has_address || memcmp(bytes + size - 4, hammer->expected, 4) != 0)
        hammer->old++;
}

static void hear(struct hammer *hammer, struct asker *asker, uint64_t time)
{
    unsigned char bytes[2048];
    ssize_t size;
    while ((size = recv(asker->fd, bytes, sizeof bytes, 0)) >= 0)
        judge(hammer, asker, bytes, size);
    if (asker->asked_ms && time - asker->asked_ms >= LOST_MS) {
        hammer->lost++;
        asker->asked_ms = 0;
    }
    if (!asker->asked_ms)
        ask(hammer, asker, time);
}

static bool all_had_enough(const struct hammer *hammer)
{
    for (int i = 0; i < hammer->count; i++) {
        if (hammer->askers[i].strict < STRICT)
            return false;
    }
    return true;
}

static void expect(struct hammer *hammer, const char *address)
{
    if (inet_pton(AF_INET, address, hammer->expected) != 1)
        exit(2);
    hammer->age++;
    hammer->is_strict = hammer->owes_ok = true;
    for (int i = 0; i < hammer->count; i++)
        hammer->askers[i].strict = 0;
}

/* One line; the other side sends the next only after our reply. False: the end. */
static bool obey(struct hammer *hammer)
{
    char line[100];
    ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
    if (size <= 0)
        return false;
    line[size] = 0;
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "expect ", 7) == 0) {
        expect(hammer, line + 7);
    } else if (strcmp(line, "moving") == 0) {
        hammer->is_strict = false;
        say("ok");
    } else {
        printf("answers=%lu old=%lu lost=%lu\n", hammer->answers, hammer->old, hammer->lost);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct hammer hammer;
    if (argc != 5 || (hammer.count = atoi(argv[4])) < 1 || hammer.count > SOCKETS_MAX) {
        fprintf(stderr, "usage: hammer ADDRESS PORT NAME SOCKETS\n");
        return 2;
    }
    make_query(&hammer, argv[3]);
    open_askers(&hammer, argv[1], argv[2]);
    for (;;) {
        uint64_t time = now_ms();
        for (int i = 0; i < hammer.count; i++)
            hear(&hammer, &hammer.askers[i], time);
        if (hammer.owes_ok && all_had_enough(&hammer)) {
            hammer.owes_ok = false;
            say("ok");
        }
        if (poll(hammer.polls, (nfds_t)hammer.count + 1, LOST_MS / 10) < 0 && errno != EINTR)
            return 1;
        if (hammer.polls[hammer.count].revents && !obey(&hammer))
            return 0;
    }
}
