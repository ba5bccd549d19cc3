/* Bytes that come in pieces, as lines. Bounded: a line that does not end is an error. */
#pragma once

#include <stddef.h>

/* Of what the daemon says: a status with a long history; more is not believed. */
#define LINK_LINE_MAX (4u << 20)

struct link_lines {
    char *data;
    size_t size, room;
    size_t taken;   /* bytes of lines that were handed out */
    size_t scanned; /* bytes without a newline, from `taken` on */
};

void link_lines_add(struct link_lines *lines, const char *data, size_t size);

/* 1: a line, NUL-terminated without its newline, good until the next call; 0: none is whole yet;
 * -EMSGSIZE: what is there is longer than LINK_LINE_MAX. */
int link_lines_next(struct link_lines *lines, char **ret_line, size_t *ret_size);
void link_lines_fini(struct link_lines *lines);
