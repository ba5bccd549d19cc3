/* What goes through the relays: a row for each connection, a line for each relay. */
#include "programs/cli_draw.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw_parts.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_TEXT 32

static uint64_t count_of(const cJSON *object, const char *key)
{
    uint64_t count = 0;
    json_integer(object, key, &count);
    return count;
}

/* "120", "4.0 KiB", "1.5 GiB" */
static void size_text(uint64_t bytes, char ret[SIZE_TEXT])
{
    static const char units[] = "KMGTP";
    double size = (double)bytes / 1024;
    const char *unit = units;
    if (bytes < 1024) {
        snprintf(ret, SIZE_TEXT, "%u", (unsigned)bytes);
        return;
    }
    for (; size >= 1024 && unit[1]; unit++)
        size /= 1024;
    snprintf(ret, SIZE_TEXT, "%.1f %ciB", size, *unit);
}

static enum paint state_paint(const char *state)
{
    return strcmp(state, "open") == 0   ? PAINT_GREEN
           : strcmp(state, "held") == 0 ? PAINT_YELLOW
                                        : PAINT_DIM;
}

static void add_size(struct table *table, const cJSON *connection, const char *key)
{
    char text[SIZE_TEXT];
    size_text(count_of(connection, key), text);
    table_cell(table, PAINT_NONE, text);
}

static void add_connection(struct table *table, const cJSON *connection)
{
    char since[PAGE_DURATION_SIZE] = "?";
    uint64_t ms;
    const char *state = draw_text(connection, "state", "?");
    if (json_integer(connection, "since_ms", &ms))
        page_duration(ms, since);
    table_cell(table, PAINT_NONE, draw_text(connection, "endpoint", "?"));
    table_cell(table, state_paint(state), state);
    table_cell(table, PAINT_NONE, draw_text(connection, "client", "?"));
    table_cell(table, PAINT_NONE, draw_text(connection, "target", "-"));
    table_cell(table, PAINT_NONE, since);
    add_size(table, connection, "bytes_to_target");
    add_size(table, connection, "bytes_to_client");
}

void draw_connections(const struct page *page, const cJSON *result)
{
    static const char *const heads[] = {
        "ENDPOINT", "STATE", "CLIENT", "TARGET", "SINCE", "TO TARGET", "TO CLIENT"};
    const size_t columns = sizeof heads / sizeof *heads;
    const cJSON *connection, *list = json_member(result, "connections");
    uint64_t omitted = count_of(result, "omitted");
    if (cJSON_GetArraySize(list) == 0 && omitted == 0) {
        draw_line(page, PAINT_NONE, "no relayed connections");
        return;
    }
    struct table *table = table_new(columns);
    for (size_t i = 0; i < columns; i++)
        table_cell(table, PAINT_DIM, heads[i]);
    cJSON_ArrayForEach(connection, list)
    {
        add_connection(table, connection);
    }
    table_print(table, page);
    table_free(table);
    if (omitted > 0)
        draw_line(page, PAINT_YELLOW, "%llu more are not shown", (unsigned long long)omitted);
}

static char *listeners(const cJSON *relay)
{
    char *joined = memory_text("");
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(relay, "listen"))
    {
        char *more = memory_format(
            "%s%s%s", joined, *joined ? ", " : "", cJSON_IsString(item) ? item->valuestring : "?");
        free(joined);
        joined = more;
    }
    return joined;
}

/* Why there are held connections, where the endpoint's status says it. */
static const char *held_since(const char *status)
{
    return strcmp(status, "fenced") == 0      ? " since the fence"
           : strcmp(status, "undecided") == 0 ? " while the group is undecided"
                                              : "";
}

void draw_relay(
    const struct page *page, const char *endpoint, const char *status, const cJSON *relay)
{
    char behind[64] = "";
    if (!cJSON_IsObject(relay))
        return;
    uint64_t held = count_of(relay, "held"), stay = count_of(relay, "behind");
    if (stay > 0)
        snprintf(behind, sizeof behind, " (%llu behind)", (unsigned long long)stay);
    char *listen = listeners(relay);
    draw_line(page, held > 0 || stay > 0 ? PAINT_YELLOW : PAINT_NONE,
        "%s relay on %s: %llu open%s, %llu connecting, %llu held%s", endpoint,
        *listen ? listen : "?", (unsigned long long)count_of(relay, "open"), behind,
        (unsigned long long)count_of(relay, "connecting"), (unsigned long long)held,
        held > 0 ? held_since(status) : "");
    free(listen);
    const char *wait = draw_text(relay, "waiting_for", NULL);
    if (wait)
        draw_line(page, PAINT_YELLOW, "%s relay waits for its target: %s", endpoint, wait);
}

void draw_explanation(const struct page *page, const cJSON *explanation)
{
    cJSON *rest = cJSON_Duplicate(explanation, true);
    cJSON_DeleteItemFromObjectCaseSensitive(rest, "relay");
    draw_members(page, rest);
    cJSON_Delete(rest);
    draw_relay(page, draw_text(explanation, "endpoint", "?"), draw_text(explanation, "status", ""),
        json_member(explanation, "relay"));
}
