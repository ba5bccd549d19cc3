#include "proxy/gateway/location.h"

#include "base/memory.h"
#include "base/percent.h"
#include "proxy/gateway/spans.h"

#include <stdlib.h>

/* The bucket that the request went to; NULL: it was for none of ours. */
static const char *active_bucket(const struct names *names)
{
    const struct config_endpoint *endpoint = names->route->endpoint;
    return endpoint ? endpoint->buckets[names->region] : NULL;
}

static const char *own_bucket(const struct names *names)
{
    return names->route->endpoint->buckets[names->route->region];
}

/* Bytes of "/BUCKET" at the front of a path, when that is its first segment. */
static size_t bucket_size(struct span path, const char *bucket)
{
    size_t size = strlen(bucket) + 1;
    bool found = spans_begins(path, "/") && spans_begins(spans_after(path, 1), bucket) &&
                 (path.size == size || path.data[size] == '/' || path.data[size] == '?');
    return found ? size : 0;
}

static void put_own(const struct names *names, struct span key_path, struct text *ret)
{
    const struct route *route = names->route;
    text_format(ret, "%s://%s", route->is_tls ? "https" : "http", route->host);
    if (route->style == ROUTE_PATH || route->style == ROUTE_ADDRESS)
        text_format(ret, "/%s", own_bucket(names));
    text_add(ret, key_path.data, key_path.size);
}

bool location_url(const struct names *names, struct span url, struct text *ret)
{
    const char *bucket = active_bucket(names);
    size_t scheme = spans_begins_nocase(url, "http://")    ? 7
                    : spans_begins_nocase(url, "https://") ? 8
                                                           : 0;
    if (!bucket || (scheme == 0 && !spans_begins(url, "/")))
        return false;
    struct span rest = spans_after(url, scheme);
    size_t host = scheme ? spans_until(rest, '/') : 0, size = strlen(bucket);
    struct span path = spans_after(rest, host);
    if (host > size && rest.data[size] == '.' && spans_begins_nocase(rest, bucket)) {
        put_own(names, path, ret);
        return true;
    }
    size = bucket_size(path, bucket);
    if (size > 0 && scheme)
        put_own(names, spans_after(path, size), ret);
    else if (size > 0)
        text_format(ret, "/%s%.*s", own_bucket(names), (int)(path.size - size),
            (const char *)path.data + size);
    return size > 0;
}

static bool is_own_key(const struct names *names, struct span resource)
{
    struct span key = names->route->key_path;
    if (key.size == 0 || spans_equal(key, resource))
        return key.size > 0;
    uint8_t *decoded = memory_new(key.size);
    size_t size;
    bool same = percent_decode_strictly(key, decoded, key.size, &size) &&
                spans_equal(span_of(decoded, size), resource);
    free(decoded);
    return same;
}

bool location_resource(const struct names *names, struct span resource, struct text *ret)
{
    const char *bucket = active_bucket(names);
    size_t size = bucket ? bucket_size(resource, bucket) : 0;
    if (size == 0 || is_own_key(names, resource))
        return false;
    text_format(ret, "/%s", own_bucket(names));
    text_add(ret, resource.data + size, resource.size - size);
    return true;
}

bool location_host(const struct names *names, struct span host, struct text *ret)
{
    if (!names->route->endpoint || spans_equal_nocase(host, span_of_text(names->route->host)))
        return false;
    text_put(ret, names->route->host);
    return true;
}
