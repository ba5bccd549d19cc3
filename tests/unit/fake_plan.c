/* See gateway_scene.h. */
#include "base/memory.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSES 4 /* bytes, before a filter that refuses does so */

struct fake_filter {
    struct body_filter filter;
    bool refuses;
    size_t seen;
};

static int push(struct body_filter *filter, struct span in, struct text *out)
{
    struct fake_filter *fake = (struct fake_filter *)filter;
    fake->seen += in.size;
    if (fake->refuses && fake->seen > PASSES)
        return -EPROTO;
    for (size_t i = 0; i < in.size; i++)
        text_add(out, &(char){(char)toupper(in.data[i])}, 1);
    return 0;
}

static int finish(struct body_filter *filter, struct text *out)
{
    (void)filter;
    text_put(out, "!");
    return 0;
}

static struct answer why(const struct body_filter *filter)
{
    (void)filter;
    return (struct answer){403, "SignatureDoesNotMatch", "No."};
}

static void free_filter(struct body_filter *filter)
{
    free(filter);
}

static struct body_filter *filter_new(bool refuses)
{
    struct fake_filter *fake = memory_new(sizeof *fake);
    fake->filter =
        (struct body_filter){.push = push, .finish = finish, .why = why, .free = free_filter};
    fake->refuses = refuses;
    return &fake->filter;
}

static int map_head(struct response_mapper *mapper, struct http_head *head)
{
    (void)mapper;
    struct http_header *name = (struct http_header *)http_find(head, "x-name");
    if (!name || http_span_is(name->value, "none"))
        return -EPROTO;
    name->value = span_of_text("app's");
    return 0;
}

static void free_mapper(struct response_mapper *mapper)
{
    free(mapper);
}

static struct response_mapper *mapper_new(void)
{
    struct response_mapper *mapper = memory_new(sizeof *mapper);
    *mapper = (struct response_mapper){.head = map_head, .free = free_mapper};
    return mapper;
}

/* One test, one request of this kind at a time. */
static struct http_head filtered;

static void plan_collected(
    struct plan *plan, const struct http_head *request, const struct span *body)
{
    plan->collect_max = 10;
    if (!body) {
        plan->verdict = PLAN_COLLECT;
        return;
    }
    filtered = *request;
    text_put(&plan->body, "<");
    text_add(&plan->body, body->data, body->size);
    text_put(&plan->body, ">");
    filtered.framing = HTTP_FRAMING_LENGTH;
    filtered.length = plan->body.size;
    filtered.expects_continue = false;
    plan->send = &filtered;
}

static bool has_mark(const struct plan *plan, struct span bytes)
{
    (void)plan;
    return memchr(bytes.data, ';', bytes.size) != NULL;
}

static void plan_form(struct plan *plan, const struct http_head *request, const struct span *body)
{
    plan_collected(plan, request, body);
    plan->has_enough = has_mark;
    filtered.length = plan->body.size + request->length - (body ? body->size : 0);
}

void plan_make(struct plan *plan, const struct plan_inputs *inputs)
{
    const struct view *view = inputs->view;
    const struct http_head *request = inputs->request;
    size_t region = view->endpoints[0].region;
    *plan = (struct plan){.verdict = PLAN_FORWARD, .send = request};
    snprintf(plan->origin.host, sizeof plan->origin.host, "%s.test", region ? "us" : "eu");
    plan->origin.port = view->config->gateway.s3_endpoints[region].port;
    if (http_span_is(request->target, "/filtered")) {
        filtered = *request;
        filtered.framing = HTTP_FRAMING_CHUNKED;
        plan->send = &filtered;
        plan->request_filter = filter_new(false);
        plan->response_filter = filter_new(false);
    } else if (http_span_is(request->target, "/collected")) {
        plan_collected(plan, request, inputs->body);
    } else if (http_span_is(request->target, "/collected-at-home")) {
        if (region == 0)
            plan_collected(plan, request, inputs->body);
    } else if (http_span_is(request->target, "/form")) {
        plan_form(plan, request, inputs->body);
    } else if (http_span_is(request->target, "/refused")) {
        plan->request_filter = filter_new(true);
    } else if (http_span_is(request->target, "/broken")) {
        plan->response_filter = filter_new(true);
    } else if (http_span_is(request->target, "/mapped")) {
        plan->mapper = mapper_new();
    } else if (http_span_is(request->target, "/maybe-elsewhere")) {
        plan->may_read_elsewhere = true;
    } else if (http_span_is(request->target, "/answered")) {
        plan->verdict = PLAN_ANSWER;
        plan->answer = (struct answer){403, "AccessDenied", "No."};
        plan->error = GATEWAY_ERROR_FOREIGN_HOST;
    }
}

void plan_read_elsewhere(
    struct plan *plan, const struct plan_inputs *inputs, const struct plan *first)
{
    const struct view *view = inputs->view;
    size_t region = !view->endpoints[0].region;
    (void)first;
    *plan = (struct plan){.verdict = PLAN_FORWARD, .send = inputs->request};
    snprintf(plan->origin.host, sizeof plan->origin.host, "%s.test", region ? "us" : "eu");
    plan->origin.port = view->config->gateway.s3_endpoints[region].port;
}

void plan_fini(struct plan *plan)
{
    if (plan->request_filter)
        plan->request_filter->free(plan->request_filter);
    if (plan->response_filter)
        plan->response_filter->free(plan->response_filter);
    if (plan->mapper)
        plan->mapper->free(plan->mapper);
    text_fini(&plan->body);
    *plan = (struct plan){0};
}
