/* On the good day: libcurl says which sockets and which timer it waits for, the loop watches them,
 * and calls that are over are handed to whoever made them. */
#include "base/http_client_parts.h"

#include "base/memory.h"

#include <stdlib.h>

#define CONNECTIONS_KEPT 16L

/* A socket of libcurl's that the loop watches. */
struct watch {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
};

static void finish_if_closed(struct http_client *client)
{
    if (!client->freeing || client->open > 0)
        return;
    loop_call *freed = client->freed;
    void *context = client->freed_context;
    free(client->ca_file);
    free(client);
    curl()->global_cleanup();
    if (freed)
        freed(context);
}

static void remove_call(struct http_client_call *call)
{
    struct http_client *client = call->client;
    curl()->multi_remove_handle(client->multi, call->easy);
    if (call->previous)
        call->previous->next = call->next;
    else
        client->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
}

static void end_calls(struct http_client *client)
{
    int left = 0;
    for (CURLMsg *message; (message = curl()->multi_info_read(client->multi, &left));) {
        struct http_client_call *call = NULL;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl()->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        remove_call(call);
        http_client_call_end(call, result);
        http_client_call_free(call);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct http_client *client = watch->client;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0, running = 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    curl()->multi_socket_action(client->multi, watch->fd, flags, &running);
    end_calls(client);
}

static void on_time(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    int running = 0;
    curl()->multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    end_calls(client);
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *client = context;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_time, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct http_client *client = watch->client;
    free(watch);
    client->open--;
    finish_if_closed(client);
}

static struct watch *watch_new(struct http_client *client, curl_socket_t fd)
{
    struct watch *watch = memory_new(sizeof *watch);
    watch->client = client;
    watch->fd = fd;
    if (uv_poll_init_socket(&client->loop->uv, &watch->poll, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    client->open++;
    return watch;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct http_client *client = context;
    struct watch *watch = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        return 0;
    }
    if (!watch)
        watch = watch_new(client, fd);
    if (!watch)
        return -1;
    curl()->multi_assign(client->multi, fd, watch);
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_ready) < 0 ? -1 : 0;
}

struct http_client *http_client_new(struct loop *loop, const char *ca_file)
{
    if (!curl_library_load() || curl()->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct http_client *client = memory_new(sizeof *client);
    client->loop = loop;
    client->multi = curl()->multi_init();
    if (!client->multi) {
        free(client);
        curl()->global_cleanup();
        return NULL;
    }
    client->ca_file = memory_text(ca_file ? ca_file : getenv("SSL_CERT_FILE"));
    uv_timer_init(&loop->uv, &client->timer);
    client->timer.data = client;
    client->open = 1;
    curl()->multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl()->multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl()->multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl()->multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl()->multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return client;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_client *client = handle->data;
    client->open--;
    finish_if_closed(client);
}

void http_client_free(struct http_client *client, loop_call *freed, void *context)
{
    if (!client) {
        if (freed)
            freed(context);
        return;
    }
    client->freed = freed;
    client->freed_context = context;
    while (client->calls)
        http_client_cancel(client->calls);
    curl()->multi_cleanup(client->multi);
    client->freeing = true;
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

struct http_client_call *http_client_start(struct http_client *client,
    const struct http_client_request *request, http_client_done *done, void *context)
{
    struct http_client_call *call = http_client_call_new(client, request, done, context);
    call->next = client->calls;
    if (call->next)
        call->next->previous = call;
    client->calls = call;
    curl()->multi_add_handle(client->multi, call->easy);
    return call;
}

void http_client_cancel(struct http_client_call *call)
{
    if (!call)
        return;
    remove_call(call);
    http_client_call_free(call);
}
