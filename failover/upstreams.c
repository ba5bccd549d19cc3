#include "failover/upstreams.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct config_upstreams upstreams_copy(const struct config_upstreams *upstreams)
{
    struct config_upstreams copy = {0};
    if (!upstreams || upstreams->count == 0)
        return copy;
    copy.list = memory_new_array(upstreams->count, sizeof *copy.list);
    copy.count = upstreams->count;
    for (size_t i = 0; i < copy.count; i++) {
        copy.list[i].address = upstreams->list[i].address;
        copy.list[i].tls_name = memory_text(upstreams->list[i].tls_name);
    }
    return copy;
}

void upstreams_fini(struct config_upstreams *upstreams)
{
    for (size_t i = 0; i < upstreams->count; i++)
        free(upstreams->list[i].tls_name);
    free(upstreams->list);
    *upstreams = (struct config_upstreams){0};
}

static bool upstream_equal(const struct config_upstream *a, const struct config_upstream *b)
{
    if (!a->tls_name != !b->tls_name)
        return false;
    if (a->tls_name && strcmp(a->tls_name, b->tls_name) != 0)
        return false;
    return address_equal(&a->address, &b->address);
}

bool upstreams_equal(const struct config_upstreams *a, const struct config_upstreams *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!upstream_equal(&a->list[i], &b->list[i]))
            return false;
    }
    return true;
}
