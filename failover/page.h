/* The page to look at: `status` as self-contained HTML. Everything in it is escaped; it loads
 * nothing and asks for itself again every few seconds. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

/* `status` is what status_to_json makes. The caller frees. */
char *page_render(const cJSON *status, size_t *ret_size);
