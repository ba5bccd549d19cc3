/* On the good day: connect, one line out, one line in. The socket does not block; every wait is a
 * poll that ends at the deadline. A daemon that goes away, floods or stammers is an error in words,
 * never a hang. */
#include "programs/cli_rpc.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536
#define BACKLOG_PAUSE_MS 10

void rpc_init(struct rpc *rpc)
{
    *rpc = (struct rpc){.socket = -1};
}

void rpc_close(struct rpc *rpc)
{
    if (rpc->socket >= 0)
        close(rpc->socket);
    free(rpc->buffer);
    *rpc = (struct rpc){.socket = -1, .last_id = rpc->last_id};
}

/* On a Unix socket a connection is there at once or not at all, but for a full backlog: EAGAIN. */
static int connect_to(int socket, const struct sockaddr_un *address, uint64_t deadline_ms)
{
    while (connect(socket, (const struct sockaddr *)address, sizeof *address) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (clock_boot_ms() >= deadline_ms)
            return -ETIMEDOUT;
        nanosleep(&(struct timespec){.tv_nsec = BACKLOG_PAUSE_MS * 1000000L}, NULL);
    }
    return 0;
}

int rpc_connect(struct rpc *rpc, const char *path, uint64_t deadline_ms, struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    rpc_close(rpc);
    if (strlen(path) >= sizeof address.sun_path)
        return failure_set(why, -ENAMETOOLONG, "%s: too long for a socket's path", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    rpc->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (rpc->socket < 0)
        return failure_set(why, -errno, "no socket: %s", strerror(errno));
    int status = connect_to(rpc->socket, &address, deadline_ms);
    if (status == 0)
        return 0;
    rpc_close(rpc);
    return failure_set(why, status, "%s: %s", path, strerror(-status));
}

/* Whether something happened before the deadline. */
static int wait_for(const struct rpc *rpc, short events, uint64_t deadline_ms)
{
    struct pollfd poll_fd = {.fd = rpc->socket, .events = events};
    for (;;) {
        uint64_t now_ms = clock_boot_ms();
        uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
        int ready = poll(&poll_fd, 1, left_ms < 3600000 ? (int)left_ms : 3600000);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0 && clock_boot_ms() >= deadline_ms)
            return -ETIMEDOUT;
    }
}

static int write_all(struct rpc *rpc, const char *data, size_t size, uint64_t deadline_ms)
{
    while (size > 0) {
        ssize_t sent = send(rpc->socket, data, size, MSG_NOSIGNAL);
        if (sent >= 0) {
            data += sent;
            size -= (size_t)sent;
            continue;
        }
        int status = errno == EINTR    ? 0
                     : errno == EAGAIN ? wait_for(rpc, POLLOUT, deadline_ms)
                                       : -errno;
        if (status < 0)
            return status;
    }
    return 0;
}

static cJSON *request_new(uint64_t id, const char *method, cJSON *params)
{
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "jsonrpc", "2.0");
    cJSON_AddNumberToObject(request, "id", (double)id);
    cJSON_AddStringToObject(request, "method", method);
    if (params)
        cJSON_AddItemToObject(request, "params", params);
    return request;
}

int rpc_send(
    struct rpc *rpc, const char *method, cJSON *params, uint64_t deadline_ms, struct failure *why)
{
    cJSON *request = request_new(++rpc->last_id, method, params);
    char *line = cJSON_PrintUnformatted(request);
    cJSON_Delete(request);
    size_t size = line ? strlen(line) : 0;
    cJSON *again = NULL;
    int status = line ? json_parse(line, size, &again, NULL, why) : -ENOMEM;
    cJSON_Delete(again);
    if (status < 0) {
        free(line);
        return failure_set(why, -EINVAL, "the arguments are not valid UTF-8");
    }
    line[size] = '\n'; /* in place of the NUL */
    status = write_all(rpc, line, size + 1, deadline_ms);
    free(line);
    if (status < 0)
        return failure_set(why, status, "sending to the daemon: %s", strerror(-status));
    return 0;
}

/* The size of the first whole line in the buffer, with its newline; 0: none yet. */
static size_t line_size(struct rpc *rpc)
{
    if (rpc->used == rpc->scanned)
        return 0;
    const char *end = memchr(rpc->buffer + rpc->scanned, '\n', rpc->used - rpc->scanned);
    if (end)
        return (size_t)(end - rpc->buffer) + 1;
    rpc->scanned = rpc->used;
    return 0;
}

static int read_more(struct rpc *rpc, uint64_t deadline_ms)
{
    if (rpc->used > RPC_LINE_MAX)
        return -EPROTO;
    int status = wait_for(rpc, POLLIN, deadline_ms);
    if (status < 0)
        return status;
    if (rpc->size - rpc->used < READ_SIZE) {
        rpc->size = rpc->used + READ_SIZE;
        rpc->buffer = memory_resize(rpc->buffer, rpc->size, 1);
    }
    ssize_t got = recv(rpc->socket, rpc->buffer + rpc->used, rpc->size - rpc->used, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    rpc->used += (size_t)got;
    return got == 0 ? -ECONNRESET : 0;
}

int rpc_receive(struct rpc *rpc, uint64_t deadline_ms, cJSON **ret_message, struct failure *why)
{
    size_t size;
    while ((size = line_size(rpc)) == 0) {
        int status = read_more(rpc, deadline_ms);
        if (status == -ETIMEDOUT)
            return failure_set(why, status, "the daemon does not answer");
        if (status == -EPROTO)
            return failure_set(why, status, "the daemon sends a line without end");
        if (status < 0)
            return failure_set(why, -ECONNRESET, "the connection to the daemon broke");
    }
    int status = json_parse(rpc->buffer, size, ret_message, NULL, why);
    rpc->used -= size;
    rpc->scanned = 0;
    memmove(rpc->buffer, rpc->buffer + size, rpc->used);
    if (status < 0)
        return failure_prefix(why, -EPROTO, "what the daemon says");
    return 0;
}

void reply_fini(struct reply *reply)
{
    cJSON_Delete(reply->message);
    *reply = (struct reply){0};
}

void reply_fail(struct reply *reply, enum exit_status status, const char *format, ...)
{
    va_list arguments;
    reply_fini(reply);
    reply->status = status;
    va_start(arguments, format);
    vsnprintf(reply->words.text, sizeof reply->words.text, format, arguments);
    va_end(arguments);
}

/* Ours are 1000 + the exit status; of JSON-RPC's own only "invalid params" is about what the user
 * wrote. */
static enum exit_status status_of_error(const cJSON *error)
{
    const cJSON *code = json_member(error, "code");
    if (!cJSON_IsNumber(code))
        return EXIT_STATUS_FAILED;
    if (code->valueint > 1000 && code->valueint <= 1000 + EXIT_STATUS_TIMEOUT)
        return (enum exit_status)(code->valueint - 1000);
    return code->valueint == -32602 ? EXIT_STATUS_USAGE : EXIT_STATUS_FAILED;
}

static void read_reply(cJSON *message, struct reply *ret)
{
    uint64_t status;
    const cJSON *error = json_member(message, "error");
    *ret = (struct reply){.message = message};
    if (error) {
        const char *words = json_text(error, "message");
        const char *force = json_text(json_member(error, "data"), "force");
        ret->status = status_of_error(error);
        failure_set(&ret->words, 0, "%s", words ? words : "the daemon gives no reason");
        snprintf(ret->force, sizeof ret->force, "%s", force ? force : "");
        return;
    }
    ret->result = json_member(message, "result");
    const char *words = json_text(ret->result, "message");
    failure_set(&ret->words, 0, "%s", words ? words : "");
    bool is_outcome = json_member(ret->result, "changed") != NULL;
    if (is_outcome && json_integer(ret->result, "status", &status) && status <= EXIT_STATUS_TIMEOUT)
        ret->status = (enum exit_status)status;
}

int rpc_await(struct rpc *rpc, uint64_t deadline_ms, struct reply *ret, struct failure *why)
{
    for (;;) {
        cJSON *message;
        uint64_t id;
        int status = rpc_receive(rpc, deadline_ms, &message, why);
        if (status < 0)
            return status;
        /* An error without an id is about a line that could not be read, and ours is the last. */
        bool ours = json_integer(message, "id", &id) ? id == rpc->last_id
                                                     : json_member(message, "error") != NULL;
        if (ours && (json_member(message, "result") || json_member(message, "error"))) {
            read_reply(message, ret);
            return 0;
        }
        cJSON_Delete(message);
    }
}
