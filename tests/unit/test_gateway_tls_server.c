#include "proxy/gateway/tls_server.h"

#include "tests/unit/gateway_tls_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* OpenSSL's reasons for an alert: 1000 and its number (RFC 8446 section 6). */
#define ALERT(number) (1000 + (number))
#define PROTOCOL_VERSION ALERT(70)
#define UNRECOGNIZED_NAME ALERT(112)
#define NO_APPLICATION_PROTOCOL ALERT(120)

static struct tls_server *server;
static SSL_CTX *client;

static int begin(void **unused)
{
    if (gateway_tls_begin(unused) < 0)
        return -1;
    server = scene_server(&scene_tickets);
    client = peer_client_context();
    return 0;
}

static int end(void **unused)
{
    SSL_CTX_free(client);
    tls_server_free(server);
    return gateway_tls_end(unused);
}

static void a_managed_name_gets_a_leaf_of_its_own(void **unused)
{
    (void)unused;
    static const char *const hosts[] = {ASSETS, DOTTED};
    for (int i = 0; i < 2; i++) {
        struct ends ends = ends_accept(server, client, hosts[i]);
        assert_int_equal(ends.status, 0);
        assert_int_equal(ends.peer_reason, 0);
        assert_int_equal(SSL_get_verify_result(ends.peer), X509_V_OK);
        assert_string_equal(tls_session_host(ends.session), hosts[i]);
        assert_false(tls_session_is_resumed(ends.session));
        ends_close(&ends);
    }
}

static void the_letter_case_of_a_name_does_not_matter(void **unused)
{
    (void)unused;
    struct ends ends = ends_accept(server, client, "SHOP-Assets.s3.EU-west-1.amazonaws.COM");
    assert_int_equal(ends.status, 0);
    assert_int_equal(ends.peer_reason, 0);
    assert_string_equal(tls_session_host(ends.session), ASSETS);
    ends_close(&ends);
}

static void assert_no_such_name(const char *host)
{
    struct ends ends = ends_accept(server, client, host);
    assert_int_equal(ends.status, -EPROTO);
    assert_int_equal(ends.peer_reason, UNRECOGNIZED_NAME);
    assert_non_null(strstr(tls_session_error(ends.session), "none of ours"));
    ends_close(&ends);
}

static void no_name_or_one_that_is_not_managed_is_unrecognized(void **unused)
{
    (void)unused;
    assert_no_such_name(NULL);
    assert_no_such_name("www.example.org");
    assert_no_such_name("x." ASSETS);
    assert_no_such_name("not a host");
    scene_unmanaged = ASSETS;
    assert_no_such_name(ASSETS);
}

static void versions_before_1_2_are_refused(void **unused)
{
    (void)unused;
    SSL_CTX_set_cipher_list(client, "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(client, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
    struct ends ends = ends_accept(server, client, ASSETS);
    assert_int_equal(ends.status, -EPROTO);
    assert_int_equal(ends.peer_reason, PROTOCOL_VERSION);
    ends_close(&ends);
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    ends = ends_accept(server, client, ASSETS);
    assert_int_equal(ends.status, 0);
    assert_int_equal(SSL_version(ends.peer), TLS1_2_VERSION);
    ends_close(&ends);
}

static void assert_protocol(const char *offered, unsigned size, int reason, const char *expected)
{
    const unsigned char *chosen;
    unsigned chosen_size;
    assert_int_equal(SSL_CTX_set_alpn_protos(client, (const unsigned char *)offered, size), 0);
    struct ends ends = ends_accept(server, client, ASSETS);
    assert_int_equal(ends.peer_reason, reason);
    assert_int_equal(ends.status, reason ? -EPROTO : 0);
    SSL_get0_alpn_selected(ends.peer, &chosen, &chosen_size);
    assert_int_equal(chosen_size, strlen(expected));
    assert_memory_equal(chosen_size ? (const char *)chosen : "", expected, chosen_size);
    ends_close(&ends);
}

static void http_1_1_is_the_only_protocol(void **unused)
{
    (void)unused;
    assert_protocol("\x02h2\x08http/1.1", 12, 0, "http/1.1");
    assert_protocol("\x02h2", 3, NO_APPLICATION_PROTOCOL, "");
    assert_protocol(NULL, 0, 0, "");
}

/* The session that a client may resume: TLS 1.3 sends the ticket after the handshake. */
static SSL_SESSION *session_of(struct tls_server *of, const char *host)
{
    struct ends ends = ends_accept(of, client, host);
    assert_int_equal(ends.status, 0);
    assert_int_equal(tls_session_write(ends.session, "x", 1), 1);
    assert_peer_reads(&ends, "x");
    SSL_SESSION *session = SSL_get1_session(ends.peer);
    assert_true(SSL_SESSION_has_ticket(session));
    SSL_shutdown(ends.peer);
    ends_close(&ends);
    return session;
}

static bool resumes(struct tls_server *at, const char *host, SSL_SESSION *session)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    struct ends ends = ends_resume(at, client, host, copy);
    bool resumed = tls_session_is_resumed(ends.session);
    assert_int_equal(ends.status, 0);
    assert_int_equal(ends.peer_reason, 0);
    assert_int_equal(SSL_session_reused(ends.peer), resumed);
    assert_string_equal(tls_session_host(ends.session), host);
    ends_close(&ends);
    SSL_SESSION_free(copy);
    return resumed;
}

static void use_version(int version)
{
    SSL_CTX_set_max_proto_version(client, version);
}

static void a_ticket_is_good_on_every_loop(void **unused)
{
    (void)unused;
    struct tls_server *other = scene_server(&scene_tickets);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        use_version(version);
        SSL_SESSION *session = session_of(server, ASSETS);
        assert_true(resumes(server, ASSETS, session));
        assert_true(resumes(other, ASSETS, session));
        SSL_SESSION_free(session);
    }
    tls_server_free(other);
}

static void a_ticket_is_good_for_its_own_name_alone(void **unused)
{
    (void)unused;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        use_version(version);
        SSL_SESSION *session = session_of(server, ASSETS);
        assert_false(resumes(server, DOTTED, session));
        scene_unmanaged = ASSETS;
        struct ends ends = ends_resume(server, client, ASSETS, session);
        assert_int_equal(ends.peer_reason, UNRECOGNIZED_NAME);
        ends_close(&ends);
        scene_unmanaged = NULL;
        SSL_SESSION_free(session);
    }
}

/* A server whose hours began earlier has gone on that many hours. */
static struct tls_server *server_ahead(uint64_t hours)
{
    struct tickets ahead = scene_tickets;
    ahead.started_ms -= hours * TICKETS_PERIOD_MS;
    return scene_server(&ahead);
}

static void a_ticket_outlives_its_key_by_two_hours(void **unused)
{
    (void)unused;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        use_version(version);
        SSL_SESSION *session = session_of(server, ASSETS);
        for (uint64_t hours = 1; hours <= 3; hours++) {
            struct tls_server *later = server_ahead(hours);
            assert_int_equal(resumes(later, ASSETS, session), hours < TICKETS_KEPT);
            tls_server_free(later);
        }
        SSL_SESSION_free(session);
    }
}

static void a_ticket_of_another_daemon_is_nothing(void **unused)
{
    (void)unused;
    struct tickets tickets;
    assert_int_equal(tickets_start(&tickets, scene_tickets.started_ms), 0);
    struct tls_server *stranger = scene_server(&tickets);
    SSL_SESSION *session = session_of(stranger, ASSETS);
    assert_false(resumes(server, ASSETS, session));
    SSL_SESSION_free(session);
    tls_server_free(stranger);
}

static void bytes_go_both_ways(void **unused)
{
    (void)unused;
    enum { SIZE = 1 << 20 };
    struct ends ends = ends_accept(server, client, ASSETS);
    uint8_t *sent = malloc(SIZE), *got = calloc(1, SIZE);
    size_t written = 0, read_so_far = 0;
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    while (read_so_far < SIZE) { /* more than the socket holds: it has to wait in between */
        ssize_t taken =
            written < SIZE ? tls_session_write(ends.session, sent + written, SIZE - written) : 0;
        assert_true((taken >= 0 && taken <= 16 << 10) || taken == -EAGAIN);
        if (taken == -EAGAIN)
            assert_int_equal(tls_session_wants(ends.session), UV_WRITABLE);
        written += taken > 0 ? (size_t)taken : 0;
        int more = SSL_read(ends.peer, got + read_so_far, (int)(SIZE - read_so_far));
        read_so_far += more > 0 ? (size_t)more : 0;
    }
    assert_memory_equal(got, sent, SIZE);
    peer_say(&ends, "thanks");
    assert_we_read(&ends, "thanks");
    assert_int_equal(tls_session_read(ends.session, got, SIZE), -EAGAIN);
    assert_int_equal(tls_session_wants(ends.session), UV_READABLE);
    free(sent);
    free(got);
    ends_close(&ends);
}

static void what_was_read_ahead_is_known(void **unused)
{
    (void)unused;
    struct ends ends = ends_accept(server, client, ASSETS);
    char letter;
    assert_false(tls_session_pending(ends.session));
    peer_say(&ends, "a");
    peer_say(&ends, "b");
    assert_int_equal(tls_session_read(ends.session, &letter, 1), 1);
    assert_true(tls_session_pending(ends.session)); /* though the socket is empty */
    assert_int_equal(recv(ends.ours, &letter, 1, MSG_PEEK), -1);
    assert_we_read(&ends, "b");
    assert_false(tls_session_pending(ends.session));
    ends_close(&ends);
}

static void after_a_goodbye_the_answer_still_goes_out(void **unused)
{
    (void)unused;
    char room[8];
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        use_version(version);
        struct ends ends = ends_accept(server, client, ASSETS);
        peer_say(&ends, "question");
        SSL_shutdown(ends.peer);
        assert_we_read(&ends, "question");
        assert_int_equal(tls_session_read(ends.session, room, sizeof room), 0);
        assert_int_equal(tls_session_write(ends.session, "answer", 6), 6);
        assert_peer_reads(&ends, "answer");
        assert_int_equal(tls_session_shutdown(ends.session), 0);
        assert_int_equal(SSL_read(ends.peer, room, sizeof room), 0);
        assert_int_equal(SSL_get_shutdown(ends.peer), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ends_close(&ends);
    }
}

static void an_end_without_a_goodbye_is_told_apart(void **unused)
{
    (void)unused;
    char room[8];
    struct ends ends = ends_accept(server, client, ASSETS);
    peer_say(&ends, "half");
    shutdown(ends.theirs, SHUT_RDWR);
    assert_we_read(&ends, "half");
    assert_int_equal(tls_session_read(ends.session, room, sizeof room), -ECONNRESET);
    assert_true(tls_session_write(ends.session, "x", 1) < 0);
    assert_int_equal(tls_session_shutdown(ends.session), -ECONNRESET);
    ends_close(&ends);
}

static void assert_not_tls(const void *data, size_t size, int expected)
{
    struct ends ends = {0};
    ends_open(&ends);
    assert_int_equal(tls_server_accept(server, ends.ours, &ends.session), 0);
    assert_int_equal(tls_session_handshake(ends.session), -EAGAIN);
    assert_int_equal(tls_session_shutdown(ends.session), -ECONNRESET); /* nothing to say */
    assert_int_equal(send(ends.theirs, data, size, 0), size);
    assert_int_equal(shutdown(ends.theirs, SHUT_WR), 0);
    assert_int_equal(tls_session_handshake(ends.session), expected);
    assert_int_equal(ERR_peek_error(), 0); /* the next session starts with none */
    ends_close(&ends);
}

static void what_is_no_tls_is_refused(void **unused)
{
    (void)unused;
    uint8_t noise[4096];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 151 + 13);
    assert_not_tls(noise, sizeof noise, -EPROTO);
    assert_not_tls("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, -EPROTO);
    assert_not_tls("\x16\x03\x01\x00\x20\x01", 6, -ECONNRESET); /* and then nothing */
    assert_not_tls("", 0, -ECONNRESET);
}

static void a_hello_may_come_byte_by_byte(void **unused)
{
    (void)unused;
    struct ends ends = {0};
    char *hello;
    ends_open(&ends);
    BIO *out = BIO_new(BIO_s_mem());
    SSL *talker = SSL_new(client);
    SSL_set_bio(talker, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(talker);
    SSL_set_tlsext_host_name(talker, DOTTED);
    SSL_do_handshake(talker);
    long size = BIO_get_mem_data(out, &hello);
    assert_int_equal(tls_server_accept(server, ends.ours, &ends.session), 0);
    for (long i = 0; i < size; i++) {
        assert_string_equal(tls_session_host(ends.session), "");
        assert_int_equal(send(ends.theirs, hello + i, 1, 0), 1);
        assert_int_equal(tls_session_handshake(ends.session), -EAGAIN);
    }
    assert_string_equal(tls_session_host(ends.session), DOTTED);
    assert_true(recv(ends.theirs, hello, (size_t)size, MSG_DONTWAIT) > 0); /* the answer */
    SSL_free(talker);
    ends_close(&ends);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_managed_name_gets_a_leaf_of_its_own),
        IN_SCENE(the_letter_case_of_a_name_does_not_matter),
        IN_SCENE(no_name_or_one_that_is_not_managed_is_unrecognized),
        IN_SCENE(versions_before_1_2_are_refused),
        IN_SCENE(http_1_1_is_the_only_protocol),
        IN_SCENE(a_ticket_is_good_on_every_loop),
        IN_SCENE(a_ticket_is_good_for_its_own_name_alone),
        IN_SCENE(a_ticket_outlives_its_key_by_two_hours),
        IN_SCENE(a_ticket_of_another_daemon_is_nothing),
        IN_SCENE(bytes_go_both_ways),
        IN_SCENE(what_was_read_ahead_is_known),
        IN_SCENE(after_a_goodbye_the_answer_still_goes_out),
        IN_SCENE(an_end_without_a_goodbye_is_told_apart),
        IN_SCENE(what_is_no_tls_is_refused),
        IN_SCENE(a_hello_may_come_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
