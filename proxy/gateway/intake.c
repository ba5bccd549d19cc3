#include "proxy/gateway/intake.h"

#include "base/memory.h"
#include "proxy/gateway/http_message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST (4u << 10)

void intake_fini(struct intake *intake)
{
    free(intake->data);
    free(intake->ahead);
    *intake = (struct intake){0};
}

static void make_room(struct intake *intake)
{
    if (intake->end < intake->room)
        return;
    intake->room = intake->room ? intake->room * 2 : ROOM_FIRST;
    intake->data = memory_resize(intake->data, intake->room, 1);
}

int intake_head(struct intake *intake, struct wire *wire, struct span *ret_head)
{
    for (;;) {
        int status = http_scan(&intake->scan, span_of(intake->data, intake->end));
        if (status == HTTP_SCAN_DONE) {
            size_t begin = intake->scan.begin;
            intake->start = intake->scan.seen;
            *ret_head = span_of(intake->data + begin, intake->start - begin);
        }
        if (status != HTTP_SCAN_MORE || !wire->readable)
            return status;
        make_room(intake);
        assert(intake->room <= 2 * HTTP_MESSAGE_HEAD_MAX);
        ssize_t got = wire_read(wire, intake->data + intake->end, intake->room - intake->end);
        if (got <= 0)
            return got == -EAGAIN || got == 0 ? HTTP_SCAN_MORE : (int)got;
        intake->end += (size_t)got;
    }
}

void intake_next(struct intake *intake)
{
    size_t left = intake->end - intake->start;
    if (intake->ahead) {
        assert(left == 0);
        free(intake->data);
        intake->data = intake->ahead;
        intake->room = left = intake->ahead_size;
        intake->ahead = NULL;
    } else if (left > 0) {
        memmove(intake->data, intake->data + intake->start, left);
    } else if (intake->room > ROOM_FIRST) {
        free(intake->data);
        intake->data = NULL;
        intake->room = 0;
    }
    intake->start = 0;
    intake->end = left;
    intake->scan = (struct http_scan){0};
}

void intake_put_back(struct intake *intake, struct span bytes)
{
    if (bytes.size == 0)
        return;
    assert(intake->start == intake->end && !intake->ahead);
    intake->ahead = memory_new_array(bytes.size, 1);
    memcpy(intake->ahead, bytes.data, bytes.size);
    intake->ahead_size = bytes.size;
}

bool intake_is_empty(const struct intake *intake)
{
    return intake->start == intake->end && !intake->ahead;
}
