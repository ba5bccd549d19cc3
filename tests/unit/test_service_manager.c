#include "base/service_manager.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void promise(const char *pid, const char *count)
{
    char own[16];
    snprintf(own, sizeof own, "%d", (int)getpid());
    setenv("LISTEN_PID", pid ? pid : own, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", "a:b", 1);
}

static void assert_forgotten(void)
{
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
}

/* Descriptors 3 and 4 as a service manager would leave them, whatever the test program has open. */
static void sockets_are_taken_made_nonblocking_and_kept_from_children(void **unused)
{
    (void)unused;
    int *sockets = NULL, saved[2], pair[2];
    for (int i = 0; i < 2; i++)
        saved[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int high[2] = {fcntl(pair[0], F_DUPFD, 20), fcntl(pair[1], F_DUPFD, 20)};
    for (int i = 0; i < 2; i++)
        assert_int_equal(dup2(high[i], 3 + i), 3 + i);
    promise(NULL, "2");
    assert_int_equal(service_manager_sockets(&sockets, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sockets[i], 3 + i);
        assert_true(fcntl(3 + i, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(3 + i, F_GETFL) & O_NONBLOCK);
        close(high[i]);
        close(3 + i);
        if (saved[i] >= 0)
            dup2(saved[i], 3 + i);
    }
    assert_int_equal(sockets[2], -1);
    assert_forgotten();
    free(sockets);
}

static void without_a_promise_there_is_nothing(void **unused)
{
    (void)unused;
    int *sockets = NULL;
    assert_int_equal(service_manager_sockets(&sockets, NULL), 0);
    assert_null(sockets);
    promise(NULL, "0");
    assert_int_equal(service_manager_sockets(&sockets, NULL), 0);
    assert_null(sockets);
}

static void sockets_for_another_process_are_not_ours(void **unused)
{
    (void)unused;
    int *sockets = NULL;
    promise("1", "1");
    assert_int_equal(service_manager_sockets(&sockets, NULL), 0);
    assert_null(sockets);
    assert_forgotten();
}

static void a_broken_promise_is_an_error_in_words(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"", "x", "-1", "1x", " 1", "1025", "99999999999999999999999"};
    int *sockets = NULL;
    struct failure why;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        promise(NULL, wrong[i]);
        assert_int_equal(service_manager_sockets(&sockets, &why), -EINVAL);
        assert_non_null(strstr(why.text, "LISTEN_FDS"));
        assert_forgotten();
    }
    promise(NULL, "1000"); /* more than are open */
    assert_int_equal(service_manager_sockets(&sockets, &why), -EBADF);
    assert_null(sockets);
}

/* A service manager's end of NOTIFY_SOCKET, at `name` ("@…" is abstract). */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, name);
    if (*name == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *heard(int fd)
{
    static char message[1024];
    ssize_t size = recv(fd, message, sizeof message - 1, 0);
    message[size > 0 ? size : 0] = '\0';
    return message;
}

static void hears_everything(const char *name)
{
    unsigned long long us = 0;
    int fd = listen_at(name);
    assert_int_equal(service_manager_ready("serving"), 0);
    assert_string_equal(heard(fd), "READY=1\nSTATUS=serving");
    assert_int_equal(service_manager_reloading(), 0);
    assert_int_equal(sscanf(heard(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
    assert_true(us > 0);
    assert_int_equal(service_manager_alive(), 0);
    assert_string_equal(heard(fd), "WATCHDOG=1");
    assert_int_equal(service_manager_stopping(), 0);
    assert_string_equal(heard(fd), "STOPPING=1");
    close(fd);
    unsetenv("NOTIFY_SOCKET");
}

static void a_path_hears_every_change(void **unused)
{
    (void)unused;
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_notify.%d", (int)getpid());
    hears_everything(path);
    unlink(path);
}

static void an_abstract_socket_hears_every_change(void **unused)
{
    (void)unused;
    char name[64];
    snprintf(name, sizeof name, "@test_notify.%d", (int)getpid());
    hears_everything(name);
}

static void a_full_queue_does_not_block_us(void **unused)
{
    (void)unused;
    char name[64];
    int status = 0;
    snprintf(name, sizeof name, "@test_notify_full.%d", (int)getpid());
    int fd = listen_at(name);
    for (unsigned i = 0; i < 1000000 && status == 0; i++)
        status = service_manager_alive();
    assert_int_equal(status, -EAGAIN);
    close(fd);
    unsetenv("NOTIFY_SOCKET");
}

static void a_useless_notify_socket_is_an_error_and_none_is_not(void **unused)
{
    (void)unused;
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(service_manager_alive(), 0);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(service_manager_alive(), -EINVAL);
    setenv("NOTIFY_SOCKET", "@", 1);
    assert_int_equal(service_manager_alive(), -EINVAL);
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_int_equal(service_manager_alive(), -EINVAL);
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    assert_int_equal(service_manager_alive(), -ENOENT);
    unsetenv("NOTIFY_SOCKET");
}

static void the_watchdogs_period_is_ours_when_it_is_meant_for_us(void **unused)
{
    (void)unused;
    char own[16];
    snprintf(own, sizeof own, "%d", (int)getpid());
    assert_int_equal(service_manager_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    assert_int_equal(service_manager_watchdog_ms(), 3000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(service_manager_watchdog_ms(), 0);
    setenv("WATCHDOG_PID", own, 1);
    assert_int_equal(service_manager_watchdog_ms(), 3000);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(service_manager_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_taken_made_nonblocking_and_kept_from_children),
        cmocka_unit_test(without_a_promise_there_is_nothing),
        cmocka_unit_test(sockets_for_another_process_are_not_ours),
        cmocka_unit_test(a_broken_promise_is_an_error_in_words),
        cmocka_unit_test(a_path_hears_every_change),
        cmocka_unit_test(an_abstract_socket_hears_every_change),
        cmocka_unit_test(a_full_queue_does_not_block_us),
        cmocka_unit_test(a_useless_notify_socket_is_an_error_and_none_is_not),
        cmocka_unit_test(the_watchdogs_period_is_ours_when_it_is_meant_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
