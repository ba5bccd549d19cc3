/* On the good day: Prometheus asks /metrics, each wing writes its own lines; an orchestrator asks
 * /healthz; a person opens the page.
 *
 * /healthz is 200 as long as every group's answers are known. It says nothing about regions: a host
 * is well when it knows what to answer. */
#include "failover/monitoring.h"

#include "base/http_server.h"
#include "base/memory.h"
#include "base/text.h"
#include "failover/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WRITERS_MAX 16
#define BACKLOG 64

struct monitoring {
    const struct status_source *source;
    struct http_server *server;
    struct {
        metric_writer *write;
        void *context;
    } writers[WRITERS_MAX];
    size_t writer_count;
    loop_call *freed;
    void *freed_context;
};

static int set_up(int fd, const struct address *address)
{
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, &address->any, address_size(address)) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

int monitoring_bind(const struct address *address, struct failure *why)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status = fd < 0 ? -errno : set_up(fd, address);
    if (status == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    char text[ADDRESS_TEXT_SIZE];
    address_print(address, text);
    return failure_set(
        why, status, "monitoring.listen: cannot listen on %s: %s", text, uv_strerror(status));
}

static void answer_metrics(const struct monitoring *monitoring, struct http_reply *reply)
{
    struct metric_text *out = metric_text_new();
    for (size_t i = 0; i < monitoring->writer_count; i++)
        monitoring->writers[i].write(monitoring->writers[i].context, out);
    const char *text = metric_text_get(out, &reply->size);
    reply->body = memory_text_of(text, reply->size);
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metric_text_free(out);
}

static void answer_health(const struct monitoring *monitoring, struct http_reply *reply)
{
    struct keeper *keeper = monitoring->source->keeper;
    const struct config *config = keeper_config(keeper);
    const struct world *world = keeper_world(keeper);
    struct text words = {0};
    for (size_t i = 0; i < config->group_count; i++) {
        const char *why = status_undecided(keeper_state(keeper), world, config->groups[i].id);
        if (why)
            text_format(&words, "group %s is undecided: %s\n", config->groups[i].id, why);
    }
    if (words.size > 0)
        reply->status = 503;
    else
        text_put(&words, "ok\n");
    reply->body = words.data;
    reply->size = words.size;
}

static void answer_page(const struct monitoring *monitoring, struct http_reply *reply)
{
    cJSON *status = status_to_json(monitoring->source);
    reply->body = page_render(status, &reply->size);
    reply->content_type = "text/html; charset=utf-8";
    cJSON_Delete(status);
}

static void answer(void *context, const char *path, struct http_reply *reply)
{
    const struct monitoring *monitoring = context;
    if (strcmp(path, "/metrics") == 0) {
        answer_metrics(monitoring, reply);
    } else if (strcmp(path, "/healthz") == 0) {
        answer_health(monitoring, reply);
    } else if (strcmp(path, "/") == 0) {
        answer_page(monitoring, reply);
    } else {
        reply->status = 404;
        reply->body = memory_text("there is /metrics, /healthz and /\n");
        reply->size = strlen(reply->body);
    }
}

struct monitoring *monitoring_new(struct loop *main_loop, const struct status_source *source)
{
    struct monitoring *monitoring = memory_new(sizeof *monitoring);
    monitoring->source = source;
    struct http_server_options options = {.handler = answer, .context = monitoring};
    monitoring->server = http_server_new(main_loop, &options);
    return monitoring;
}

int monitoring_listen(struct monitoring *monitoring, int fd)
{
    return http_server_listen(monitoring->server, fd);
}

void monitoring_add(struct monitoring *monitoring, metric_writer *writer, void *context)
{
    if (monitoring->writer_count == WRITERS_MAX)
        abort(); /* our own mistake: there are as many as there are wings */
    monitoring->writers[monitoring->writer_count].write = writer;
    monitoring->writers[monitoring->writer_count++].context = context;
}

static void on_server_freed(void *context)
{
    struct monitoring *monitoring = context;
    if (monitoring->freed)
        monitoring->freed(monitoring->freed_context);
    free(monitoring);
}

void monitoring_free(struct monitoring *monitoring, loop_call *freed, void *context)
{
    monitoring->freed = freed;
    monitoring->freed_context = context;
    http_server_free(monitoring->server, on_server_freed, monitoring);
}
