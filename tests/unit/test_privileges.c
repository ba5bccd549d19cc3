#include "base/privileges.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY "nobody"

/* A line of /proc/self/status that starts with `key`, without the key. */
static void own_status(const char *key, char *ret, int size)
{
    FILE *file = fopen("/proc/self/status", "re");
    size_t length = strlen(key);
    *ret = '\0';
    while (file && fgets(ret, size, file) && strncmp(ret, key, length) != 0)
        *ret = '\0';
    if (file)
        fclose(file);
    memmove(ret, ret + length, strlen(ret) - (*ret ? length : 0) + 1);
}

static bool has_only_bind(const char *set)
{
    char text[128];
    own_status(set, text, sizeof text);
    return strtoull(text, NULL, 16) == 1u << CAP_NET_BIND_SERVICE;
}

static bool can_bind_port_1(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return bound;
}

/* In a child, which never comes back to be root: 0, or the number of what is wrong. */
static int drop_and_look(void)
{
    struct privileges_user user;
    if (privileges_find_user(NOBODY, &user, NULL) < 0 || privileges_drop(&user, NULL) < 0)
        return 1;
    if (getuid() != user.uid || geteuid() != user.uid || getgid() != user.gid)
        return 2;
    if (setuid(0) == 0 || setgid(0) == 0)
        return 3;
    if (!has_only_bind("CapPrm:") || !has_only_bind("CapEff:") || !has_only_bind("CapInh:") ||
        !has_only_bind("CapAmb:"))
        return 4;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 1)
        return 5;
    gid_t groups[64];
    for (int left = getgroups(64, groups); left > 0; left--) {
        if (groups[left - 1] == 0)
            return 6;
    }
    return can_bind_port_1() ? 0 : 7;
}

static void root_becomes_a_user_who_may_only_bind(void **unused)
{
    (void)unused;
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    if (child == 0)
        _exit(drop_and_look());
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void whoever_is_not_root_stays_as_he_is(void **unused)
{
    (void)unused;
    struct privileges_user self = {.uid = getuid(), .gid = getgid()};
    if (geteuid() != 0)
        assert_int_equal(privileges_drop(&self, NULL), 0);
    struct privileges_user root = {.name = "root"};
    assert_int_equal(privileges_drop(&root, NULL), 0);
    assert_int_equal(getuid(), self.uid);
    assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

static void a_user_who_does_not_exist_is_named(void **unused)
{
    (void)unused;
    struct privileges_user user;
    struct failure why;
    assert_int_equal(privileges_find_user("no-such-user", &user, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no-such-user"));
}

static char folder[64];

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/test_privileges.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **unused)
{
    (void)unused;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct stat stat_of(const char *name)
{
    char path[128];
    struct stat now = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &now), 0);
    return now;
}

static int make(const char *name, mode_t mode, const struct privileges_user *user)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return privileges_make_directory(path, mode, user, NULL);
}

static void missing_directories_are_made_and_the_last_is_handed_over(void **unused)
{
    (void)unused;
    struct privileges_user user = {.uid = getuid(), .gid = getgid()};
    if (geteuid() == 0)
        assert_int_equal(privileges_find_user(NOBODY, &user, NULL), 0);
    mode_t before = umask(077);
    assert_int_equal(make("a/b", 0750, &user), 0);
    umask(before);
    struct stat parent = stat_of("a"), last = stat_of("a/b");
    assert_int_equal(parent.st_uid, getuid());
    assert_int_equal(parent.st_mode & 07777, 0755);
    assert_int_equal(last.st_uid, user.uid);
    assert_int_equal(last.st_gid, user.gid);
    assert_int_equal(last.st_mode & 07777, 0750);
}

static void a_directory_that_is_there_stays_as_it_is(void **unused)
{
    (void)unused;
    struct privileges_user user = {.uid = 65534, .gid = 65534};
    assert_int_equal(make("a", 0700, NULL), 0);
    assert_int_equal(make("a", 0755, &user), 0);
    struct stat now = stat_of("a");
    assert_int_equal(now.st_uid, getuid());
    assert_int_equal(now.st_mode & 07777, 0700);
}

static void a_file_in_the_way_is_an_error(void **unused)
{
    (void)unused;
    struct failure why;
    assert_int_equal(privileges_make_directory("/dev/null", 0700, NULL, &why), -ENOTDIR);
    assert_non_null(strstr(why.text, "/dev/null"));
    assert_int_equal(privileges_make_directory("/dev/null/x", 0700, NULL, &why), -ENOTDIR);
}

static void the_file_limit_is_raised_to_what_is_allowed(void **unused)
{
    (void)unused;
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(privileges_raise_file_limit(), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur == before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_a_user_who_may_only_bind),
        cmocka_unit_test(whoever_is_not_root_stays_as_he_is),
        cmocka_unit_test(a_user_who_does_not_exist_is_named),
        IN_FOLDER(missing_directories_are_made_and_the_last_is_handed_over),
        IN_FOLDER(a_directory_that_is_there_stays_as_it_is),
        cmocka_unit_test(a_file_in_the_way_is_an_error),
        cmocka_unit_test(the_file_limit_is_raised_to_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
