/* Where a value stands in the text that it was parsed from: cJSON does not keep positions, but the
 * preorder of its tree is the order in which values start. Inside config/ only. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

struct place {
    const cJSON *node;
    size_t parent; /* index; its own for the root */
    size_t index;  /* among its siblings */
    unsigned line; /* of its key, or of itself in an array; from 1 */
};

struct places {
    struct place *list; /* in the order of the text */
    size_t count;
};

/* `text` is what `root` was parsed from. */
void places_init(struct places *places, const char *text, size_t size, const cJSON *root);
void places_fini(struct places *places);

size_t places_find(const struct places *places, const cJSON *node); /* `node` is in the tree */

/* "endpoints.orders-db.targets", "regions[1]"; "" for the root. The caller's to free. */
char *places_path(const struct places *places, size_t place);
