/* The cheapest UDP server there is: whatever comes in goes back out.
 *
 *     poll → recvmmsg (up to 64) → sendmmsg, again without poll while batches come full
 *
 * It is the measure of the kernel's own share of an answer: `run` divides pilotlightd's CPU per
 * answer by this one's, on the same core, in the same minute. It says "ready" once it is bound. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define MESSAGE_MAX 2048

struct batch {
    struct mmsghdr headers[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in peers[BATCH];
    unsigned char bytes[BATCH][MESSAGE_MAX];
};

static int open_socket(const char *address, const char *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &here.sin_addr) != 1) {
        fprintf(stderr, "echo: %s is no IPv4 address\n", address);
        exit(2);
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0) {
        perror("echo: bind");
        exit(1);
    }
    return fd;
}

static void prepare(struct batch *batch)
{
    for (int i = 0; i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes[i], MESSAGE_MAX};
        batch->headers[i].msg_hdr = (struct msghdr){.msg_name = &batch->peers[i],
            .msg_namelen = sizeof batch->peers[i],
            .msg_iov = &batch->vectors[i],
            .msg_iovlen = 1};
    }
}

static void send_back(int fd, struct batch *batch, int count)
{
    for (int i = 0; i < count; i++)
        batch->vectors[i].iov_len = batch->headers[i].msg_len;
    for (int sent = 0; sent < count;) {
        int status = sendmmsg(fd, batch->headers + sent, (unsigned)(count - sent), 0);
        sent += status > 0 ? status : 1; /* one that cannot be sent is lost, as on a wire */
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: echo ADDRESS PORT\n");
        return 2;
    }
    int fd = open_socket(argv[1], argv[2]);
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return 1;
    printf("ready\n");
    fflush(stdout);
    for (int count = 0;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (count < BATCH && poll(&wait, 1, -1) < 0 && errno != EINTR)
            return 1;
        prepare(batch);
        count = recvmmsg(fd, batch->headers, BATCH, MSG_DONTWAIT, NULL);
        if (count > 0)
            send_back(fd, batch, count);
    }
}
