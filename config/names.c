/* Every managed name means one endpoint, and no target leads from one endpoint into another.
 *
 * On the good day: all names are sorted, no neighbours are equal, no target is found among them but
 * an endpoint's own. A bucket's own host names are among them; those of a region, which path style
 * takes, belong to all endpoints that do. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/bucket_names.h"

#include <stdlib.h>
#include <string.h>

struct known_name {
    const struct name *name;
    const char *text; /* as the file has it; NULL: derived */
    bool wildcard;
    const struct config_endpoint *endpoint;
    const cJSON *where;
    size_t order; /* in the file */
};

struct known_names {
    struct known_name *list;
    size_t count;
};

static int compare_names(const struct name *a, bool a_wild, const struct name *b, bool b_wild)
{
    if (a_wild != b_wild)
        return a_wild ? 1 : -1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->wire, b->wire, a->size);
}

static int compare_known(const void *a, const void *b)
{
    const struct known_name *left = a, *right = b;
    int order = compare_names(left->name, left->wildcard, right->name, right->wildcard);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static const struct known_name *find(
    const struct known_names *known, const struct name *name, bool wildcard)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct known_name *at = &known->list[middle];
        int order = compare_names(name, wildcard, at->name, at->wildcard);
        if (order == 0)
            return &known->list[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* As the resolver will: the exact name first, then the longest wildcard. */
static const struct known_name *find_managing(
    const struct known_names *known, const struct name *name)
{
    const struct known_name *found = find(known, name, false);
    struct name rest = *name;
    while (!found && rest.wire[0]) {
        size_t label = (size_t)rest.wire[0] + 1;
        rest.size = (uint8_t)(rest.size - label);
        memmove(rest.wire, rest.wire + label, rest.size);
        found = find(known, &rest, true);
    }
    return found;
}

static void add(struct known_names *known, const struct known_name *name)
{
    known->list[known->count] = *name;
    known->list[known->count].order = known->count;
    known->count++;
}

static void collect(
    struct known_names *known, const struct config_endpoint *endpoint, const cJSON *names)
{
    const cJSON *where = names ? names->child : NULL;
    for (size_t i = 0; i < endpoint->name_count; i++, where = where->next) {
        const struct config_name *name = &endpoint->names[i];
        if (name->name.size > 0)
            add(known, &(struct known_name){.name = &name->name,
                           .text = name->text,
                           .wildcard = name->wildcard,
                           .endpoint = endpoint,
                           .where = where});
    }
}

/* What a derived name stands on: the bucket in the file, or the wish for path style. */
static void collect_hosts(struct known_names *known, const struct config *config,
    const struct config_endpoint *endpoint, const cJSON *object)
{
    for (size_t i = 0; i < endpoint->host_count; i++) {
        const struct config_host *host = &endpoint->hosts[i];
        bool path_style = host->region == CONFIG_NONE;
        add(known, &(struct known_name){.name = &host->name,
                       .endpoint = endpoint,
                       .where = path_style ? json_member(object, "path_style")
                                           : json_member(json_member(object, "buckets"),
                                                 config->regions[host->region])});
    }
}

/* Two derived names are equal for two reasons: path style, which is meant, and a bucket of two
 * endpoints, which is noted already. An endpoint may spell out what would be derived. */
static bool may_be_equal(const struct known_name *a, const struct known_name *b)
{
    return (!a->text && !b->text) || (a->endpoint == b->endpoint && (!a->text || !b->text));
}

static void check_repeated(struct check *check, const struct known_names *known)
{
    for (size_t i = 1; i < known->count; i++) {
        const struct known_name *a = &known->list[i - 1], *b = &known->list[i];
        char text[NAME_TEXT_SIZE];
        if (compare_names(a->name, a->wildcard, b->name, b->wildcard) || may_be_equal(a, b))
            continue;
        name_to_text(b->name->wire, b->name->size, text);
        if (a->endpoint == b->endpoint)
            check_wrong(check, b->where, "\"%.300s\" is given twice", b->text);
        else
            check_wrong(check, b->where, "\"%.300s\" is a name of endpoint \"%s\" already",
                b->text ? b->text : text, a->endpoint->id);
    }
}

static void check_targets(struct check *check, const struct known_names *known,
    const struct config_endpoint *endpoint, const cJSON *targets)
{
    for (size_t i = 0; endpoint->targets && i < check->config->region_count; i++) {
        const struct config_target *target = &endpoint->targets[i];
        if (!target->text || target->is_address)
            continue;
        const struct known_name *other = find_managing(known, &target->name);
        if (other && other->endpoint != endpoint)
            check_wrong(check, json_member(targets, check->config->regions[i]),
                "\"%.300s\" is a name of endpoint \"%s\"%s", target->text, other->endpoint->id,
                other->wildcard ? " (a wildcard)" : "");
    }
}

static size_t count_names(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->endpoint_count; i++)
        count += config->endpoints[i].name_count + config->endpoints[i].host_count;
    return count;
}

void check_names(struct check *check)
{
    struct config *config = check->config;
    const cJSON *endpoints = json_member(check->root, "endpoints");
    const cJSON *first = endpoints ? endpoints->child : NULL, *where = first;
    bucket_names_derive(config);
    struct known_names known = {memory_new_array(count_names(config), sizeof *known.list), 0};
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next) {
        collect(&known, &config->endpoints[i], json_member(where, "names"));
        collect_hosts(&known, config, &config->endpoints[i], where);
    }
    if (known.count)
        qsort(known.list, known.count, sizeof *known.list, compare_known);
    check_repeated(check, &known);
    where = first;
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next)
        check_targets(check, &known, &config->endpoints[i], json_member(where, "targets"));
    free(known.list);
}
