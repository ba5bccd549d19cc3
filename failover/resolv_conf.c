/* Reads the file again every two seconds and compares lists, not times: that sees a file that was
 * written, renamed over, or is a symbolic link to another one now, and it is three small system
 * calls.
 *
 * What can go wrong: the file is gone or empty for a moment while somebody writes it. A missing
 * file changes nothing, an empty one only when it is still empty the next time. */
#include "failover/resolv_conf.h"

#include "base/file.h"
#include "base/memory.h"
#include "failover/upstreams.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53
#define BLANK " \t\r"

/* "fe80::1%eth0": a link-local server belongs to an interface. */
static bool parse_server(char *text, struct address *ret)
{
    char *scope = strchr(text, '%');
    if (scope)
        *scope++ = '\0';
    if (!address_parse_ip(text, ret) || (scope && ret->any.sa_family != AF_INET6))
        return false;
    if (scope)
        ret->v6.sin6_scope_id = if_nametoindex(scope);
    address_set_port(ret, DNS_PORT);
    return !scope || ret->v6.sin6_scope_id != 0;
}

/* As glibc reads it: the keyword at the very start of the line, a blank, the address, anything. */
static bool parse_line(struct span line, struct address *ret)
{
    static const char keyword[] = "nameserver";
    char copy[256];
    if (line.size >= sizeof copy || memchr(line.data, '\0', line.size))
        return false;
    memcpy(copy, line.data, line.size);
    copy[line.size] = '\0';

    size_t word = sizeof keyword - 1;
    if (strncmp(copy, keyword, word) != 0 || strspn(copy + word, BLANK) == 0)
        return false;
    char *value = copy + word + strspn(copy + word, BLANK);
    value[strcspn(value, BLANK)] = '\0';
    return parse_server(value, ret);
}

size_t resolv_conf_parse(struct span text, struct address ret[RESOLV_CONF_SERVERS_MAX])
{
    size_t count = 0;
    while (text.size > 0 && count < RESOLV_CONF_SERVERS_MAX) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        if (parse_line(span_of(text.data, size), &ret[count]))
            count++;
        size_t taken = end ? size + 1 : size;
        text = span_of(text.data + taken, text.size - taken);
    }
    return count;
}

struct resolv_conf {
    struct resolv_conf_options options; /* its path is our copy */
    struct config_upstreams upstreams;
    bool seen_empty; /* the last time; believed the second time */
    bool unreadable; /* said so already */
    uv_timer_t timer;
};

static void log_unreadable(struct resolv_conf *file, int status)
{
    if (status < 0 && !file->unreadable)
        log_warning(
            "resolv_conf_unreadable", LOG_TEXT("file", file->options.path), LOG_ERROR(status));
    file->unreadable = status < 0;
}

/* The list that the file has now, for the caller to free; false when it cannot be read. */
static bool read_list(struct resolv_conf *file, struct config_upstreams *ret)
{
    char *text;
    size_t size;
    int status = file_read(file->options.path, RESOLV_CONF_SIZE_MAX, &text, &size);
    log_unreadable(file, status);
    if (status < 0)
        return false;

    struct address servers[RESOLV_CONF_SERVERS_MAX];
    size_t count = resolv_conf_parse(span_of(text, size), servers);
    free(text);
    *ret = (struct config_upstreams){.list = memory_new_array(count, sizeof *ret->list)};
    for (size_t i = 0; i < count; i++) {
        if (!file->options.is_ours(file->options.context, &servers[i]))
            ret->list[ret->count++].address = servers[i];
    }
    return true;
}

static void on_interval(uv_timer_t *timer)
{
    struct resolv_conf *file = timer->data;
    struct config_upstreams now;
    if (!read_list(file, &now))
        return;
    bool believed = now.count > 0 || file->seen_empty;
    file->seen_empty = now.count == 0;
    if (!believed || upstreams_equal(&now, &file->upstreams)) {
        upstreams_fini(&now);
        return;
    }
    upstreams_fini(&file->upstreams);
    file->upstreams = now;
    file->options.changed(file->options.context, &file->upstreams);
}

struct resolv_conf *resolv_conf_new(const struct resolv_conf_options *options)
{
    struct resolv_conf *file = memory_new(sizeof *file);
    file->options = *options;
    file->options.path = memory_text(options->path);
    uint64_t interval = options->interval_ms ? options->interval_ms : RESOLV_CONF_INTERVAL_MS;
    read_list(file, &file->upstreams);
    file->timer.data = file;
    uv_timer_init(&options->main_loop->uv, &file->timer);
    uv_timer_start(&file->timer, on_interval, interval, interval);
    return file;
}

const struct config_upstreams *resolv_conf_upstreams(const struct resolv_conf *file)
{
    return &file->upstreams;
}

static void on_closed(uv_handle_t *handle)
{
    struct resolv_conf *file = handle->data;
    upstreams_fini(&file->upstreams);
    free((char *)file->options.path);
    free(file);
}

void resolv_conf_free(struct resolv_conf *file)
{
    if (file)
        uv_close((uv_handle_t *)&file->timer, on_closed);
}
