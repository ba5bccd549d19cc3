/* Where S3 says that something is, as the application would write it. Each returns true and adds to
 * `ret` when it changes. */
#pragma once

#include "proxy/gateway/names.h"

/* "https://BUCKET.HOST/KEY", "https://HOST/BUCKET/KEY", or "/BUCKET[/KEY]": of the active bucket
 * only. */
bool location_url(const struct names *names, struct span url, struct text *ret);

/* "/BUCKET/KEY" or "/KEY", both are seen: what equals the request's own key is a key. */
bool location_resource(const struct names *names, struct span resource, struct text *ret);

/* The host that S3 would rather be asked by: the one the application did ask. */
bool location_host(const struct names *names, struct span host, struct text *ret);
