/* JSON from files and sockets: cJSON behind a bounded, strict front door.
 *
 * cJSON alone takes text after the value, invalid UTF-8, "\u0000" inside strings and ten thousand
 * levels; this refuses all of that before it allocates a tree. */
#pragma once

#include "base/failure.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 64
#define JSON_VALUES_MAX 32768 /* about 2 MiB of tree */

/* On success `*ret_root` is the caller's, to be given to cJSON_Delete. -EINVAL with words; where
 * `ret_line` is given it is set to the line (from 1) of the first error. */
int json_parse(
    const char *text, size_t size, cJSON **ret_root, unsigned *ret_line, struct failure *why);

/* Members by exact key; NULL, or `fallback`, when missing or of another type. */
const cJSON *json_member(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
bool json_bool(const cJSON *object, const char *key, bool fallback);

/* Whole numbers from 0 to 2^53; false when missing, fractional, negative or larger. */
bool json_integer(const cJSON *object, const char *key, uint64_t *ret);
bool json_is_integer(const cJSON *value, uint64_t *ret);

/* Adds a string, or null where `text` is NULL. */
void json_add_text(cJSON *object, const char *key, const char *text);
