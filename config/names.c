/* Every managed name means one endpoint, and no target leads from one endpoint into another.
 *
 * On the good day: all names are sorted, no neighbours are equal, no target is found among them but
 * an endpoint's own. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct known_name {
    const struct config_name *name;
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
    int order = compare_names(
        &left->name->name, left->name->wildcard, &right->name->name, right->name->wildcard);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static const struct known_name *find(
    const struct known_names *known, const struct name *name, bool wildcard)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct config_name *at = known->list[middle].name;
        int order = compare_names(name, wildcard, &at->name, at->wildcard);
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

static void collect(
    struct known_names *known, const struct config_endpoint *endpoint, const cJSON *names)
{
    known->list =
        memory_resize(known->list, known->count + endpoint->name_count, sizeof *known->list);
    const cJSON *where = names ? names->child : NULL;
    for (size_t i = 0; i < endpoint->name_count; i++, where = where->next) {
        if (endpoint->names[i].name.size == 0)
            continue;
        known->list[known->count] = (struct known_name){.name = &endpoint->names[i],
            .endpoint = endpoint,
            .where = where,
            .order = known->count};
        known->count++;
    }
}

static void check_repeated(struct check *check, const struct known_names *known)
{
    for (size_t i = 1; i < known->count; i++) {
        const struct known_name *a = &known->list[i - 1], *b = &known->list[i];
        if (compare_names(&a->name->name, a->name->wildcard, &b->name->name, b->name->wildcard))
            continue;
        if (a->endpoint == b->endpoint)
            check_wrong(check, b->where, "\"%.300s\" is given twice", b->name->text);
        else
            check_wrong(check, b->where, "\"%.300s\" is a name of endpoint \"%s\" already",
                b->name->text, a->endpoint->id);
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
                other->name->wildcard ? " (a wildcard)" : "");
    }
}

void check_names(struct check *check)
{
    const struct config *config = check->config;
    const cJSON *endpoints = json_member(check->root, "endpoints");
    struct known_names known = {0};
    const cJSON *where = endpoints ? endpoints->child : NULL;
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next)
        collect(&known, &config->endpoints[i], json_member(where, "names"));
    if (known.count)
        qsort(known.list, known.count, sizeof *known.list, compare_known);
    check_repeated(check, &known);
    where = endpoints ? endpoints->child : NULL;
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next)
        check_targets(check, &known, &config->endpoints[i], json_member(where, "targets"));
    free(known.list);
}
