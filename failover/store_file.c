/* The record in a file of this host.
 *
 *     open: directory, lock → read: record, none, or refused → write: unchanged? → replace → done
 *
 * A lock beside the file keeps a second daemon out; without it (a read-only or full disk) the
 * record is served but never written. A file that cannot be believed stays where it is and a copy
 * goes aside. Before each write the file must still be the one that was last read or written, else
 * somebody else changed it and the write is refused. Writing runs on libuv's thread pool, because
 * an fsync may take seconds. */
#include "failover/store_file.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MODE 0640
#define PARENT_MODE 0755
#define DIRECTORY_MODE 0750 /* the one that holds the record */

/* How a file is told from another that took its place. */
struct stamp {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* The write under way; `work` runs in another thread and touches nothing beside this. */
struct file_write {
    uv_work_t work;
    bool busy;
    char *text;
    size_t size;
    uint64_t expected, revision;
    int status;
    bool in_place;
    struct failure why;
    store_written *done;
    void *context;
};

struct store_file {
    struct store base;
    uv_loop_t *loop;
    char *path, *description;
    int lock;           /* -1: the directory would not have it */
    struct stamp known; /* of the file as last read or written */
    uint64_t revision;  /* likewise; 0: none, or refused */
    struct file_write write;
};

static int make_directories(const char *path)
{
    char *copy = memory_text(path), *last = strrchr(copy, '/');
    int status = 0;
    for (char *at = copy + 1; last && at <= last && status == 0; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(copy, at == last ? DIRECTORY_MODE : PARENT_MODE) < 0 && errno != EEXIST)
            status = -errno;
        *at = '/';
    }
    free(copy);
    return status;
}

static int take_lock(struct store_file *file, struct failure *why)
{
    char *path = memory_format("%s.lock", file->path);
    int status = make_directories(path);
    int lock = status < 0 ? -1 : open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (status == 0 && lock < 0)
        status = -errno;
    if (status == 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
        status = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (status == 0)
        file->lock = lock;
    else if (lock >= 0)
        close(lock);
    if (status == -EBUSY)
        failure_set(why, status, "%s is held by another pilotlightd: stop that one first", path);
    else if (status < 0)
        failure_set(why, status, "cannot lock %s: %s", path, strerror(-status));
    free(path);
    return status;
}

static void read_stamp(const char *path, struct stamp *ret)
{
    struct stat stat_now;
    *ret = (struct stamp){.exists = stat(path, &stat_now) == 0};
    if (!ret->exists)
        return;
    ret->device = stat_now.st_dev;
    ret->inode = stat_now.st_ino;
    ret->size = stat_now.st_size;
    ret->modified = stat_now.st_mtim;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

static int read_refused(
    struct store_file *file, const char *text, size_t size, int status, struct store_read *ret)
{
    ret->reading = STORE_REFUSED;
    failure_prefix(&ret->why, status, "%s cannot be believed", file->path);
    if (text) {
        state_salvage(text, size, &ret->seen_revision, &ret->seen_epoch);
        store_file_set_aside(file->path, text, size);
    }
    store_file_salvage_copies(file->path, &ret->seen_revision, &ret->seen_epoch);
    log_warning("state_refused", LOG_TEXT("why", ret->why.text),
        LOG_NUMBER("seen_revision", ret->seen_revision), LOG_NUMBER("seen_epoch", ret->seen_epoch));
    return 0;
}

/* A link to nothing is not the same as nothing: what it led to may be back tomorrow. */
static bool is_link(const char *path)
{
    struct stat stat_now;
    return lstat(path, &stat_now) == 0 && S_ISLNK(stat_now.st_mode);
}

static int file_store_read(struct store *store, struct store_read *ret)
{
    struct store_file *file = (struct store_file *)store;
    char *text = NULL;
    size_t size = 0;
    *ret = (struct store_read){.reading = STORE_NEW};
    file->revision = 0;
    read_stamp(file->path, &file->known);
    int status = file_read(file->path, STORE_FILE_READ_MAX, &text, &size);
    if (status == -ENOENT && !is_link(file->path))
        return 0;
    if (status < 0)
        failure_set(&ret->why, status, "%s", strerror(-status));
    else
        status = state_parse(text, size, &ret->state, &ret->why);
    if (status < 0) {
        status = read_refused(file, text, size, status, ret);
    } else {
        ret->reading = STORE_RECORD;
        file->revision = ret->state->revision;
    }
    free(text);
    return status;
}

/* A file that vanished is no obstacle: the write brings it back. */
static int check_unchanged(struct store_file *file)
{
    struct file_write *write = &file->write;
    struct stamp stamp;
    read_stamp(file->path, &stamp);
    if (!stamp.exists || same_stamp(&stamp, &file->known))
        return 0;
    char *text = NULL;
    size_t size = 0;
    struct state *found = NULL;
    struct failure why = {.text = ""};
    int status = file_read(file->path, STORE_FILE_READ_MAX, &text, &size);
    if (status == 0)
        status = state_parse(text, size, &found, &why);
    bool same = status == 0 && found->revision == write->expected;
    free(text);
    state_free(found);
    if (same)
        return 0;
    return failure_set(&write->why, -ESTALE,
        "somebody else changed %s since it was read; restart pilotlightd to read it again",
        file->path);
}

static const char *advice(int status)
{
    if (status == -ENOSPC || status == -EDQUOT)
        return "make room on that disk and try again";
    if (status == -EROFS || status == -EACCES || status == -EPERM)
        return "its directory must be writable for the daemon's user";
    return "try again when that is mended";
}

static int replace(struct store_file *file)
{
    struct file_write *write = &file->write;
    int status = file_replace(file->path, write->text, write->size, RECORD_MODE, &write->in_place);
    if (status < 0 && write->in_place)
        return failure_set(&write->why, status, "%s is written, but may not outlive a crash: %s",
            file->path, strerror(-status));
    if (status < 0)
        return failure_set(&write->why, status, "cannot write %s: %s; %s", file->path,
            strerror(-status), advice(status));
    return 0;
}

static void work(uv_work_t *request)
{
    struct store_file *file = request->data;
    struct file_write *write = &file->write;
    if (write->status == 0 && file->lock < 0) {
        write->status = take_lock(file, &write->why);
        if (write->status < 0 && write->status != -EBUSY)
            failure_prefix(
                &write->why, 0, "cannot write %s; %s", file->path, advice(write->status));
    }
    if (write->status == 0)
        write->status = check_unchanged(file);
    if (write->status == 0)
        write->status = replace(file);
    if (write->in_place) {
        read_stamp(file->path, &file->known);
        file->revision = write->revision;
    }
}

static void after_work(uv_work_t *request, int cancelled)
{
    struct store_file *file = request->data;
    struct file_write *write = &file->write;
    if (cancelled < 0)
        write->status = failure_set(&write->why, cancelled, "the write was cancelled");
    free(write->text);
    write->text = NULL;
    write->busy = false;
    write->done(write->context, write->status, write->in_place, &write->why);
}

static void file_store_write(
    struct store *store, struct state *next, uint64_t expected, store_written *done, void *context)
{
    struct store_file *file = (struct store_file *)store;
    struct file_write *write = &file->write;
    assert(!write->busy);
    *write = (struct file_write){.busy = true,
        .expected = expected,
        .revision = next->revision,
        .done = done,
        .context = context};
    write->work.data = file;
    if (expected != file->revision)
        write->status = failure_set(&write->why, -ESTALE,
            "%s has revision %" PRIu64 ", not %" PRIu64, file->path, file->revision, expected);
    else
        write->status = state_print(next, &write->text, &write->size, &write->why);
    int queued = uv_queue_work(file->loop, &write->work, work, after_work);
    assert(queued == 0);
    (void)queued;
}

/* Nobody else may write the file, so there is nothing to watch for. */
static void file_store_watch(struct store *store, store_changed *changed, void *context)
{
    (void)store;
    (void)changed;
    (void)context;
}

static void file_store_free(struct store *store)
{
    struct store_file *file = (struct store_file *)store;
    assert(!file->write.busy);
    if (file->lock >= 0)
        close(file->lock);
    free(file->description);
    free(file->path);
    free(file);
}

static const char *file_store_describe(struct store *store)
{
    return ((struct store_file *)store)->description;
}

static const struct store_interface file_store = {.read = file_store_read,
    .write = file_store_write,
    .watch = file_store_watch,
    .free = file_store_free,
    .describe = file_store_describe};

int store_file_open(
    uv_loop_t *loop, const char *path, struct store **ret_store, struct failure *why)
{
    struct store_file *file = memory_new(sizeof *file);
    struct failure unlocked = {.text = ""};
    *ret_store = NULL;
    *file = (struct store_file){.base.calls = &file_store, .loop = loop, .lock = -1};
    file->path = memory_text(path);
    file->description = memory_format("file %s", path);
    int status = take_lock(file, &unlocked);
    if (status == -EBUSY) {
        file_store_free(&file->base);
        return failure_set(why, status, "%s", unlocked.text);
    }
    if (status < 0)
        log_warning("state_read_only", LOG_TEXT("why", unlocked.text));
    *ret_store = &file->base;
    return 0;
}
