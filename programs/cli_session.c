/* On the good day: connect, ask, answer.
 *
 * What can go wrong with a change: nobody listens, or the line could not be written whole — then
 * nothing was sent. The connection breaks after that — then the daemon may have acted, and is asked
 * by request id, again and again while it restarts. It answers with the outcome or with "nothing
 * was changed"; if it does not come back in time we say so and leave the id with the user. */
#include "programs/cli_session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define REPLY_LEAST_MS 2000
#define PAUSE_FIRST_MS 10
#define PAUSE_MOST_MS 500

void session_init(struct session *session, const struct options *options, const char *socket)
{
    *session = (struct session){.options = options,
        .socket = socket,
        .deadline_ms = RPC_FOREVER,
        .patience_ms = SESSION_PATIENCE_MS};
    if (options->has_timeout)
        session->deadline_ms = clock_boot_ms() + options->timeout_ms;
    rpc_init(&session->rpc);
}

void session_fini(struct session *session)
{
    rpc_close(&session->rpc);
}

static int check_readable(const char *file, struct failure *why)
{
    char *text = NULL;
    size_t size;
    int status = file_read(file, CONFIG_SIZE_MAX, &text, &size);
    free(text);
    return status < 0 ? failure_set(why, status, "%s: %s", file, strerror(-status)) : 0;
}

int session_choose_socket(
    const struct options *options, const char *environment, char **ret_path, struct failure *why)
{
    const char *file = options->config ? options->config : CONFIG_DEFAULT_PATH;
    *ret_path = NULL;
    int status = options->config ? check_readable(file, why) : 0;
    if (status < 0)
        return status;
    if (options->socket)
        *ret_path = memory_text(options->socket);
    else if (environment && *environment)
        *ret_path = memory_text(environment);
    else
        *ret_path = config_read_socket(file);
    if (!*ret_path)
        *ret_path = memory_text(CONFIG_DEFAULT_SOCKET);
    return 0;
}

/* Until when to wait for a reply that is due at once: --timeout, but never so short that a daemon
 * that is well is called silent. */
static uint64_t reply_deadline(const struct session *session)
{
    uint64_t now_ms = clock_boot_ms();
    if (session->deadline_ms == RPC_FOREVER)
        return now_ms + session->patience_ms;
    return session->deadline_ms > now_ms + REPLY_LEAST_MS ? session->deadline_ms
                                                          : now_ms + REPLY_LEAST_MS;
}

/* One attempt; its failure is told to the user. */
static int connect_first(struct session *session, struct reply *ret)
{
    struct failure why;
    int status = rpc_connect(&session->rpc, session->socket, reply_deadline(session), &why);
    if (status < 0)
        reply_fail(ret, EXIT_STATUS_NO_DAEMON,
            "no daemon answers at %s; nothing was sent. Is pilotlightd running on this host "
            "(\"systemctl status pilotlightd\"), and is this its control.socket?",
            why.text);
    return status;
}

void session_pause(unsigned *pause_ms)
{
    *pause_ms = *pause_ms == 0                  ? PAUSE_FIRST_MS
                : *pause_ms * 2 < PAUSE_MOST_MS ? *pause_ms * 2
                                                : PAUSE_MOST_MS;
    struct timespec pause = {.tv_nsec = *pause_ms * 1000000L};
    nanosleep(&pause, NULL);
}

/* Connects and writes the whole line, or says why nothing was sent. */
static int send_first(struct session *session, const char *method, cJSON *params, struct reply *ret)
{
    struct failure why;
    int status = connect_first(session, ret);
    if (status < 0) {
        cJSON_Delete(params);
        return status;
    }
    status = rpc_send(&session->rpc, method, params, reply_deadline(session), &why);
    if (status == -EINVAL)
        reply_fail(ret, EXIT_STATUS_USAGE, "%s", why.text);
    else if (status < 0)
        reply_fail(ret, EXIT_STATUS_NO_DAEMON, "%s; nothing was sent", why.text);
    return status;
}

void session_ask(struct session *session, const char *method, cJSON *params, struct reply *ret)
{
    struct failure why;
    *ret = (struct reply){0};
    if (send_first(session, method, params, ret) < 0)
        return;
    int status = rpc_await(&session->rpc, reply_deadline(session), ret, &why);
    if (status == -ETIMEDOUT && session->options->has_timeout)
        reply_fail(ret, EXIT_STATUS_TIMEOUT, "%s within --timeout", why.text);
    else if (status < 0)
        reply_fail(ret, EXIT_STATUS_NO_DAEMON, "%s", why.text);
}

static void new_request(char ret[SESSION_REQUEST_SIZE])
{
    unsigned char bytes[(SESSION_REQUEST_SIZE - 1) / 2];
    while (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        ; /* only a signal before the kernel's pool is ready can cut it short */
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static void fail_unknown(struct reply *ret, const char *what, const char *request)
{
    reply_fail(ret, EXIT_STATUS_TIMEOUT,
        "%s: what became of the change is not known yet. Ask again with \"pilotlight wait "
        "--request %s\"",
        what, request);
}

static int ask_what_became(
    struct session *session, const char *request, uint64_t deadline_ms, struct reply *ret)
{
    struct failure why;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "request", request);
    int status = rpc_connect(&session->rpc, session->socket, deadline_ms, &why);
    if (status < 0) {
        cJSON_Delete(params);
        return status;
    }
    status = rpc_send(&session->rpc, "request", params, deadline_ms, &why);
    return status < 0 ? status : rpc_await(&session->rpc, deadline_ms, ret, &why);
}

static void find_out(struct session *session, const char *request, struct reply *ret)
{
    uint64_t deadline_ms = reply_deadline(session);
    unsigned pause_ms = 0;
    while (ask_what_became(session, request, deadline_ms, ret) < 0) {
        if (clock_boot_ms() >= deadline_ms) {
            fail_unknown(ret, "the connection broke and the daemon did not come back", request);
            return;
        }
        session_pause(&pause_ms);
    }
    if (ret->status != EXIT_STATUS_DONE)
        failure_prefix(&ret->words, 0, "the connection broke; asked again");
}

void session_change(struct session *session, const char *method, cJSON *params,
    char ret_request[SESSION_REQUEST_SIZE], struct reply *ret)
{
    struct failure why;
    *ret = (struct reply){0};
    new_request(ret_request);
    cJSON_AddStringToObject(params, "request", ret_request);
    if (send_first(session, method, params, ret) < 0)
        return;
    int status = rpc_await(&session->rpc, reply_deadline(session), ret, &why);
    if (status == -ETIMEDOUT)
        fail_unknown(ret, why.text, ret_request);
    else if (status < 0)
        find_out(session, ret_request, ret);
}
