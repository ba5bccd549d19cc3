#include "base/file.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96], temporary[128];

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/test_file.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/record", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    if (remove(path) < 0 && errno != ENOENT)
        return -1;
    remove(temporary);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    bool renamed = false;
    assert_int_equal(file_replace(path, text, strlen(text), 0640, &renamed), 0);
    assert_true(renamed);
}

static void assert_holds(const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path, 4096, &text, &size), 0);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    free(text);
}

static void a_file_is_replaced_whole_and_leaves_nothing_beside(void **unused)
{
    (void)unused;
    struct stat stat_now;
    write_file("first, and longer");
    write_file("second");
    assert_holds("second");
    assert_int_equal(stat(path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 07777, 0640);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void an_empty_file_is_a_file(void **unused)
{
    (void)unused;
    write_file("");
    assert_holds("");
}

static void the_limit_is_inclusive(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size;
    write_file("12345");
    assert_int_equal(file_read(path, 4, &text, &size), -EFBIG);
    assert_null(text);
    assert_int_equal(file_read(path, 5, &text, &size), 0);
    free(text);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size;
    assert_int_equal(file_read(folder, 10, &text, &size), -EISDIR);
    assert_int_equal(file_read(path, 10, &text, &size), -ENOENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read(path, 10, &text, &size), -EINVAL);
    assert_null(text);
}

static void what_a_crash_left_beside_does_not_matter(void **unused)
{
    (void)unused;
    assert_int_equal(mkfifo(temporary, 0600), 0); /* opening it for writing would wait for ever */
    write_file("whole");
    assert_holds("whole");
}

static void a_failed_replacement_changes_nothing(void **unused)
{
    (void)unused;
    bool renamed = true;
    write_file("old");
    assert_int_equal(mkdir(temporary, 0700), 0);
    assert_true(file_replace(path, "new", 3, 0600, &renamed) < 0);
    assert_false(renamed);
    assert_holds("old");
}

static void a_directory_in_its_place_is_an_error_and_nothing_stays_beside(void **unused)
{
    (void)unused;
    bool renamed = true;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(file_replace(path, "new", 3, 0600, &renamed) < 0);
    assert_false(renamed);
    assert_int_equal(access(temporary, F_OK), -1);
}

/* A limit on the size of files stands for a full disk: the write is cut short in the middle. */
static void a_write_that_is_cut_short_changes_nothing(void **unused)
{
    (void)unused;
    struct rlimit before;
    bool renamed = true;
    char big[8192] = {0};
    write_file("old");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status = file_replace(path, big, sizeof big, 0600, &renamed);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, -EFBIG);
    assert_false(renamed);
    assert_int_equal(access(temporary, F_OK), -1);
    assert_holds("old");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_file_is_replaced_whole_and_leaves_nothing_beside),
        IN_FOLDER(an_empty_file_is_a_file),
        IN_FOLDER(the_limit_is_inclusive),
        IN_FOLDER(what_is_no_regular_file_is_refused_without_waiting),
        IN_FOLDER(what_a_crash_left_beside_does_not_matter),
        IN_FOLDER(a_failed_replacement_changes_nothing),
        IN_FOLDER(a_directory_in_its_place_is_an_error_and_nothing_stays_beside),
        IN_FOLDER(a_write_that_is_cut_short_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
