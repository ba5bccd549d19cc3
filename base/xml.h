/* XML from AWS, read into the same tree as JSON: an element with elements in it is an object whose
 * members are in the text's order (a list is members of one name, one after another), one with text
 * alone is a string. Attributes and namespace prefixes are left out. The root is the object itself:
 * its name is not part of the tree.
 *
 * By expat, bounded: no DTD, no entities but XML's own five, JSON_DEPTH_MAX levels, JSON_VALUES_MAX
 * elements. */
#pragma once

#include "base/failure.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/* On success `*ret_root` is the caller's, to be given to cJSON_Delete; it is an object, or a string
 * where the root holds text alone. -EINVAL with words. */
int xml_parse(const char *text, size_t size, cJSON **ret_root, struct failure *why);

/* By a path of names: "DBInstances/DBInstance/DBInstanceStatus". The first of each name; NULL where
 * there is none. Good for JSON too. */
const cJSON *tree_find(const cJSON *tree, const char *path);
const char *tree_text(const cJSON *tree, const char *path); /* NULL when it is no text */
