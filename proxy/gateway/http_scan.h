/* Finds the end of a head among bytes that come in pieces, and refuses lines that two parsers could
 * read in two ways. */
#pragma once

#include "base/span.h"

enum http_scan_state {
    HTTP_SCAN_START, /* before the first line; one empty line is passed over */
    HTTP_SCAN_FIRST_LINE,
    HTTP_SCAN_LINE_START,
    HTTP_SCAN_NAME,
    HTTP_SCAN_VALUE,
    HTTP_SCAN_END
};

struct http_scan {
    enum http_scan_state state;
    size_t seen;  /* bytes looked at */
    size_t begin; /* where the first line begins */
    unsigned lines;
    uint8_t after_cr;
};

#define HTTP_SCAN_MORE 0
#define HTTP_SCAN_DONE 1 /* `seen` bytes are the head, with what stood before it */

/* Looks at what is new in `bytes`, which begin where they began at the last call. Otherwise the
 * status to answer with: 400, 414 or 431. Zero the scan to begin. */
int http_scan(struct http_scan *scan, struct span bytes);
