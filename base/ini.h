/* AWS's configuration files: [section] and key = value, as the SDKs read them.
 *
 * Lines that begin with `#` or `;` are comments; indented ones belong to the key above and are
 * passed over, as nothing that we want is written so. A file is never refused: what is no line of
 * these is no line at all. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

#define INI_ENTRIES_MOST 4096
#define INI_FILE_MOST (1u << 20) /* bytes */

struct ini_entry {
    char *section, *key, *value;
};

struct ini {
    struct ini_entry *entries;
    size_t count;
};

void ini_parse(struct span text, struct ini *ret);

/* A file that is not there, or cannot be read, has no entries: 0 or negative errno. */
int ini_read(const char *path, struct ini *ret);

void ini_fini(struct ini *ini); /* values are wiped */

bool ini_has_section(const struct ini *ini, const char *section);

/* The last one counts; NULL when there is none, or it is empty. */
const char *ini_value(const struct ini *ini, const char *section, const char *key);
