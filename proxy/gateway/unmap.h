/* An answer on its way back: headers under the application's names, and whether the body has to go
 * through xml_map.h (NAMES_TO_APP) as well.
 *
 * S3's redirects are never passed on, in no answer at all: SDKs would remember the other region and
 * go around the gateway from then on (they are -EPROTO with 503, to be logged). A 303 is not S3's
 * but what a form asked for. */
#pragma once

#include "base/http_header.h"
#include "proxy/gateway/map.h"

struct unmap {
    bool maps_body; /* its length changes: the caller frames it anew */
    struct http_header *headers;
    size_t header_count;
    struct text location, arn, region; /* what `headers` may point to */
};

/* 0 or -EPROTO and what to answer instead. `ret` borrows from the rest and is to be given to
 * unmap_fini in either case. */
int unmap_answer(const struct map *map, unsigned status, const struct http_header *headers,
    size_t header_count, struct unmap *ret, struct s3_error *error);
void unmap_fini(struct unmap *unmap);
