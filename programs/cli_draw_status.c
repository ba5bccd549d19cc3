/* On the good day: the groups and where they are, what was done last, and a table of health. What
 * an operator must not miss comes first and in words: a host that is undecided, a record that could
 * not be written, a fence and its age. */
#include "programs/cli_draw.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw_parts.h"

#include <stdlib.h>
#include <string.h>

/* Where others are known, --force=undecided would move those, too. */
static const char *way_out(const cJSON *status)
{
    const cJSON *group;
    cJSON_ArrayForEach(group, json_member(status, "groups"))
    {
        const char *is = json_text(group, "status");
        if (is && strcmp(is, "undecided") != 0)
            return "--group GROUP";
    }
    return "--force=undecided";
}

static void draw_warnings(const struct page *page, const cJSON *status)
{
    const cJSON *why, *undecided = json_member(status, "undecided");
    const char *error = draw_text(json_member(status, "store"), "error", NULL);
    cJSON_ArrayForEach(why, undecided)
    {
        draw_line(page, PAINT_RED, "UNDECIDED: group %s: %s", why->string ? why->string : "?",
            cJSON_IsString(why) ? why->valuestring : "?");
    }
    if (undecided && undecided->child) {
        draw_line(
            page, PAINT_RED, "Its names are not answered until somebody says where they lead:");
        draw_line(
            page, PAINT_RED, "    pilotlight failover REGION --switch-only %s", way_out(status));
    }
    if (error)
        draw_line(page, PAINT_RED, "The record could not be written: %s", error);
}

static void draw_record(const struct page *page, const cJSON *status)
{
    const cJSON *state = json_member(status, "state"), *store = json_member(status, "store");
    const cJSON *since = json_member(json_member(status, "sidecar"), "since");
    bool sidecar = json_bool(json_member(status, "sidecar"), "connected", false);
    uint64_t revision = 0, epoch = 0, ms;
    char age[PAGE_DURATION_SIZE] = "";
    json_integer(state, "revision", &revision);
    json_integer(state, "epoch", &epoch);
    draw_line(page, PAINT_BOLD, "%s: epoch %llu, revision %llu, %s %s",
        draw_text(status, "host", "this host"), (unsigned long long)epoch,
        (unsigned long long)revision, draw_text(store, "kind", "record"),
        draw_text(store, "where", ""));
    if (sidecar && moment_age(since, &page->now, &ms))
        page_duration(ms, age);
    draw_line(page, PAINT_NONE, "sidecar: %s%s%s", sidecar ? "connected" : "not connected",
        *age ? " for " : "", age);
}

static char *join(const cJSON *texts)
{
    char *joined = memory_text("");
    const cJSON *item;
    cJSON_ArrayForEach(item, texts)
    {
        if (!cJSON_IsString(item))
            continue;
        char *more = memory_format("%s%s%s", joined, *joined ? ", " : "", item->valuestring);
        free(joined);
        joined = more;
    }
    return joined;
}

static enum paint group_paint(const char *state)
{
    return strcmp(state, "open") == 0 ? PAINT_GREEN : PAINT_RED;
}

static void add_group(struct table *table, const cJSON *status, const cJSON *group)
{
    char cell[PAGE_DURATION_SIZE + 16], age[PAGE_DURATION_SIZE];
    uint64_t ms;
    const char *state = draw_text(group, "status", "?");
    const cJSON *recorded =
        json_member(json_member(json_member(status, "state"), "groups"), group->string);
    snprintf(cell, sizeof cell, "%.20s", strcmp(state, "undecided") == 0 ? "UNDECIDED" : state);
    if (json_integer(json_member(status, "fence_age_ms"), group->string, &ms)) {
        page_duration(ms, age);
        snprintf(cell, sizeof cell, "FENCED for %s", age);
    }
    char *latched = join(json_member(recorded, "latched"));
    table_cell(table, PAINT_NONE, group->string);
    table_cell(table, PAINT_BOLD, draw_text(group, "active", "?"));
    table_cell(table, group_paint(state), cell);
    table_cell(table, PAINT_YELLOW, *latched ? latched : "-");
    free(latched);
}

static void draw_groups(const struct page *page, const cJSON *status)
{
    const cJSON *group;
    struct table *table = table_new(4);
    table_cell(table, PAINT_DIM, "GROUP");
    table_cell(table, PAINT_DIM, "ACTIVE");
    table_cell(table, PAINT_DIM, "STATE");
    table_cell(table, PAINT_DIM, "LATCHED");
    cJSON_ArrayForEach(group, json_member(status, "groups"))
    {
        if (group->string)
            add_group(table, status, group);
    }
    fputc('\n', page->out);
    table_print(table, page);
    table_free(table);
}

static void draw_last(const struct page *page, const cJSON *past)
{
    char *title = draw_title(past);
    const char *wall = moment_wall(json_member(past, "ended"));
    const char *reason = draw_text(past, "reason", NULL);
    const char *error = draw_text(past, "error", NULL);
    fputc('\n', page->out);
    draw_line(page, PAINT_NONE, "last: %s, %s%s%s at %s, by %s%s%s", title,
        draw_text(past, "result", "?"), error ? ": " : "", error ? error : "", wall ? wall : "?",
        draw_text(past, "by", "?"), reason ? ": " : "", reason ? reason : "");
    free(title);
}

static void draw_moves(const struct page *page, const cJSON *status)
{
    const cJSON *state = json_member(status, "state");
    const cJSON *running = json_member(state, "transition");
    const cJSON *history = json_member(state, "history");
    int count = cJSON_GetArraySize(history);
    if (!cJSON_IsObject(running)) {
        if (count > 0)
            draw_last(page, cJSON_GetArrayItem(history, count - 1));
        return;
    }
    const char *reason = draw_text(running, "reason", NULL);
    fputc('\n', page->out);
    draw_transition(page, running, history, UINT32_MAX - 1);
    draw_line(page, PAINT_NONE, "  by %s%s%s", draw_text(running, "by", "?"), reason ? ": " : "",
        reason ? reason : "");
}

static enum paint health_paint(const char *health)
{
    return strcmp(health, "up") == 0     ? PAINT_GREEN
           : strcmp(health, "down") == 0 ? PAINT_RED
                                         : PAINT_DIM;
}

static void add_endpoint(struct table *table, const cJSON *regions, const cJSON *endpoint)
{
    const cJSON *region;
    const char *active = draw_text(endpoint, "active", "");
    table_cell(table, PAINT_NONE, endpoint->string ? endpoint->string : "?");
    table_cell(table, PAINT_NONE, draw_text(endpoint, "type", "?"));
    table_cell(table, PAINT_NONE, draw_text(endpoint, "group", "?"));
    cJSON_ArrayForEach(region, regions)
    {
        char cell[32];
        const char *id = cJSON_IsString(region) ? region->valuestring : "?";
        const cJSON *target = json_member(json_member(endpoint, "targets"), id);
        const char *health = draw_text(target, "health", "unknown");
        snprintf(cell, sizeof cell, "%.20s%s", health, strcmp(active, id) == 0 ? " *" : "");
        table_cell(table, health_paint(health), cell);
    }
}

static void draw_health_details(const struct page *page, const cJSON *endpoints)
{
    const cJSON *endpoint, *region;
    cJSON_ArrayForEach(endpoint, endpoints)
    {
        cJSON_ArrayForEach(region, json_member(endpoint, "targets"))
        {
            const char *detail = draw_text(region, "detail", NULL);
            if (detail && strcmp(draw_text(region, "health", ""), "down") == 0)
                draw_line(page, PAINT_RED, "%s in %s is down: %s", endpoint->string, region->string,
                    detail);
        }
    }
}

static void draw_relays(const struct page *page, const cJSON *endpoints)
{
    const cJSON *endpoint;
    cJSON_ArrayForEach(endpoint, endpoints)
    {
        draw_relay(page, endpoint->string ? endpoint->string : "?",
            draw_text(endpoint, "status", ""), json_member(endpoint, "relay"));
    }
}

static void draw_endpoints(const struct page *page, const cJSON *status)
{
    const cJSON *endpoint, *region, *endpoints = json_member(status, "endpoints");
    const cJSON *regions = json_member(status, "regions");
    if (!cJSON_IsObject(endpoints) || !endpoints->child)
        return;
    struct table *table = table_new(3 + (size_t)cJSON_GetArraySize(regions));
    table_cell(table, PAINT_DIM, "ENDPOINT");
    table_cell(table, PAINT_DIM, "TYPE");
    table_cell(table, PAINT_DIM, "GROUP");
    cJSON_ArrayForEach(region, regions)
    {
        table_cell(table, PAINT_DIM, cJSON_IsString(region) ? region->valuestring : "?");
    }
    cJSON_ArrayForEach(endpoint, endpoints)
    {
        add_endpoint(table, regions, endpoint);
    }
    fputc('\n', page->out);
    table_print(table, page);
    table_free(table);
    draw_health_details(page, endpoints);
    draw_relays(page, endpoints);
}

void draw_status(const struct page *page, const cJSON *status)
{
    draw_warnings(page, status);
    draw_record(page, status);
    draw_groups(page, status);
    draw_moves(page, status);
    draw_endpoints(page, status);
}

static bool is_plain(const cJSON *value)
{
    return !cJSON_IsObject(value) && !cJSON_IsArray(value);
}

static char *plain_text(const cJSON *value)
{
    if (cJSON_IsString(value))
        return memory_text(value->valuestring);
    char *printed = cJSON_PrintUnformatted(value);
    char *text = memory_text(printed ? printed : "?");
    cJSON_free(printed);
    return text;
}

static void draw_indented(const struct page *page, const cJSON *value, int indent)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        const char *key = item->string ? item->string : "-";
        const char *colon = item->string ? ":" : "";
        if (cJSON_IsNull(item))
            continue;
        if (is_plain(item)) {
            char *text = plain_text(item);
            draw_line(page, PAINT_NONE, "%*s%s%s %s", indent, "", key, colon, text);
            free(text);
        } else if (item->child) {
            draw_line(page, PAINT_NONE, "%*s%s%s", indent, "", key, colon);
            draw_indented(page, item, indent + 2);
        }
    }
}

void draw_members(const struct page *page, const cJSON *value)
{
    draw_indented(page, value, 0);
}
