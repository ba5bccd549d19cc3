/* On the good day text passes as it came, in columns. What could steer a terminal is shown as the
 * bytes that it is. */
#include "programs/cli_page.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TABLE_COLUMNS_MAX 32

struct page page_of(FILE *out)
{
    struct page page = {.out = out, .columns = 100, .rows = 24, .now = clock_now()};
    struct winsize size;
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    if (!isatty(fileno(out)) || !term || strcmp(term, "dumb") == 0)
        return page;
    page.terminal = true;
    page.colour = !no_colour || *no_colour == '\0';
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        page.columns = size.ws_col;
        page.rows = size.ws_row;
    }
    return page;
}

/* How many of the bytes at `at` must not reach a terminal: C0 and DEL; C1 (U+0080 to U+009F); the
 * bidirectional controls (U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
static size_t unsafe_size(const unsigned char *at)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return 1;
    if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
        return 2;
    if (at[0] == 0xe2 && at[1] == 0x80)
        return (at[2] >= 0x8e && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae) ? 3 : 0;
    if (at[0] == 0xe2 && at[1] == 0x81)
        return at[2] >= 0xa6 && at[2] <= 0xa9 ? 3 : 0;
    return 0;
}

char *page_safe(const char *text)
{
    size_t size = text ? strlen(text) : 0, used = 0;
    char *safe = memory_new(4 * size + 1);
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + size;
    while (at < end) {
        size_t unsafe = unsafe_size(at);
        if (unsafe == 0)
            safe[used++] = (char)*at++;
        for (; unsafe > 0; unsafe--, used += 4)
            snprintf(safe + used, 5, "\\x%02x", *at++);
    }
    safe[used] = '\0';
    return safe;
}

void page_print(FILE *out, const char *text)
{
    char *safe = page_safe(text);
    fputs(safe, out);
    free(safe);
}

/* In terminal columns, for text without control bytes: one a code point. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

size_t page_cut(char *text, size_t columns)
{
    size_t width = 0;
    for (; *text; text++) {
        bool begins = ((unsigned char)*text & 0xc0) != 0x80;
        if (begins && width == columns)
            *text = '\0';
        if (*text == '\0')
            return width;
        width += begins;
    }
    return width;
}

void page_duration(uint64_t ms, char ret[PAGE_DURATION_SIZE])
{
    unsigned long long s = ms / 1000;
    if (ms < 1000)
        snprintf(ret, PAGE_DURATION_SIZE, "%ums", (unsigned)ms);
    else if (s < 60)
        snprintf(ret, PAGE_DURATION_SIZE, "%llus", s);
    else if (s < 3600)
        snprintf(ret, PAGE_DURATION_SIZE, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(ret, PAGE_DURATION_SIZE, "%lluh%02llum", s / 3600, s / 60 % 60);
    else
        snprintf(ret, PAGE_DURATION_SIZE, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

const char *moment_wall(const cJSON *moment)
{
    const char *wall = cJSON_IsString(moment) ? moment->valuestring : json_text(moment, "wall");
    return wall && *wall ? wall : NULL;
}

static bool wall_ms(const char *wall, int64_t *ret)
{
    struct tm parts = {0};
    char *rest = wall ? strptime(wall, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (!rest)
        return false;
    double fraction = *rest == '.' ? strtod(rest, NULL) : 0;
    *ret = (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000);
    return true;
}

/* The boot clock where both moments are of one boot, else the wall clock: good enough to read. */
static bool since(
    const cJSON *from, const char *boot_id, uint64_t boot_ms, const char *wall, uint64_t *ret_ms)
{
    const char *from_boot_id = json_text(from, "boot_id");
    uint64_t from_boot_ms;
    int64_t then, later;
    if (from_boot_id && boot_id && *boot_id && strcmp(from_boot_id, boot_id) == 0 &&
        json_integer(from, "boot_ms", &from_boot_ms)) {
        *ret_ms = boot_ms > from_boot_ms ? boot_ms - from_boot_ms : 0;
        return true;
    }
    if (!wall_ms(moment_wall(from), &then) || !wall_ms(wall, &later))
        return false;
    *ret_ms = later > then ? (uint64_t)(later - then) : 0;
    return true;
}

bool moment_age(const cJSON *moment, const struct moment *now, uint64_t *ret_ms)
{
    return since(moment, now->boot_id, now->boot_ms, now->wall, ret_ms);
}

bool moment_span(const cJSON *from, const cJSON *to, uint64_t *ret_ms)
{
    uint64_t boot_ms = 0;
    const char *boot_id = json_integer(to, "boot_ms", &boot_ms) ? json_text(to, "boot_id") : NULL;
    return since(from, boot_id, boot_ms, moment_wall(to), ret_ms);
}

static const char *paint_code(enum paint paint)
{
    static const char *const codes[] = {[PAINT_NONE] = "",
        [PAINT_BOLD] = "\033[1m",
        [PAINT_DIM] = "\033[2m",
        [PAINT_GREEN] = "\033[32m",
        [PAINT_YELLOW] = "\033[33m",
        [PAINT_RED] = "\033[1;31m"};
    return codes[paint];
}

static void print_painted(const struct page *page, enum paint paint, const char *safe)
{
    bool coloured = page->colour && paint != PAINT_NONE;
    fprintf(
        page->out, "%s%s%s", coloured ? paint_code(paint) : "", safe, coloured ? "\033[0m" : "");
}

void page_paint(const struct page *page, enum paint paint, const char *text)
{
    char *safe = page_safe(text);
    print_painted(page, paint, safe);
    free(safe);
}

struct cell {
    enum paint paint;
    char *safe;
};

struct table {
    size_t columns, count;
    size_t widths[TABLE_COLUMNS_MAX];
    struct cell *cells;
};

struct table *table_new(size_t columns)
{
    struct table *table = memory_new(sizeof *table);
    table->columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX;
    return table;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].safe);
    free(table->cells);
    free(table);
}

void table_cell(struct table *table, enum paint paint, const char *text)
{
    table->cells = memory_resize(table->cells, table->count + 1, sizeof *table->cells);
    struct cell cell = {.paint = paint, .safe = page_safe(text)};
    size_t *width = &table->widths[table->count % table->columns];
    if (width_of(cell.safe) > *width)
        *width = width_of(cell.safe);
    table->cells[table->count++] = cell;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void table_print(struct table *table, const struct page *page)
{
    size_t room = 0; /* columns of the terminal that are left in this row */
    for (size_t i = 0; i < table->count; i++) {
        struct cell *cell = &table->cells[i];
        size_t column = i % table->columns;
        if (column == 0)
            room = page->cut ? page->columns : SIZE_MAX;
        size_t width = page_cut(cell->safe, room);
        room -= width;
        print_painted(page, cell->paint, cell->safe);
        if (column + 1 == table->columns) {
            fputc('\n', page->out);
            continue;
        }
        size_t gap = least(table->widths[column] - width + 2, room);
        room -= gap;
        fprintf(page->out, "%*s", (int)gap, "");
    }
}
