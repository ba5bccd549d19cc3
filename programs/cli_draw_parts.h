/* Inside the drawing only: one safe, cut, painted line. */
#pragma once

#include "programs/cli_page.h"

/* Ends the line; on a page that cuts it is no longer than the page is wide. */
void draw_line(const struct page *page, enum paint paint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A member's text, or `fallback` when it is missing, empty or something else. */
const char *draw_text(const cJSON *object, const char *key, const char *fallback);

/* An endpoint's relay in one line, and what its held connections wait for in another. `status` is
 * the endpoint's: open, fenced or undecided. Nothing where `relay` is no object. */
void draw_relay(
    const struct page *page, const char *endpoint, const char *status, const cJSON *relay);
