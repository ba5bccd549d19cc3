/* A request's first lines: method, Host and target, one a line. What is found must point into the
 * target and the configuration, and nothing foreign may come out as mapped. */
#include "proxy/gateway/route.h"
#include "proxy/gateway/spans.h"
#include "tests/fuzz/bucket_config.h"

static struct span take_line(struct span *rest)
{
    struct span line = span_of(rest->data, spans_until(*rest, '\n'));
    *rest = spans_after(*rest, line.size < rest->size ? line.size + 1 : line.size);
    return line;
}

static bool is_within(struct span part, struct span whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static bool is_root(const struct route *route)
{
    return spans_is(route->path, "/") && spans_begins(route->key_path, "/");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = bucket_config();
    struct span rest = span_of(data, size);
    struct route_inputs inputs = {.config = config};
    struct route route;
    struct s3_error error = {S3_ERROR_CODES, NULL};
    inputs.method = take_line(&rest);
    inputs.host = take_line(&rest);
    inputs.sni = take_line(&rest);
    inputs.target = rest;
    if (route_find(&inputs, &route, &error) < 0) {
        if (s3_error_status(error.code) < 400)
            abort();
        return 0;
    }
    if (strlen(route.host) >= sizeof route.host || route.region >= config->region_count)
        abort();
    if (!is_within(route.query, rest) || (!is_root(&route) && !is_within(route.key_path, rest)))
        abort();
    if (!route.endpoint && route.style != ROUTE_PATH && route.style != ROUTE_ADDRESS)
        abort();
    if (route.endpoint && route.endpoint != &config->endpoints[route.endpoint_index])
        abort();
    return 0;
}
