/* On the good day a piece is a line, and the room that a long one took is given back after it. */
#include "failover/aws/link_line.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_KEPT 65536

static void drop_taken(struct link_lines *lines)
{
    size_t left = lines->size - lines->taken;
    if (lines->taken == 0)
        return;
    memmove(lines->data, lines->data + lines->taken, left);
    lines->size = left;
    lines->taken = 0;
    if (left == 0 && lines->room > ROOM_KEPT)
        link_lines_fini(lines);
}

void link_lines_add(struct link_lines *lines, const char *data, size_t size)
{
    drop_taken(lines);
    size_t needed = lines->size + size;
    if (needed > lines->room) {
        size_t room = lines->room ? lines->room : 4096;
        while (room < needed)
            room *= 2;
        lines->data = memory_resize(lines->data, room, 1);
        lines->room = room;
    }
    memcpy(lines->data + lines->size, data, size);
    lines->size = needed;
}

int link_lines_next(struct link_lines *lines, char **ret_line, size_t *ret_size)
{
    size_t from = lines->taken + lines->scanned;
    char *found = from < lines->size ? memchr(lines->data + from, '\n', lines->size - from) : NULL;
    size_t whole = (found ? (size_t)(found - lines->data) : lines->size) - lines->taken;
    if (whole > LINK_LINE_MAX)
        return -EMSGSIZE;
    if (!found) {
        lines->scanned = whole;
        drop_taken(lines);
        return 0;
    }
    *found = '\0';
    *ret_line = lines->data + lines->taken;
    *ret_size = whole;
    lines->taken += whole + 1;
    lines->scanned = 0;
    return 1;
}

void link_lines_fini(struct link_lines *lines)
{
    free(lines->data);
    *lines = (struct link_lines){.data = NULL};
}
