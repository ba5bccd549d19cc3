/* Inside map*.c: the parts of one mapping. */
#pragma once

#include "proxy/gateway/map.h"

/* Path and query. True in `*ret_renamed` when an id lost its mark. -EPROTO: an id of a foreign
 * region. Called again once it is known that the request is renamed. */
int map_target(const struct map_inputs *inputs, struct map *map, bool is_virtual, bool *ret_renamed,
    struct s3_error *error);

/* Adds to `ret` what a copy source becomes, if it changes; there may be one only. What is not
 * mapped keeps its name: access points, other people's buckets. */
int map_source(struct map *map, struct span source, struct text *ret, struct s3_error *error);

/* The headers that name buckets, into map->copy_source and rename_source. */
int map_sources(
    const struct map_inputs *inputs, struct map *map, bool *ret_renamed, struct s3_error *error);

/* All headers, once everything else is known. */
int map_headers(const struct map_inputs *inputs, struct map *map, struct s3_error *error);
