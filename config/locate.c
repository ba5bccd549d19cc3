/* Text and tree are walked in step. The text was parsed before, so the walk need not understand it:
 * what counts are strings, brackets, commas and colons. */
#include "config/locate.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PATH_KEY_MAX 100 /* bytes shown of a key */

struct walk {
    const char *at, *end;
    unsigned line;
    struct places *places;
};

static void step(struct walk *walk)
{
    walk->line += *walk->at == '\n';
    walk->at++;
}

/* cJSON takes everything up to the space character for space, and a byte order mark at the start.
 */
static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && (unsigned char)*walk->at <= ' ')
        step(walk);
}

static void skip_string(struct walk *walk)
{
    walk->at++;
    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' ? 2 : 1;
    walk->at++;
}

static void skip_punctuation(struct walk *walk)
{
    skip_space(walk);
    if (walk->at < walk->end)
        walk->at++;
}

static void skip_scalar(struct walk *walk)
{
    if (walk->at < walk->end && *walk->at == '"') {
        skip_string(walk);
        return;
    }
    while (walk->at < walk->end && (unsigned char)*walk->at > ' ' && *walk->at != ',' &&
           *walk->at != ']' && *walk->at != '}')
        walk->at++;
}

static size_t add_place(struct walk *walk, const cJSON *node, size_t parent, size_t index)
{
    struct places *places = walk->places;
    if ((places->count & (places->count - 1)) == 0)
        places->list = memory_resize(
            places->list, places->count ? places->count * 2 : 1, sizeof *places->list);
    places->list[places->count] =
        (struct place){.node = node, .parent = parent, .index = index, .line = walk->line};
    return places->count++;
}

/* As deep as the parser let it be (JSON_DEPTH_MAX). */
static void place_value(struct walk *walk, const cJSON *node, size_t parent, size_t index)
{
    skip_space(walk);
    size_t place = add_place(walk, node, parent, index);
    if (node->string) {
        skip_string(walk);
        skip_punctuation(walk);
        skip_space(walk);
    }
    if (!cJSON_IsObject(node) && !cJSON_IsArray(node)) {
        skip_scalar(walk);
        return;
    }
    size_t children = 0;
    for (const cJSON *child = node->child; child; child = child->next) {
        skip_punctuation(walk); /* the bracket, then commas */
        place_value(walk, child, place, children++);
    }
    if (children == 0)
        skip_punctuation(walk);
    skip_punctuation(walk);
}

void places_init(struct places *places, const char *text, size_t size, const cJSON *root)
{
    struct walk walk = {.at = text, .end = text + size, .line = 1, .places = places};
    *places = (struct places){0};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        walk.at += 3;
    place_value(&walk, root, 0, 0);
}

void places_fini(struct places *places)
{
    free(places->list);
}

size_t places_find(const struct places *places, const cJSON *node)
{
    size_t place = 0;
    while (place < places->count && places->list[place].node != node)
        place++;
    assert(place < places->count);
    return place;
}

char *places_path(const struct places *places, size_t place)
{
    const struct place *at = &places->list[place];
    if (at->parent == place)
        return memory_text("");
    char *above = places_path(places, at->parent), *path;
    if (at->node->string)
        path = memory_format("%s%s%.*s", above, *above ? "." : "", PATH_KEY_MAX, at->node->string);
    else
        path = memory_format("%s[%zu]", above, at->index);
    free(above);
    return path;
}
