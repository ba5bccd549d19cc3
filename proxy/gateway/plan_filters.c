/* What changes bodies and answers as they pass, by the parts of a plan. */
#include "base/memory.h"
#include "proxy/gateway/plan_parts.h"
#include "proxy/gateway/unmap.h"
#include "proxy/gateway/xml_map.h"

#include <errno.h>
#include <stdlib.h>

/* A body in signed pieces. */
struct chunked_filter {
    struct body_filter filter;
    struct chunked *chunked;
};

static int push_pieces(struct body_filter *filter, struct span in, struct text *out)
{
    return chunked_push(((struct chunked_filter *)filter)->chunked, in, out);
}

static int finish_pieces(struct body_filter *filter, struct text *out)
{
    (void)out;
    return chunked_finish(((struct chunked_filter *)filter)->chunked);
}

static struct answer why_pieces(const struct body_filter *filter)
{
    return answer_auth(chunked_refusal(((const struct chunked_filter *)filter)->chunked));
}

static void free_pieces(struct body_filter *filter)
{
    chunked_free(((struct chunked_filter *)filter)->chunked);
    free(filter);
}

struct body_filter *plan_chunked_filter_new(const struct chunked_options *options)
{
    struct chunked_filter *filter = memory_new(sizeof *filter);
    *filter =
        (struct chunked_filter){.filter = {push_pieces, finish_pieces, why_pieces, free_pieces},
            .chunked = chunked_new(options)};
    return &filter->filter;
}

/* An answer's XML. */
struct xml_body {
    struct body_filter filter;
    struct xml_map *map;
};

static int push_xml(struct body_filter *filter, struct span in, struct text *out)
{
    return xml_map_push(((struct xml_body *)filter)->map, in, out);
}

static int finish_xml(struct body_filter *filter, struct text *out)
{
    return xml_map_finish(((struct xml_body *)filter)->map, out);
}

static void free_xml(struct body_filter *filter)
{
    xml_map_free(((struct xml_body *)filter)->map);
    free(filter);
}

static struct body_filter *xml_body_new(const struct names *names)
{
    struct xml_body *body = memory_new(sizeof *body);
    *body = (struct xml_body){.filter = {.push = push_xml, .finish = finish_xml, .free = free_xml},
        .map = xml_map_new(names, NAMES_TO_APP)};
    return &body->filter;
}

/* An answer's head. */
struct plan_mapper {
    struct response_mapper mapper;
    struct plan *plan;
    struct unmap unmap; /* what the head's spans may point to */
};

static int map_head(struct response_mapper *base, struct http_head *head)
{
    struct plan_mapper *mapper = (struct plan_mapper *)base;
    const struct map *map = &mapper->plan->parts->map;
    struct unmap *unmap = &mapper->unmap;
    unmap_fini(unmap);
    if (unmap_answer(map, head->status, head->headers, head->header_count, unmap, NULL) < 0)
        return -EPROTO;
    head->header_count = unmap->header_count;
    memcpy(head->headers, unmap->headers, unmap->header_count * sizeof *head->headers);
    if (unmap->maps_body && head->framing != HTTP_FRAMING_NONE && !mapper->plan->response_filter)
        mapper->plan->response_filter = xml_body_new(&map->names);
    return 0;
}

static void free_mapper(struct response_mapper *base)
{
    unmap_fini(&((struct plan_mapper *)base)->unmap);
    free(base);
}

struct response_mapper *plan_mapper_new(struct plan *plan)
{
    struct plan_mapper *mapper = memory_new(sizeof *mapper);
    *mapper = (struct plan_mapper){.mapper = {map_head, free_mapper}, .plan = plan};
    return &mapper->mapper;
}
