#include "base/bind.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define THREADS 3
#define CLIENTS 64

static struct address address_of(const char *ip, int socket)
{
    struct address address;
    socklen_t size = sizeof address;
    assert_true(address_parse_ip(ip, &address));
    if (socket >= 0)
        assert_int_equal(getsockname(socket, &address.any, &size), 0);
    return address;
}

/* An address of 127.0.0.0/8 that no other program of this run uses: a port of it that was free
 * stays free. */
static const char *own_ip(void)
{
    static char ip[INET_ADDRSTRLEN];
    unsigned pid = (unsigned)getpid();
    snprintf(
        ip, sizeof ip, "127.%u.%u.%u", 128 + pid / 62500 % 100, pid / 250 % 250, 1 + pid % 250);
    return ip;
}

static void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

static int option(int socket, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(socket, level, name, &value, &size), 0);
    return value;
}

typedef int bind_some(const struct address *address, int *sockets, size_t count);

static int bind_tcp_some(const struct address *address, int *sockets, size_t count)
{
    return bind_tcp(address, 16, sockets, count);
}

static void threads_share_a_port_that_nobody_else_gets(bind_some *bind_them, int type)
{
    int sockets[THREADS], others[THREADS];
    struct address any_port = address_of(own_ip(), -1);
    assert_int_equal(bind_them(&any_port, sockets, THREADS), 0);
    struct address bound = address_of(own_ip(), sockets[0]);
    for (size_t i = 0; i < THREADS; i++) {
        struct address own = address_of(own_ip(), sockets[i]);
        assert_true(address_equal(&own, &bound));
        assert_int_equal(option(sockets[i], SOL_SOCKET, SO_TYPE), type);
        assert_true(fcntl(sockets[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(sockets[i], F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(bind_them(&bound, others, 1), -EADDRINUSE);
    assert_int_equal(bind_them(&bound, others, THREADS), -EADDRINUSE);
    close_all(sockets, THREADS);
    assert_int_equal(bind_them(&bound, others, THREADS), 0);
    close_all(others, THREADS);
}

static void udp_threads_share_a_port_that_no_second_daemon_gets(void **unused)
{
    (void)unused;
    threads_share_a_port_that_nobody_else_gets(bind_udp, SOCK_DGRAM);
}

static void tcp_threads_share_a_port_that_no_second_daemon_gets(void **unused)
{
    (void)unused;
    threads_share_a_port_that_nobody_else_gets(bind_tcp_some, SOCK_STREAM);
}

static void a_port_held_by_a_careless_neighbour_is_not_joined(void **unused)
{
    (void)unused;
    int one = 1, ours[2], theirs = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct address any_port = address_of(own_ip(), -1);
    assert_int_equal(setsockopt(theirs, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
    assert_int_equal(setsockopt(theirs, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(theirs, &any_port.any, address_size(&any_port)), 0);
    struct address bound = address_of(own_ip(), theirs);
    assert_int_equal(bind_udp(&bound, ours, 2), -EADDRINUSE);
    close(theirs);
}

static int ask(const struct address *to)
{
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &to->any, address_size(to)), 0);
    assert_int_equal(send(client, "?", 1, 0), 1);
    return client;
}

/* The kernel may deliver later than the client's call returns, on a busy machine. */
static void await_any(const int *sockets)
{
    struct pollfd polled[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        polled[i] = (struct pollfd){.fd = sockets[i], .events = POLLIN};
    assert_true(poll(polled, THREADS, 10000) > 0);
}

static void assert_spread(const unsigned *got, unsigned total)
{
    assert_int_equal(total, CLIENTS);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(got[i] > 0); /* by chance: less than once in 10^10 runs */
}

static void udp_clients_are_spread_among_the_threads(void **unused)
{
    (void)unused;
    int sockets[THREADS], clients[CLIENTS];
    unsigned got[THREADS] = {0}, total = 0;
    char byte;
    struct address address = address_of(own_ip(), -1);
    assert_int_equal(bind_udp(&address, sockets, THREADS), 0);
    address = address_of(own_ip(), sockets[0]);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = ask(&address);
    while (total < CLIENTS) {
        await_any(sockets);
        for (size_t i = 0; i < THREADS; i++) {
            for (; recv(sockets[i], &byte, 1, 0) == 1; total++)
                got[i]++;
        }
    }
    assert_spread(got, total);
    close_all(clients, CLIENTS);
    close_all(sockets, THREADS);
}

static void tcp_clients_are_spread_among_the_threads(void **unused)
{
    (void)unused;
    int sockets[THREADS], clients[CLIENTS];
    unsigned got[THREADS] = {0}, total = 0;
    struct address address = address_of(own_ip(), -1);
    assert_int_equal(bind_tcp(&address, 128, sockets, THREADS), 0);
    address = address_of(own_ip(), sockets[0]);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(clients[i], &address.any, address_size(&address)), 0);
    }
    while (total < CLIENTS) {
        await_any(sockets);
        for (size_t i = 0; i < THREADS; i++) {
            for (int fd; (fd = accept(sockets[i], NULL, NULL)) >= 0; total++, got[i]++)
                close(fd);
        }
    }
    assert_spread(got, total);
    close_all(clients, CLIENTS);
    close_all(sockets, THREADS);
}

static void only_a_wildcard_asks_for_the_destination(void **unused)
{
    (void)unused;
    int exact, wildcard;
    struct address loopback = address_of(own_ip(), -1), any = address_of("0.0.0.0", -1);
    assert_int_equal(bind_udp(&loopback, &exact, 1), 0);
    assert_int_equal(bind_udp(&any, &wildcard, 1), 0);
    assert_int_equal(option(exact, IPPROTO_IP, IP_PKTINFO), 0);
    assert_int_equal(option(wildcard, IPPROTO_IP, IP_PKTINFO), 1);
    assert_int_equal(option(exact, SOL_SOCKET, SO_REUSEADDR), 0);
    assert_int_equal(option(exact, SOL_SOCKET, SO_REUSEPORT), 0); /* it has no sibling */
    close(exact);
    close(wildcard);
}

/* Of the same number as this one's, over IPv4; it may be a neighbour's who has nothing to do with
 * us. */
static int bind_beside(int fd)
{
    int beside;
    struct address any4 = address_of("0.0.0.0", -1), bound = address_of("::", fd);
    address_set_port(&any4, address_port(&bound));
    int status = bind_udp(&any4, &beside, 1);
    if (status == 0)
        close(beside);
    return status;
}

static void ipv6_leaves_ipv4_alone(void **unused)
{
    (void)unused;
    int fd, status = -EADDRINUSE;
    struct address any = address_of("::", -1);
    for (unsigned tries = 0; tries < 100 && status == -EADDRINUSE; tries++) {
        if (bind_udp(&any, &fd, 1) == -EAFNOSUPPORT)
            skip();
        assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
        assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
        status = bind_beside(fd);
        close(fd);
    }
    assert_int_equal(status, 0);
}

static void an_address_that_is_not_ours_is_an_error_and_leaks_nothing(void **unused)
{
    (void)unused;
    int sockets[THREADS], before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct address elsewhere = address_of("192.0.2.1", -1);
    close(before);
    assert_int_equal(bind_udp(&elsewhere, sockets, THREADS), -EADDRNOTAVAIL);
    assert_int_equal(bind_tcp(&elsewhere, 1, sockets, THREADS), -EADDRNOTAVAIL);
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(after, before);
    close(after);
}

static void an_inherited_socket_is_found_by_address_and_type(void **unused)
{
    (void)unused;
    int udp, tcp, idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct address address = address_of(own_ip(), -1);
    assert_int_equal(bind_udp(&address, &udp, 1), 0);
    address = address_of(own_ip(), udp);
    assert_int_equal(bind_tcp(&address, 1, &tcp, 1), 0);
    const int inherited[] = {idle, udp, tcp, -1};
    assert_int_equal(bind_find_inherited(inherited, &address, SOCK_DGRAM), udp);
    assert_int_equal(bind_find_inherited(inherited, &address, SOCK_STREAM), tcp);
    assert_int_equal(bind_find_inherited(NULL, &address, SOCK_STREAM), -1);
    address_set_port(&address, 1);
    assert_int_equal(bind_find_inherited(inherited, &address, SOCK_DGRAM), -1);
    close(udp);
    close(tcp);
    close(idle);
}

static void an_inherited_unix_socket_is_found_once_it_listens(void **unused)
{
    (void)unused;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/test_bind.%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int inherited[] = {fd, -1};
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(bind_find_inherited_path(inherited, name.sun_path), -1);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(bind_find_inherited_path(inherited, name.sun_path), fd);
    assert_int_equal(bind_find_inherited_path(inherited, "/tmp/other"), -1);
    close(fd);
    unlink(name.sun_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_threads_share_a_port_that_no_second_daemon_gets),
        cmocka_unit_test(tcp_threads_share_a_port_that_no_second_daemon_gets),
        cmocka_unit_test(a_port_held_by_a_careless_neighbour_is_not_joined),
        cmocka_unit_test(udp_clients_are_spread_among_the_threads),
        cmocka_unit_test(tcp_clients_are_spread_among_the_threads),
        cmocka_unit_test(only_a_wildcard_asks_for_the_destination),
        cmocka_unit_test(ipv6_leaves_ipv4_alone),
        cmocka_unit_test(an_address_that_is_not_ours_is_an_error_and_leaks_nothing),
        cmocka_unit_test(an_inherited_socket_is_found_by_address_and_type),
        cmocka_unit_test(an_inherited_unix_socket_is_found_once_it_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
