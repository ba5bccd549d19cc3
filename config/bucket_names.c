/* On the good day a host's end says form and region, and what stands before it is the bucket. A
 * region whose name makes no host name (an S3-compatible store's "my region") has no such hosts. */
#include "config/bucket_names.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define SUFFIX ".amazonaws.com"
#define SUFFIX_CHINA ".amazonaws.com.cn"

/* What stands between the bucket and the region. */
static const char *const forms[] = {
    [BUCKET_HOST_REGIONAL] = "s3.",
    [BUCKET_HOST_DASH] = "s3-",
    [BUCKET_HOST_DUALSTACK] = "s3.dualstack.",
    [BUCKET_HOST_GLOBAL] = "s3",
};

static const char *suffix_of(const struct config *config, size_t region)
{
    return strncmp(config->regions[region], "cn-", 3) == 0 ? SUFFIX_CHINA : SUFFIX;
}

/* Cuts `end` off; false when `text` does not end so. */
static bool cut(struct span *text, const char *end)
{
    size_t size = strlen(end);
    if (text->size < size || memcmp(text->data + text->size - size, end, size) != 0)
        return false;
    text->size -= size;
    return true;
}

/* What is left in front of form and region: nothing, or "BUCKET.". */
static bool cut_dot(struct span *rest)
{
    return rest->size == 0 || (rest->size > 1 && cut(rest, "."));
}

static bool parse_in_region(
    const struct config *config, struct span host, size_t region, struct bucket_host *ret)
{
    if (!cut(&host, suffix_of(config, region)) || !cut(&host, config->regions[region]))
        return false;
    /* The longest first: "s3.dualstack." does not end in "s3.", but nothing shall depend on it. */
    for (int form = BUCKET_HOST_DUALSTACK; form >= BUCKET_HOST_REGIONAL; form--) {
        struct span rest = host;
        if (!cut(&rest, forms[form]) || !cut_dot(&rest))
            continue;
        *ret = (struct bucket_host){(enum bucket_host_form)form, region, rest};
        return true;
    }
    return false;
}

static bool has_suffix(const struct config *config, const char *suffix)
{
    for (size_t i = 0; i < config->region_count; i++) {
        if (strcmp(suffix_of(config, i), suffix) == 0)
            return true;
    }
    return false;
}

static bool parse_global(
    const struct config *config, struct span host, const char *suffix, struct bucket_host *ret)
{
    bool is_global = has_suffix(config, suffix) && cut(&host, suffix) && cut(&host, "s3");
    if (!is_global || host.size == 0 || !cut_dot(&host))
        return false;
    *ret = (struct bucket_host){BUCKET_HOST_GLOBAL, CONFIG_NONE, host};
    return true;
}

bool bucket_host_parse(const struct config *config, struct span host, struct bucket_host *ret)
{
    for (size_t i = 0; i < config->region_count; i++) {
        if (parse_in_region(config, host, i, ret))
            return true;
    }
    return parse_global(config, host, SUFFIX, ret) || parse_global(config, host, SUFFIX_CHINA, ret);
}

void bucket_host_print(const struct config *config, enum bucket_host_form form, size_t region,
    struct span bucket, char ret[BUCKET_HOST_SIZE])
{
    snprintf(ret, BUCKET_HOST_SIZE, "%.*s%s%s%s%s", (int)bucket.size, (const char *)bucket.data,
        bucket.size ? "." : "", forms[form],
        form == BUCKET_HOST_GLOBAL ? "" : config->regions[region], suffix_of(config, region));
}

static void add_host(const struct config *config, struct config_endpoint *endpoint,
    enum bucket_host_form form, size_t region, size_t of)
{
    char text[BUCKET_HOST_SIZE];
    struct config_host *host = &endpoint->hosts[endpoint->host_count];
    const char *bucket = of == CONFIG_NONE ? "" : endpoint->buckets[of];
    bucket_host_print(config, form, region, span_of_text(bucket), text);
    host->region = of;
    if (name_from_text(text, &host->name))
        endpoint->host_count++;
}

/* All regional forms, in every region, of one bucket or of none. */
static void add_regional(const struct config *config, struct config_endpoint *endpoint, size_t of)
{
    for (size_t region = 0; region < config->region_count; region++) {
        for (int form = BUCKET_HOST_REGIONAL; form <= BUCKET_HOST_DUALSTACK; form++)
            add_host(config, endpoint, (enum bucket_host_form)form, region, of);
    }
}

/* Two regions may share a bucket's name in stores that are not AWS's. */
static bool is_repeated(const struct config_endpoint *endpoint, size_t region)
{
    for (size_t i = 0; i < region; i++) {
        if (endpoint->buckets[i] && strcmp(endpoint->buckets[i], endpoint->buckets[region]) == 0)
            return true;
    }
    return false;
}

static void derive(const struct config *config, struct config_endpoint *endpoint)
{
    size_t regions = config->region_count, forms_in_all = 3 * regions + 1;
    endpoint->hosts = memory_new_array((regions + 1) * forms_in_all, sizeof *endpoint->hosts);
    for (size_t i = 0; i < regions; i++) {
        if (!endpoint->buckets[i] || is_repeated(endpoint, i))
            continue;
        add_regional(config, endpoint, i);
        add_host(config, endpoint, BUCKET_HOST_GLOBAL, i, i);
    }
    if (endpoint->path_style)
        add_regional(config, endpoint, CONFIG_NONE);
}

static int compare_spans(struct span a, struct span b)
{
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return a.size ? memcmp(a.data, b.data, a.size) : 0;
}

static int compare_buckets(const void *a, const void *b)
{
    const struct config_bucket *left = a, *right = b;
    int order = compare_spans(span_of_text(left->name), span_of_text(right->name));
    return order ? order : (left->region > right->region) - (left->region < right->region);
}

static void collect(struct config *config, size_t index)
{
    const struct config_endpoint *endpoint = &config->endpoints[index];
    config->buckets = memory_resize(
        config->buckets, config->bucket_count + config->region_count, sizeof *config->buckets);
    for (size_t i = 0; i < config->region_count; i++) {
        if (endpoint->buckets[i])
            config->buckets[config->bucket_count++] =
                (struct config_bucket){endpoint->buckets[i], index, i};
    }
}

void bucket_names_derive(struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (!config->endpoints[i].buckets)
            continue;
        derive(config, &config->endpoints[i]);
        collect(config, i);
    }
    if (config->bucket_count)
        qsort(config->buckets, config->bucket_count, sizeof *config->buckets, compare_buckets);
}

const struct config_bucket *bucket_names_find(const struct config *config, struct span bucket)
{
    size_t low = 0, high = config->bucket_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_spans(span_of_text(config->buckets[middle].name), bucket) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < config->bucket_count &&
                 compare_spans(span_of_text(config->buckets[low].name), bucket) == 0;
    return found ? &config->buckets[low] : NULL;
}
