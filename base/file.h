/* Whole files: read bounded, replaced atomically. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a regular file of at most `limit` bytes. `*ret_text` is NUL-terminated and the caller's.
 * -ENOENT, -EACCES …, -EFBIG beyond the limit, -EISDIR / -EINVAL when it is no regular file. */
int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size);

/* Replaces `path` by way of `path.tmp`: write, fsync, rename, fsync the directory. 0, or an error
 * with `*ret_renamed` false: the old file is untouched. With `*ret_renamed` true the new content is
 * in place and only its durability is in doubt. */
int file_replace(const char *path, const void *data, size_t size, mode_t mode, bool *ret_renamed);
