/* One table of elements, by their whole paths: a `Bucket` or `Name` elsewhere is something else. */
#include "proxy/gateway/xml_map.h"

#include "base/memory.h"
#include "proxy/gateway/location.h"
#include "proxy/gateway/regional_id.h"
#include "proxy/gateway/spans.h"
#include "proxy/gateway/xml_filter.h"

#include <stdlib.h>

enum what {
    PASS,
    BUCKET,
    BUCKET_ARN,
    COPY_ARN, /* of another copy of the same data */
    CONSTRAINT,
    HOST,
    ID, /* of an upload, or where a list goes on */
    LIST_ARN,
    LIST_NAME,
    LIST_REGION,
    REGION,
    RESOURCE,
    URL
};

#define TO_S3 (1u << NAMES_TO_S3)
#define TO_APP (1u << NAMES_TO_APP)
#define BOTH (TO_S3 | TO_APP)

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
static const struct rule {
    const char *path;
    unsigned what, directions;
} rules[] = {
    {"Error/Bucket", BUCKET, TO_APP},
    {"Error/BucketName", BUCKET, TO_APP},
    {"Error/Endpoint", HOST, TO_APP},
    {"Error/Region", REGION, TO_APP},
    {"Error/Resource", RESOURCE, TO_APP},
    {"ListBucketResult/Name", BUCKET, TO_APP},
    {"ListBucketResult/ContinuationToken", ID, TO_APP},
    {"ListBucketResult/NextContinuationToken", ID, TO_APP},
    {"ListVersionsResult/Name", BUCKET, TO_APP},
    {"ListMultipartUploadsResult/Bucket", BUCKET, TO_APP},
    {"ListMultipartUploadsResult/UploadIdMarker", ID, TO_APP},
    {"ListMultipartUploadsResult/NextUploadIdMarker", ID, TO_APP},
    {"ListMultipartUploadsResult/Upload/UploadId", ID, TO_APP},
    {"ListPartsResult/Bucket", BUCKET, TO_APP},
    {"ListPartsResult/UploadId", ID, TO_APP},
    {"InitiateMultipartUploadResult/Bucket", BUCKET, TO_APP},
    {"InitiateMultipartUploadResult/UploadId", ID, TO_APP},
    {"CompleteMultipartUploadResult/Bucket", BUCKET, TO_APP},
    {"CompleteMultipartUploadResult/Location", URL, TO_APP},
    {"PostResponse/Bucket", BUCKET, TO_APP},
    {"PostResponse/Location", URL, TO_APP},
    {"ListAllMyBucketsResult/Buckets/Bucket", XML_FILTER_ENTRY, TO_APP},
    {"ListAllMyBucketsResult/Buckets/Bucket/Name", LIST_NAME, TO_APP},
    {"ListAllMyBucketsResult/Buckets/Bucket/BucketArn", LIST_ARN, TO_APP},
    {"ListAllMyBucketsResult/Buckets/Bucket/BucketRegion", LIST_REGION, TO_APP},
    {"LocationConstraint", CONSTRAINT, TO_APP},
    {"CreateBucketConfiguration/LocationConstraint", CONSTRAINT, TO_S3},
    {"BucketLoggingStatus/LoggingEnabled/TargetBucket", BUCKET, BOTH},
    {"ReplicationConfiguration/Rule/Destination/Bucket", COPY_ARN, BOTH},
    {"InventoryConfiguration/Destination/S3BucketDestination/Bucket", BUCKET_ARN, BOTH},
    {"ListInventoryConfigurationsResult/InventoryConfiguration/Destination/S3BucketDestination/"
     "Bucket",
        BUCKET_ARN, TO_APP},
    {"AnalyticsConfiguration/StorageClassAnalysis/DataExport/Destination/S3BucketDestination/"
     "Bucket",
        BUCKET_ARN, BOTH},
    {"ListBucketAnalyticsConfigurationResult/AnalyticsConfiguration/StorageClassAnalysis/"
     "DataExport/Destination/S3BucketDestination/Bucket",
        BUCKET_ARN, TO_APP},
    {"RestoreRequest/OutputLocation/S3/BucketName", BUCKET, TO_S3},
};

#define RULES (sizeof rules / sizeof *rules)

struct xml_map {
    struct xml_filter *filter;
    const struct names *names;
    enum names_direction direction;
    size_t first, end;           /* the rules of this root */
    bool *listed;                /* endpoints that a list of buckets has shown */
    bool is_mapped, is_repeated; /* the current entry of a list of buckets */
};

static bool is_of_root(const struct rule *rule, const char *root)
{
    size_t size = strlen(root);
    return strncmp(rule->path, root, size) == 0 && (!rule->path[size] || rule->path[size] == '/');
}

static void find_root(struct xml_map *map, const char *root)
{
    for (map->first = 0; map->first < RULES && !is_of_root(&rules[map->first], root);)
        map->first++;
    for (map->end = map->first; map->end < RULES && is_of_root(&rules[map->end], root);)
        map->end++;
}

static unsigned choose(void *context, const char *path, unsigned depth)
{
    struct xml_map *map = context;
    if (depth == 1)
        find_root(map, path);
    for (size_t i = map->first; i < map->end; i++) {
        if (!(rules[i].directions & 1u << map->direction) || strcmp(rules[i].path, path) != 0)
            continue;
        if (rules[i].what == XML_FILTER_ENTRY)
            map->is_mapped = map->is_repeated = false;
        return rules[i].what;
    }
    return PASS;
}

/* Every region's bucket is shown under the application's name, and once. */
static bool replace_list_name(struct xml_map *map, struct span name, struct text *ret)
{
    const struct config_bucket *found = bucket_names_find(map->names->config, name);
    if (!found)
        return false;
    map->is_mapped = true;
    map->is_repeated = map->listed[found->endpoint];
    map->listed[found->endpoint] = true;
    text_put(
        ret, map->names->config->endpoints[found->endpoint].buckets[map->names->route->region]);
    return true;
}

/* S3 gives the name first. */
static bool replace_list_region(struct xml_map *map, struct text *ret)
{
    if (map->is_mapped)
        text_put(ret, map->names->config->regions[map->names->route->region]);
    return map->is_mapped;
}

static bool replace_id(const struct names *names, struct span id, struct text *ret)
{
    if (id.size == 0 || !names->route->endpoint || names->region == names->route->region)
        return false;
    regional_id_mark(names->config, names->region, ret);
    text_add(ret, id.data, id.size);
    return true;
}

static bool replace(void *context, unsigned what, struct span text, struct text *ret)
{
    struct xml_map *map = context;
    const struct names *names = map->names;
    switch ((enum what)what) {
    case BUCKET:
        return names_bucket(names, map->direction, text, ret);
    case BUCKET_ARN:
    case LIST_ARN:
        return names_arn(names, map->direction, names_bucket, text, ret);
    case COPY_ARN:
        return names_arn(names, map->direction, names_swap, text, ret);
    case CONSTRAINT:
        return names_location_constraint(names, map->direction, text, ret);
    case HOST:
        return location_host(names, text, ret);
    case ID:
        return replace_id(names, text, ret);
    case LIST_NAME:
        return replace_list_name(map, text, ret);
    case LIST_REGION:
        return replace_list_region(map, ret);
    case REGION:
        return names_region(names, text, ret);
    case RESOURCE:
        return location_resource(names, text, ret);
    case URL:
        return location_url(names, text, ret);
    case PASS:
        break;
    }
    return false;
}

static bool keep(void *context)
{
    const struct xml_map *map = context;
    return !map->is_repeated;
}

struct xml_map *xml_map_new(const struct names *names, enum names_direction direction)
{
    static const struct xml_filter_events events = {choose, replace, keep};
    struct xml_map *map = memory_new(sizeof *map);
    map->names = names;
    map->direction = direction;
    map->listed = memory_new_array(names->config->endpoint_count, sizeof *map->listed);
    map->filter = xml_filter_new(&events, map, direction == NAMES_TO_S3);
    return map;
}

void xml_map_free(struct xml_map *map)
{
    if (!map)
        return;
    xml_filter_free(map->filter);
    free(map->listed);
    free(map);
}

int xml_map_push(struct xml_map *map, struct span in, struct text *out)
{
    return xml_filter_push(map->filter, in, out);
}

int xml_map_finish(struct xml_map *map, struct text *out)
{
    return xml_filter_finish(map->filter, out);
}
