/* What was read from a connection and not used yet: first a head, then the body's first bytes, and
 * perhaps the next head. Bounded by a head's largest size. */
#pragma once

#include "proxy/gateway/http_scan.h"
#include "proxy/gateway/wire.h"

struct intake {
    uint8_t *data;
    size_t room, start, end;
    struct http_scan scan; /* of the head that begins at data[0] */
    uint8_t *ahead;        /* read too far while a body came; belongs behind */
    size_t ahead_size;
};

void intake_fini(struct intake *intake);

/* Reads until a head is whole. HTTP_SCAN_DONE: `*ret_head` are its bytes, which stay where they are
 * until intake_next; HTTP_SCAN_MORE: there is nothing more for now, or the wire has ended; the
 * status to answer with (http_scan.h); or a negative errno: the wire is broken. */
int intake_head(struct intake *intake, struct wire *wire, struct span *ret_head);

/* Used up: the next head may come, from what is left first. */
void intake_next(struct intake *intake);

static inline struct span intake_left(const struct intake *intake)
{
    return span_of(intake->data + intake->start, intake->end - intake->start);
}

/* These of the bytes left remain. */
static inline void intake_keep_last(struct intake *intake, size_t size)
{
    intake->start = intake->end - size;
}

/* Bytes beyond the body's end, when nothing is left. */
void intake_put_back(struct intake *intake, struct span bytes);

bool intake_is_empty(const struct intake *intake);
