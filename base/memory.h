/* Allocation for everything that is bounded elsewhere.
 *
 * These never return NULL: without memory the process says so and aborts, and the service manager
 * starts it again into the record on disk. What a peer can make us allocate is bounded by its
 * caller. */
#pragma once

#include <stddef.h>

void *memory_new(size_t size);                               /* zeroed; free() it */
void *memory_new_array(size_t count, size_t size);           /* zeroed; overflow aborts */
void *memory_resize(void *block, size_t count, size_t size); /* like reallocarray */
char *memory_text(const char *text);                         /* strdup; NULL stays NULL */
char *memory_text_of(const void *data, size_t size);         /* NUL-terminated copy */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For a program that serves: what a burst took stays with the process for the next one, up to
 * MEMORY_KEPT of each thread, where giving it back and faulting it in again costs more than all
 * that is done with it. */
#define MEMORY_KEPT (4 << 20)
void memory_keep(void);
