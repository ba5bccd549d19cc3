/* The record in a file: kept, refused, restored, and never overwritten unseen. */
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/store.h"
#include "tests/unit/sample_config.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct room {
    char folder[64], path[128];
    uv_loop_t loop;
    struct store *store;
    struct state *state; /* to be written */
    bool written, in_place;
    int status;
    struct failure why;
};

static int setup(void **ret_room)
{
    struct room *room = memory_new(sizeof *room);
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    strcpy(room->folder, "store-test-XXXXXX");
    assert_non_null(mkdtemp(room->folder));
    snprintf(room->path, sizeof room->path, "%s/var/lib/state.json", room->folder);
    assert_int_equal(uv_loop_init(&room->loop), 0);
    assert_int_equal(store_file_open(&room->loop, room->path, &room->store, &room->why), 0);
    room->state = state_at_home(sample_config());
    *ret_room = room;
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static int teardown(void **state)
{
    struct room *room = *state;
    if (room->store)
        room->store->calls->free(room->store);
    uv_run(&room->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&room->loop), 0);
    state_free(room->state);
    nftw(room->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(room);
    return 0;
}

static void on_written(void *context, int status, bool in_place, const struct failure *why)
{
    struct room *room = context;
    room->written = true;
    room->status = status;
    room->in_place = in_place;
    room->why = *why;
}

static int write_revision(struct room *room, uint64_t revision, uint64_t expected)
{
    room->written = false;
    room->state->revision = revision;
    room->store->calls->write(room->store, room->state, expected, on_written, room);
    assert_false(room->written); /* never from within the call */
    uv_run(&room->loop, UV_RUN_DEFAULT);
    assert_true(room->written);
    return room->status;
}

static struct store_read read_it(struct room *room)
{
    struct store_read read;
    assert_int_equal(room->store->calls->read(room->store, &read), 0);
    return read;
}

static void reads_revision(struct room *room, uint64_t revision)
{
    struct store_read read = read_it(room);
    assert_int_equal(read.reading, STORE_RECORD);
    assert_int_equal(read.state->revision, revision);
    state_free(read.state);
}

static struct store_read is_refused(struct room *room, const char *words)
{
    struct store_read read = read_it(room);
    assert_int_equal(read.reading, STORE_REFUSED);
    assert_null(read.state);
    assert_non_null(strstr(read.why.text, room->path));
    if (!strstr(read.why.text, words))
        fail_msg("\"%s\" does not say \"%s\"", read.why.text, words);
    return read;
}

static void reopen(struct room *room)
{
    room->store->calls->free(room->store);
    room->store = NULL;
    assert_int_equal(store_file_open(&room->loop, room->path, &room->store, &room->why), 0);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static size_t copies_aside(struct room *room)
{
    glob_t found = {.gl_pathc = 0};
    char *pattern = memory_format("%s.refused-*", room->path);
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    free(pattern);
    return count;
}

static void without_a_file_the_record_is_new(void **state)
{
    struct room *room = *state;
    assert_int_equal(read_it(room).reading, STORE_NEW);
    assert_non_null(strstr(room->store->calls->describe(room->store), room->path));
}

static void missing_folders_are_made(void **state)
{
    struct room *room = *state;
    char parent[128];
    struct stat stat_now;
    snprintf(parent, sizeof parent, "%s/var/lib", room->folder);
    assert_int_equal(stat(parent, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0027, 0);
}

static void what_was_written_is_read_after_a_restart(void **state)
{
    struct room *room = *state;
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    assert_true(room->in_place);
    assert_int_equal(write_revision(room, 2, 1), 0);
    reopen(room);
    reads_revision(room, 2);
    assert_int_equal(write_revision(room, 3, 2), 0);
    struct stat stat_now;
    assert_int_equal(stat(room->path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0640);
}

static void a_second_daemon_is_kept_out(void **state)
{
    struct room *room = *state;
    struct store *second = NULL;
    assert_int_equal(store_file_open(&room->loop, room->path, &second, &room->why), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(room->why.text, "another pilotlightd"));
}

static void a_write_that_expects_another_revision_is_refused(void **state)
{
    struct room *room = *state;
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    assert_int_equal(write_revision(room, 2, 0), -ESTALE);
    assert_int_equal(write_revision(room, 8, 7), -ESTALE);
    assert_false(room->in_place);
    reads_revision(room, 1);
}

static void a_file_that_somebody_changed_is_not_overwritten(void **state)
{
    struct room *room = *state;
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    put(room->path, "mine now");
    assert_int_equal(write_revision(room, 2, 1), -ESTALE);
    assert_false(room->in_place);
    assert_non_null(strstr(room->why.text, "somebody else changed"));
    is_refused(room, "damaged");
}

static void a_file_that_appears_from_nowhere_is_not_overwritten(void **state)
{
    struct room *room = *state;
    read_it(room);
    put(room->path, "mine now");
    assert_int_equal(write_revision(room, 1, 0), -ESTALE);
}

static void a_file_that_was_only_copied_over_itself_is_fine(void **state)
{
    struct room *room = *state;
    char *text = NULL;
    size_t size = 0;
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    assert_int_equal(file_read(room->path, STATE_SIZE_MAX, &text, &size), 0);
    assert_int_equal(unlink(room->path), 0);
    put(room->path, text);
    free(text);
    assert_int_equal(write_revision(room, 2, 1), 0);
}

static void a_file_that_vanished_is_restored_by_the_next_write(void **state)
{
    struct room *room = *state;
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    assert_int_equal(unlink(room->path), 0);
    assert_int_equal(write_revision(room, 2, 1), 0);
    reads_revision(room, 2);
}

static void a_left_over_temporary_file_is_harmless(void **state)
{
    struct room *room = *state;
    char *temporary = memory_format("%s.tmp", room->path);
    read_it(room);
    put(temporary, "half a rec");
    assert_int_equal(write_revision(room, 1, 0), 0);
    reads_revision(room, 1);
    assert_int_equal(access(temporary, F_OK), -1);
    free(temporary);
}

static void a_torn_state_file_changes_nothing(void **state)
{
    struct room *room = *state;
    read_it(room);
    room->state->epoch = 12;
    assert_int_equal(write_revision(room, 40, 0), 0);
    assert_int_equal(truncate(room->path, 300), 0);
    struct store_read read = is_refused(room, "cut short");
    assert_int_equal(read.seen_revision, 40);
    assert_int_equal(read.seen_epoch, 12);
    assert_int_equal(access(room->path, F_OK), 0);
    assert_int_equal(copies_aside(room), 1);
}

static void the_same_damage_is_set_aside_once(void **state)
{
    struct room *room = *state;
    put(room->path, "damage");
    is_refused(room, "damaged");
    is_refused(room, "damaged");
    assert_int_equal(copies_aside(room), 1);
    put(room->path, "other damage");
    is_refused(room, "damaged");
    assert_int_equal(copies_aside(room), 2);
}

static void counters_are_salvaged_from_earlier_copies_too(void **state)
{
    struct room *room = *state;
    put(room->path, "{\"revision\":90,\"epoch\":30,");
    is_refused(room, "cut short");
    put(room->path, "{\"revision\":95,\"epo");
    struct store_read read = is_refused(room, "cut short");
    assert_int_equal(read.seen_revision, 95);
    assert_int_equal(read.seen_epoch, 30);
}

static void a_refused_file_is_replaced_by_a_forced_record(void **state)
{
    struct room *room = *state;
    put(room->path, "damage");
    is_refused(room, "damaged");
    assert_int_equal(write_revision(room, 41, 0), 0);
    reads_revision(room, 41);
    assert_int_equal(copies_aside(room), 1);
}

static void a_refused_file_that_was_mended_is_not_overwritten(void **state)
{
    struct room *room = *state;
    char *text = NULL;
    size_t size = 0;
    read_it(room);
    assert_int_equal(write_revision(room, 7, 0), 0);
    assert_int_equal(file_read(room->path, STATE_SIZE_MAX, &text, &size), 0);
    put(room->path, "damage");
    is_refused(room, "damaged");
    put(room->path, text);
    free(text);
    assert_int_equal(write_revision(room, 41, 0), -ESTALE);
    reads_revision(room, 7);
}

static void what_cannot_be_read_is_refused_and_never_new(void **state)
{
    struct room *room = *state;
    assert_int_equal(mkdir(room->path, 0755), 0);
    is_refused(room, strerror(EISDIR));
    assert_int_equal(rmdir(room->path), 0);
    assert_int_equal(symlink("nowhere", room->path), 0);
    is_refused(room, strerror(ENOENT));
}

static void a_newer_record_is_refused_as_such(void **state)
{
    struct room *room = *state;
    put(room->path, "{\"format\":2,\"revision\":9,\"epoch\":4}");
    struct store_read read = is_refused(room, "newer pilotlight");
    assert_int_equal(read.seen_epoch, 4);
}

static void a_record_that_is_too_large_is_refused(void **state)
{
    struct room *room = *state;
    put(room->path, "");
    assert_int_equal(truncate(room->path, 64 << 20), 0);
    is_refused(room, strerror(EFBIG));
    assert_int_equal(copies_aside(room), 0);
}

/* A limit on file sizes stands in for a full disk: the write itself fails. */
static void a_full_disk_refuses_the_write_and_changes_nothing(void **state)
{
    struct room *room = *state;
    struct rlimit before, none = {.rlim_cur = 0};
    read_it(room);
    assert_int_equal(write_revision(room, 1, 0), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int status = write_revision(room, 2, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, -EFBIG);
    assert_false(room->in_place);
    assert_non_null(strstr(room->why.text, room->path));
    reads_revision(room, 1);
    assert_int_equal(write_revision(room, 2, 1), 0);
}

/* A file where a folder should be: nothing can be locked or written there, whoever we are. */
static void without_a_lock_the_record_is_served_but_not_written(void **state)
{
    struct room *room = *state;
    room->store->calls->free(room->store);
    char *blocker = memory_format("%s/blocker", room->folder);
    char *path = memory_format("%s/state.json", blocker);
    put(blocker, "");
    assert_int_equal(store_file_open(&room->loop, path, &room->store, &room->why), 0);
    assert_int_equal(read_it(room).reading, STORE_REFUSED);
    assert_int_equal(write_revision(room, 1, 0), -ENOTDIR);
    assert_non_null(strstr(room->why.text, path));
    assert_int_equal(unlink(blocker), 0);
    assert_int_equal(write_revision(room, 1, 0), 0); /* mended: the lock is taken now */
    free(path);
    free(blocker);
}

#define ROOM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM(without_a_file_the_record_is_new),
        ROOM(missing_folders_are_made),
        ROOM(what_was_written_is_read_after_a_restart),
        ROOM(a_second_daemon_is_kept_out),
        ROOM(a_write_that_expects_another_revision_is_refused),
        ROOM(a_file_that_somebody_changed_is_not_overwritten),
        ROOM(a_file_that_appears_from_nowhere_is_not_overwritten),
        ROOM(a_file_that_was_only_copied_over_itself_is_fine),
        ROOM(a_file_that_vanished_is_restored_by_the_next_write),
        ROOM(a_left_over_temporary_file_is_harmless),
        ROOM(a_torn_state_file_changes_nothing),
        ROOM(the_same_damage_is_set_aside_once),
        ROOM(counters_are_salvaged_from_earlier_copies_too),
        ROOM(a_refused_file_is_replaced_by_a_forced_record),
        ROOM(a_refused_file_that_was_mended_is_not_overwritten),
        ROOM(what_cannot_be_read_is_refused_and_never_new),
        ROOM(a_newer_record_is_refused_as_such),
        ROOM(a_record_that_is_too_large_is_refused),
        ROOM(a_full_disk_refuses_the_write_and_changes_nothing),
        ROOM(without_a_lock_the_record_is_served_but_not_written),
    };
    signal(SIGXFSZ, SIG_IGN); /* so that the write fails instead */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
