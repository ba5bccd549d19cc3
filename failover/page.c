#include "failover/page.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

#define TRANSITIONS_SHOWN 10

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta http-equiv=\"refresh\" content=\"5\"><title>pilotlight</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\n"
    "table{border-collapse:collapse;width:100%;margin:0 0 2rem}\n"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;"
    "vertical-align:top}\n"
    ".up,.open,.done{color:#18794e}.down,.undecided,.failed{color:#c62a2f;font-weight:600}\n"
    ".fenced,.aborted,.stopped{color:#ad5700;font-weight:600}.unknown,.quiet{color:#777}\n"
    "</style></head><body>\n";

/* `text` NULL: a dash. */
static void put(struct text *out, const char *text)
{
    for (text = text ? text : "–"; *text; text++) {
        if (*text == '<')
            text_put(out, "&lt;");
        else if (*text == '>')
            text_put(out, "&gt;");
        else if (*text == '&')
            text_put(out, "&amp;");
        else if (*text == '"')
            text_put(out, "&quot;");
        else if (*text == '\'')
            text_put(out, "&#39;");
        else
            text_add(out, text, 1);
    }
}

static void put_cell(struct text *out, const char *text)
{
    text_put(out, "<td>");
    put(out, text);
    text_put(out, "</td>");
}

/* A word that is also the name of its colour. */
static void put_word(struct text *out, const char *word)
{
    text_put(out, "<span class=\"");
    put(out, word ? word : "quiet");
    text_put(out, "\">");
    put(out, word);
    text_put(out, "</span>");
}

static void put_table(struct text *out, const char *title, const char *columns)
{
    text_format(out, "<h2>%s</h2>\n<table><tr>", title);
    for (const char *at = columns; *at; at += strspn(at, "|")) {
        size_t size = strcspn(at, "|");
        text_format(out, "<th>%.*s</th>", (int)size, at);
        at += size;
    }
    text_put(out, "</tr>\n");
}

static void put_groups(struct text *out, const cJSON *status)
{
    const cJSON *group;
    put_table(out, "Groups", "Group|Active region|Status|Why");
    cJSON_ArrayForEach(group, json_member(status, "groups"))
    {
        text_put(out, "<tr>");
        put_cell(out, group->string);
        put_cell(out, json_text(group, "active"));
        text_put(out, "<td>");
        put_word(out, json_text(group, "status"));
        text_put(out, "</td>");
        put_cell(out, json_text(json_member(status, "undecided"), group->string));
        text_put(out, "</tr>\n");
    }
    text_put(out, "</table>\n");
}

static void put_targets(struct text *out, const cJSON *endpoint)
{
    const cJSON *target;
    text_put(out, "<td>");
    cJSON_ArrayForEach(target, json_member(endpoint, "targets"))
    {
        put(out, target->string);
        text_put(out, ": ");
        put(out, json_text(target, "target"));
        text_put(out, " ");
        put_word(out, json_text(target, "health"));
        const char *detail = json_text(target, "detail");
        if (detail) {
            text_put(out, " <span class=\"quiet\">");
            put(out, detail);
            text_put(out, "</span>");
        }
        text_put(out, "<br>");
    }
    text_put(out, "</td>");
}

/* A line each for what the relay does now and what it waits for. */
static void put_relay(struct text *out, const cJSON *relay)
{
    static const char *const states[] = {"open", "connecting", "held", "behind"};
    const char *wait = json_text(relay, "waiting_for");
    text_put(out, "<td>");
    if (!relay)
        put(out, NULL);
    for (size_t i = 0; relay && i < sizeof states / sizeof *states; i++) {
        uint64_t count = 0;
        json_integer(relay, states[i], &count);
        text_format(out, "%s%llu %s", i > 0 ? ", " : "", (unsigned long long)count, states[i]);
    }
    if (wait) {
        text_put(out, "<br><span class=\"fenced\">");
        put(out, wait);
        text_put(out, "</span>");
    }
    text_put(out, "</td>");
}

static void put_endpoints(struct text *out, const cJSON *status)
{
    const cJSON *endpoint, *name;
    put_table(out, "Endpoints", "Endpoint|Names|Active region|Status|Targets|Relay");
    cJSON_ArrayForEach(endpoint, json_member(status, "endpoints"))
    {
        text_put(out, "<tr>");
        put_cell(out, endpoint->string);
        text_put(out, "<td>");
        cJSON_ArrayForEach(name, json_member(endpoint, "names"))
        {
            put(out, name->valuestring);
            text_put(out, "<br>");
        }
        text_put(out, "</td>");
        put_cell(out, json_text(endpoint, "active"));
        text_put(out, "<td>");
        put_word(out, json_text(endpoint, "status"));
        text_put(out, "</td>");
        put_targets(out, endpoint);
        put_relay(out, json_member(endpoint, "relay"));
        text_put(out, "</tr>\n");
    }
    text_put(out, "</table>\n");
}

static void put_transition(struct text *out, const cJSON *transition, const char *how)
{
    text_put(out, "<tr>");
    put_cell(out, json_text(json_member(transition, "started"), "wall"));
    put_cell(out, json_text(transition, "kind"));
    put_cell(out, json_text(transition, "to"));
    text_put(out, "<td>");
    put_word(out, how);
    text_put(out, "</td>");
    put_cell(out, json_text(transition, "by"));
    put_cell(out, json_text(transition, "reason"));
    text_put(out, "</tr>\n");
}

/* The running one first, then the past, newest first. */
static void put_transitions(struct text *out, const cJSON *state)
{
    put_table(out, "Transitions", "Started|Kind|To|Now|By|Reason");
    const cJSON *running = json_member(state, "transition");
    if (cJSON_IsObject(running))
        put_transition(out, running, json_text(running, "phase"));
    const cJSON *history = json_member(state, "history");
    int count = cJSON_GetArraySize(history);
    for (int i = count - 1; i >= 0 && i >= count - TRANSITIONS_SHOWN; i--) {
        const cJSON *past = cJSON_GetArrayItem(history, i);
        put_transition(out, past, json_text(past, "result"));
    }
    text_put(out, "</table>\n");
}

char *page_render(const cJSON *status, size_t *ret_size)
{
    struct text out = {0};
    const cJSON *state = json_member(status, "state");
    uint64_t epoch = 0;
    json_integer(state, "epoch", &epoch);
    text_put(&out, head);
    text_put(&out, "<h1>pilotlight on ");
    put(&out, json_text(status, "host"));
    text_format(&out, "</h1>\n<p class=\"quiet\">epoch %llu, version ", (unsigned long long)epoch);
    put(&out, json_text(status, "version"));
    text_put(&out, "</p>\n");
    put_groups(&out, status);
    put_endpoints(&out, status);
    put_transitions(&out, state);
    text_put(&out, "</body></html>\n");
    *ret_size = out.size;
    return out.data;
}
