#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int file, size_t limit, char **ret_text, size_t *ret_size)
{
    struct stat stat;
    if (fstat(file, &stat) < 0)
        return -errno;
    if (!S_ISREG(stat.st_mode))
        return S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
    if ((unsigned long long)stat.st_size > limit)
        return -EFBIG;
    size_t room = (size_t)stat.st_size, size = 0;
    char *text = memory_new(room + 1);
    while (size < room) {
        ssize_t got = read(file, text + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int status = -errno;
            free(text);
            return status;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    *ret_text = text;
    *ret_size = size;
    return 0;
}

int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return -errno;
    int status = read_all(file, limit, ret_text, ret_size);
    close(file);
    return status;
}

static int write_all(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_and_sync(const char *path, const void *data, size_t size, mode_t mode)
{
    unlink(path); /* what a crash left behind, or somebody's pipe or link */
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0)
        return -errno;
    int status = fchmod(file, mode) < 0 ? -errno : write_all(file, data, size);
    if (status == 0 && fsync(file) < 0)
        status = -errno;
    if (close(file) < 0 && status == 0)
        status = -errno;
    return status;
}

static int sync_directory_of(const char *path)
{
    char *copy = memory_text(path);
    int file = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = file < 0 || fsync(file) < 0 ? -errno : 0;
    if (file >= 0)
        close(file);
    free(copy);
    return status;
}

int file_replace(const char *path, const void *data, size_t size, mode_t mode, bool *ret_renamed)
{
    char *temporary = memory_format("%s.tmp", path);
    *ret_renamed = false;
    int status = write_and_sync(temporary, data, size, mode);
    if (status == 0 && rename(temporary, path) < 0)
        status = -errno;
    if (status < 0) {
        unlink(temporary);
    } else {
        *ret_renamed = true;
        status = sync_directory_of(path);
    }
    free(temporary);
    return status;
}
