/* A document, after a byte that says which way it goes and how large its pieces are. However it is
 * cut, the same comes out; where nothing has moved, what comes out is what went in. */
#include "proxy/gateway/spans.h"
#include "proxy/gateway/xml_map.h"
#include "tests/fuzz/bucket_config.h"

#define HOST "shop-eu.s3.eu-west-1.amazonaws.com"

struct result {
    int status;
    struct text text;
};

static struct result run(
    const struct names *names, enum names_direction direction, struct span in, size_t piece)
{
    struct result result = {0};
    struct xml_map *map = xml_map_new(names, direction);
    while (in.size > 0 && result.status == 0) {
        struct span part = span_of(in.data, in.size < piece ? in.size : piece);
        in = spans_after(in, part.size);
        result.status = xml_map_push(map, part, &result.text);
    }
    if (result.status == 0)
        result.status = xml_map_finish(map, &result.text);
    xml_map_free(map);
    return result;
}

static struct span text_of(const struct result *result)
{
    return span_of(result->text.data, result->text.size);
}

static bool holds(struct span document, const char *text)
{
    return memmem(document.data, document.size, text, strlen(text));
}

/* Although no bucket has moved: names of the other region's, lists of buckets, the host. */
static bool may_change(struct span document)
{
    return holds(document, "shop") || holds(document, "ListAllMyBuckets") ||
           holds(document, "Endpoint");
}

static void check(size_t region, enum names_direction direction, struct span document, size_t piece)
{
    struct config *config = bucket_config();
    struct view_endpoint endpoints[2] = {{.region = region}, {.region = region}};
    struct route_inputs inputs = {.config = config,
        .method = span_of_text("GET"),
        .host = span_of_text(HOST),
        .target = span_of_text("/a%20b")};
    struct route route;
    struct names names;
    if (route_find(&inputs, &route, NULL) < 0)
        abort();
    names_init(&names, config, &route, region, endpoints);
    struct result whole = run(&names, direction, document, document.size + 1);
    struct result cut = run(&names, direction, document, piece);
    if ((whole.status == 0) != (cut.status == 0))
        abort();
    if (whole.status == 0 && !spans_equal(text_of(&whole), text_of(&cut)))
        abort();
    if (whole.status == 0 && region == 0 && direction == NAMES_TO_APP && !may_change(document) &&
        !spans_equal(text_of(&whole), document))
        abort();
    text_fini(&whole.text);
    text_fini(&cut.text);
    names_fini(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span document = spans_after(span_of(data, size), 1);
    enum names_direction direction = data[0] & 1 ? NAMES_TO_APP : NAMES_TO_S3;
    check(data[0] >> 1 & 1, direction, document, (data[0] >> 2) + 1u);
    return 0;
}
