/* On the good day a client asks for a bucket under one of AWS's names. */
#include "proxy/gateway/managed.h"

#include "base/memory.h"
#include "config/bucket_names.h"

#include <stdlib.h>
#include <string.h>

static bool takes_path_style(const struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (config->endpoints[i].type == CONFIG_BUCKET && config->endpoints[i].path_style)
            return true;
    }
    return false;
}

static bool is_of(const struct config_name *of, const struct name *name)
{
    if (!of->wildcard)
        return name_equal(&of->name, name);
    return !name_equal(&of->name, name) && name_within(name->wire, name->size, &of->name);
}

static bool is_custom(const struct config *config, const char *host)
{
    struct name name;
    if (!name_from_text(host, &name))
        return false;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        for (size_t n = 0; endpoint->type == CONFIG_BUCKET && n < endpoint->name_count; n++) {
            if (is_of(&endpoint->names[n], &name))
                return true;
        }
    }
    return false;
}

bool managed_host(const struct config *config, const char *host)
{
    struct bucket_host s3;
    if (!bucket_host_parse(config, span_of_text(host), &s3))
        return is_custom(config, host);
    return s3.bucket.size > 0 ? bucket_names_find(config, s3.bucket) != NULL
                              : takes_path_style(config);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add(char **list, size_t *count, const struct name *name)
{
    char text[NAME_TEXT_SIZE];
    name_to_text(name->wire, name->size, text);
    if (ca_is_host(text))
        list[(*count)++] = memory_text(text);
}

static void add_names_of(const struct config_endpoint *endpoint, char **list, size_t *count)
{
    for (size_t n = 0; n < endpoint->name_count; n++)
        add(list, count, &endpoint->names[n].name);
    for (size_t n = 0; n < endpoint->host_count; n++)
        add(list, count, &endpoint->hosts[n].name);
}

static size_t drop_repeated(char **list, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && strcmp(list[kept - 1], list[i]) == 0)
            free(list[i]);
        else
            list[kept++] = list[i];
    }
    return kept;
}

struct ca_names managed_names_new(const struct config *config)
{
    size_t room = 0, count = 0;
    for (size_t i = 0; i < config->endpoint_count; i++)
        room += config->endpoints[i].name_count + config->endpoints[i].host_count;
    char **list = memory_new_array(room, sizeof *list);
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (config->endpoints[i].type == CONFIG_BUCKET)
            add_names_of(&config->endpoints[i], list, &count);
    }
    return (struct ca_names){
        .list = (const char *const *)list, .count = drop_repeated(list, count)};
}

void managed_names_free(struct ca_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free((char *)names->list[i]);
    free((char **)names->list);
    *names = (struct ca_names){0};
}
