/* Between store_file.c and store_file_aside.c: what becomes of a record that cannot be believed. */
#pragma once

#include "failover/store.h"

#define STORE_FILE_READ_MAX (4u << 20) /* a damaged file may be larger than a record can be */

/* A copy as `path.refused-HEX`, named by its content, so that the same damage is kept once. */
void store_file_set_aside(const char *path, const char *text, size_t size);

/* Raises both to the largest that any earlier copy still shows. */
void store_file_salvage_copies(const char *path, uint64_t *revision, uint64_t *epoch);
