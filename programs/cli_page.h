/* Text for people: safe to print, measured, in columns. */
#pragma once

#include "base/clock.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE_DURATION_SIZE 32

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_GREEN, PAINT_YELLOW, PAINT_RED };

/* What is drawn on: a terminal has colours, a width and a height; anything else gets plain text. */
struct page {
    FILE *out;
    bool terminal, colour;
    bool cut; /* lines to the width, so that a picture can be drawn over; page_of does not say so */
    unsigned columns, rows;
    struct moment now;
};

struct page page_of(FILE *out); /* as the terminal behind `out` is now */

/* The daemon's words cannot steer the terminal: control bytes (C0, DEL, C1) and the marks that turn
 * the direction of writing become \xHH. NULL is "". The caller frees. */
char *page_safe(const char *text);
void page_print(FILE *out, const char *text); /* page_safe, printed */

void page_duration(uint64_t ms, char ret[PAGE_DURATION_SIZE]); /* "350ms", "12s", "3m05s" */

/* How long ago, from a moment of the record ("2026-11-23T07:00:00.123Z", or an object that has it
 * as "wall" besides "boot_id" and "boot_ms"). False when it says nothing. */
bool moment_age(const cJSON *moment, const struct moment *now, uint64_t *ret_ms);
/* Between two such moments. */
bool moment_span(const cJSON *from, const cJSON *to, uint64_t *ret_ms);
const char *moment_wall(const cJSON *moment); /* NULL when it has none */

/* Cuts text without control bytes to so many terminal columns, between two code points. Returns how
 * many it takes. */
size_t page_cut(char *text, size_t columns);

void page_paint(const struct page *page, enum paint paint, const char *text); /* made safe */

/* Rows of cells; the columns are as wide as their widest cell. On a page that cuts, no row is
 * longer than the page is wide. */
struct table;
struct table *table_new(size_t columns); /* at most 32 */
void table_free(struct table *table);
void table_cell(struct table *table, enum paint paint, const char *text); /* made safe */
void table_print(struct table *table, const struct page *page); /* once: it cuts the cells */
