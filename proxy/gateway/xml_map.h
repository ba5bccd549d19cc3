/* Names in S3's XML, both ways: which elements hold one, and what it becomes (names.h).
 *
 * A request's body is taken strictly: what is refused here (-EBADMSG, -EMSGSIZE) is MalformedXML.
 * An answer that is no XML goes through as it is; one that breaks off must not look whole. */
#pragma once

#include "proxy/gateway/names.h"

struct xml_map;

/* `names` outlives it. */
struct xml_map *xml_map_new(const struct names *names, enum names_direction direction);
void xml_map_free(struct xml_map *map);

int xml_map_push(struct xml_map *map, struct span in, struct text *out);
int xml_map_finish(struct xml_map *map, struct text *out);
