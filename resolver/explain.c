#include "resolver/explain.h"

#include "base/memory.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

/* A record's text without its newline and with spaces for tabs. */
static void add_record(cJSON *list, const ldns_rr *record)
{
    char *text = ldns_rr2str(record);
    if (!text)
        return;
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '\t' ? ' ' : *c;
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
    free(text);
}

/* ldns may see the message: it is our own, built from vetted parts. */
static void add_answer(cJSON *json, const struct answer *answer)
{
    ldns_pkt *packet = NULL;
    cJSON *list = cJSON_AddArrayToObject(json, "answer");
    if (!answer->ready || ldns_wire2pkt(&packet, answer->data, answer->size) != LDNS_STATUS_OK)
        return;
    const ldns_rr_list *records = ldns_pkt_answer(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
        add_record(list, ldns_rr_list_rr(records, i));
    ldns_pkt_free(packet);
}

static const char *status_text(enum view_status status)
{
    return status == VIEW_OPEN ? "open" : status == VIEW_FENCED ? "fenced" : "undecided";
}

static void add_endpoint(cJSON *json, const struct view *view, const struct view_endpoint *endpoint)
{
    const struct config *config = view->config;
    bool decided = endpoint->region != CONFIG_NONE;
    cJSON_AddStringToObject(json, "endpoint", endpoint->config->id);
    cJSON_AddStringToObject(json, "group", config->groups[endpoint->config->group].id);
    cJSON_AddStringToObject(json, "status", status_text(endpoint->status));
    cJSON_AddItemToObject(json, "region",
        decided ? cJSON_CreateString(config->regions[endpoint->region]) : cJSON_CreateNull());
    cJSON_AddItemToObject(json, "target",
        endpoint->target ? cJSON_CreateString(endpoint->target->text) : cJSON_CreateNull());
}

static void add_upstreams(cJSON *json, const struct view *view, const struct answer *answer)
{
    char needs[NAME_TEXT_SIZE];
    const struct cache_key *need = &answer->need;
    const struct config_upstreams *route = upstreams_route(view, need->name, need->name_size);
    name_to_text(need->name, need->name_size, needs);
    cJSON_AddStringToObject(json, "needs", needs);
    cJSON *list = cJSON_AddArrayToObject(json, "upstreams");
    for (size_t i = 0; i < route->count; i++) {
        char address[ADDRESS_TEXT_SIZE], text[512];
        const char *tls_name = route->list[i].tls_name;
        address_print(&route->list[i].address, address);
        snprintf(text, sizeof text, "%s%s%s%s", tls_name ? "tls://" : "", address,
            tls_name ? "#" : "", tls_name ? tls_name : "");
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static char *make_message(const char *name, const struct view *view, const struct answer *answer)
{
    const struct view_endpoint *endpoint = answer->endpoint;
    if (endpoint) {
        const char *id = endpoint->config->id;
        const char *group = view->config->groups[endpoint->config->group].id;
        if (endpoint->status == VIEW_UNDECIDED)
            return memory_format("%s is managed by endpoint %s, whose group %s is undecided: "
                                 "SERVFAIL until an operator says which region holds",
                name, id, group);
        if (endpoint->status == VIEW_FENCED)
            return memory_format("%s is managed by endpoint %s, whose group %s is fenced: nothing "
                                 "new goes to %s",
                name, id, group, view->config->regions[endpoint->region]);
        const char *region = view->config->regions[endpoint->region];
        if (endpoint->config->type == CONFIG_BUCKET)
            return memory_format("%s is managed by endpoint %s (group %s): it answers the "
                                 "gateway's address, behind which is the bucket of %s",
                name, id, group, region);
        return memory_format("%s is managed by endpoint %s (group %s): it answers the target of %s",
            name, id, group, region);
    }
    if (!answer->ready)
        return memory_format("%s is not managed and not cached: it would be forwarded", name);
    if (answer->source == ANSWER_LOCAL)
        return memory_format("%s is answered here and never forwarded", name);
    return memory_format("%s is not managed: it is answered from the cache", name);
}

cJSON *explain(struct engine *engine, const struct name *name, uint16_t type)
{
    cJSON *json = cJSON_CreateObject();
    char text[NAME_TEXT_SIZE];
    name_to_text(name->wire, name->size, text);
    char *type_text = ldns_rr_type2str((ldns_rr_type)type);
    cJSON_AddStringToObject(json, "name", text);
    cJSON_AddStringToObject(json, "type", type_text ? type_text : "?");
    free(type_text);
    if (!engine->view)
        return json;

    struct query query = {.flags = DNS_RD,
        .type = type,
        .class = CLASS_IN,
        .name_size = name->size,
        .udp_size = DNS_UDP_SIZE};
    memcpy(query.name, name->wire, name->size);
    memcpy(query.lower, name->wire, name->size);
    struct answer answer = {.data = engine->out, .room = DNS_MESSAGE_MAX};
    struct answer_inputs inputs = {.view = engine->view,
        .cache = engine->cache,
        .scratch = &engine->reply,
        .now_ms = uv_now(&engine->loop.uv)};
    answer_make(&inputs, &query, engine->work, &answer);

    const char *source = answer.endpoint ? "managed"
                         : answer.ready  ? answer_source_text(answer.source)
                                         : "forward";
    cJSON_AddStringToObject(json, "source", source);
    char *rcode = answer.ready ? ldns_pkt_rcode2str((ldns_pkt_rcode)answer.rcode) : NULL;
    cJSON_AddItemToObject(json, "rcode", rcode ? cJSON_CreateString(rcode) : cJSON_CreateNull());
    free(rcode);
    if (answer.endpoint)
        add_endpoint(json, engine->view, answer.endpoint);
    if (!answer.ready)
        add_upstreams(json, engine->view, &answer);
    add_answer(json, &answer);
    char *message = make_message(text, engine->view, &answer);
    cJSON_AddStringToObject(json, "message", message);
    free(message);
    return json;
}
