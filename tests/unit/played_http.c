#include "tests/unit/played_http.h"

#include "base/memory.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_whole(const struct text *request)
{
    const char *end = request->data ? strstr(request->data, "\r\n\r\n") : NULL;
    const char *length = end ? strcasestr(request->data, "content-length:") : NULL;
    size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    return end && request->size >= (size_t)(end - request->data) + 4 + body;
}

static bool is_stopping(struct played_http *server)
{
    pthread_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return stopping;
}

static bool wait_readable(struct played_http *server, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (!is_stopping(server)) {
        if (poll(&poll_fd, 1, 20) > 0)
            return true;
    }
    return false;
}

static void read_request(struct played_http *server, int fd, struct text *request)
{
    char buffer[4096];
    while (!is_whole(request) && wait_readable(server, fd)) {
        ssize_t size = read(fd, buffer, sizeof buffer);
        if (size <= 0)
            return;
        text_add(request, buffer, (size_t)size);
    }
}

static void write_answer(struct played_http *server, int fd, const struct played_answer *answer)
{
    struct text reply = {0};
    if (!answer->status)
        return;
    if (strcmp(answer->status, "silent") == 0) {
        wait_readable(server, fd); /* until the client gives up, or the test ends */
        return;
    }
    const char *body = answer->body ? answer->body : "";
    text_format(&reply, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s\r\n%s", answer->status,
        strlen(body), answer->keeps ? "" : "Connection: close\r\n",
        answer->headers ? answer->headers : "", body);
    for (size_t at = 0; at < reply.size;) {
        ssize_t size = send(fd, reply.data + at, reply.size - at, MSG_NOSIGNAL);
        if (size <= 0)
            break;
        at += (size_t)size;
    }
    text_fini(&reply);
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

/* Where the next request comes: `kept`, or a new one, and then the old one is closed; -1: the test
 * ends. */
static int next_connection(struct played_http *server, int kept)
{
    struct pollfd either[] = {
        {.fd = server->listener, .events = POLLIN}, {.fd = kept, .events = POLLIN}};
    if (kept >= 0) {
        while (!is_stopping(server) && poll(either, 2, 20) <= 0)
            continue;
        if (is_readable(kept))
            return kept;
        close(kept);
    }
    return wait_readable(server, server->listener) ? accept(server->listener, NULL, NULL) : -1;
}

static void *play(void *context)
{
    struct played_http *server = context;
    int fd = -1;
    for (size_t i = 0; i < server->answer_count; i++) {
        struct text request = {0};
        fd = next_connection(server, fd);
        if (fd < 0)
            break;
        read_request(server, fd, &request);
        pthread_mutex_lock(&server->lock);
        server->asked[i] = request;
        server->asked_count = i + 1;
        pthread_mutex_unlock(&server->lock);
        write_answer(server, fd, &server->answers[i]);
        if (!server->answers[i].keeps) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

struct played_http *played_http_new(const struct played_answer *answers, size_t count)
{
    struct played_http *server = memory_new(sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_true(count <= PLAYED_ANSWERS_MOST);
    memcpy(server->answers, answers, count * sizeof *answers);
    server->answer_count = count;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    pthread_mutex_init(&server->lock, NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, play, server), 0);
    return server;
}

void played_http_free(struct played_http *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (size_t i = 0; i < PLAYED_ANSWERS_MOST; i++)
        text_fini(&server->asked[i]);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

size_t played_http_count(struct played_http *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->asked_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const char *played_http_asked(struct played_http *server, size_t index)
{
    assert_true(index < played_http_count(server));
    return server->asked[index].data ? server->asked[index].data : "";
}
