/* The host names that AWS gives a bucket, derived and recognised by one table.
 *
 *     BUCKET.s3.REGION.amazonaws.com             regional
 *     BUCKET.s3-REGION.amazonaws.com             dash
 *     BUCKET.s3.dualstack.REGION.amazonaws.com   dual stack
 *     BUCKET.s3.amazonaws.com                    global
 *
 * Without "BUCKET." the first three are a region's own hosts, for /BUCKET/KEY. In China everything
 * ends in ".amazonaws.com.cn" (https://docs.aws.amazon.com/general/latest/gr/s3.html). A bucket's
 * name may have dots. */
#pragma once

#include "base/span.h"
#include "config/config.h"

enum bucket_host_form {
    BUCKET_HOST_REGIONAL,
    BUCKET_HOST_DASH,
    BUCKET_HOST_DUALSTACK,
    BUCKET_HOST_GLOBAL
};

struct bucket_host {
    enum bucket_host_form form;
    size_t region;      /* index; CONFIG_NONE: global */
    struct span bucket; /* within the host that was parsed; empty: a region's own host */
};

/* `host` is in lower case, without port and final dot. False when it is no S3 host of AWS, or of a
 * region that is not configured. Whether there is such a bucket is not asked. */
bool bucket_host_parse(const struct config *config, struct span host, struct bucket_host *ret);

#define BUCKET_HOST_SIZE 192

/* The other way round. `region` matters for the suffix even where the form is global; `bucket` may
 * be empty. */
void bucket_host_print(const struct config *config, enum bucket_host_form form, size_t region,
    struct span bucket, char ret[BUCKET_HOST_SIZE]);

/* Fills `hosts` of every bucket endpoint: each of its buckets in each form and region, and with
 * `path_style` the regions' own hosts; and sorts all buckets into `config->buckets`. */
void bucket_names_derive(struct config *config);

/* The first of that name; NULL: not mapped. S3 tells letter cases apart. */
const struct config_bucket *bucket_names_find(const struct config *config, struct span bucket);
