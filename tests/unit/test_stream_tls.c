#include "tests/unit/played_tls.h"
#include "tests/unit/stream_scene.h"

#include <errno.h>
#include <openssl/err.h>

#define NAME "dns.example.net"
#define PENDING_MAX 256
#define WAITING_MAX 65536 /* bytes of questions until the handshake is done */
#define LARGE (DNS_UDP_SIZE_MIN - 1)

static struct played *const peer = &scene.peer;
static SSL *server;

static int setup(void **unused)
{
    server = NULL;
    stream_setup(unused);
    scene.upstream.tls_name = (char *)NAME;
    return 0;
}

static int teardown(void **unused)
{
    SSL_free(server);
    return stream_teardown(unused);
}

static void takes_tls(const char *names)
{
    takes_connection(peer);
    server = played_tls_new(&(struct played_certificate){.names = names});
    SSL_set_fd(server, peer->connection);
}

/* Whether the call of OpenSSL that brought `result` has to be made again, with more from the other
 * side. */
static bool wants_more(int result)
{
    if (result > 0 || SSL_get_error(server, result) != SSL_ERROR_WANT_READ)
        return false;
    wait_readable(peer->loop, peer->connection);
    return true;
}

static int shake_hands(void)
{
    int result;
    ERR_clear_error();
    while (wants_more(result = SSL_accept(server)))
        ;
    return result;
}

static void hears_tls(uint8_t *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        int got = SSL_read(server, data + have, (int)(size - have));
        if (wants_more(got))
            continue;
        assert_true(got > 0);
        have += (size_t)got;
    }
}

static void hears_tls_question(uint16_t id)
{
    uint8_t length[2];
    hears_tls(length, sizeof length);
    peer->heard.size = read_be16(length);
    hears_tls(peer->heard.data, peer->heard.size);
    is_question(&peer->heard, id);
}

static void says_tls(const struct message *message)
{
    static uint8_t framed[2 + DNS_MESSAGE_MAX];
    write_be16(framed, (uint16_t)message->size);
    memcpy(framed + 2, message->data, message->size);
    assert_int_equal(SSL_write(server, framed, (int)message->size + 2), message->size + 2);
}

static void answers_tls(uint16_t id, uint8_t mark)
{
    static struct message answer;
    answer_of(id, mark, &answer);
    says_tls(&answer);
}

static void questions_and_answers_pass_once_the_peer_is_known(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_tls("DNS:" NAME);
    assert_int_equal(shake_hands(), 1);
    hears_tls_question(1);
    assert_int_equal(ask(1, 2), 0);
    hears_tls_question(2);
    answers_tls(2, 77);
    answers_tls(1, 78);
    is_answered(1, 77);
    is_answered(0, 78);
}

static void what_was_asked_before_the_connection_stands_arrives_whole(void **unused)
{
    uint16_t accepted = 0;
    (void)unused;
    while (ask_large(accepted, accepted, LARGE) == 0)
        accepted++;
    assert_in_range(accepted * (2 + LARGE), WAITING_MAX - LARGE - 2, WAITING_MAX);
    takes_tls("DNS:" NAME);
    assert_int_equal(shake_hands(), 1);
    for (uint16_t id = 0; id < accepted; id++)
        hears_tls_question(id);
}

static void what_is_asked_during_the_handshake_arrives_whole_or_is_refused(void **unused)
{
    uint16_t accepted = 1;
    (void)unused;
    assert_int_equal(ask_large(0, 0, LARGE), 0);
    takes_tls("DNS:" NAME);
    wait_readable(peer->loop, peer->connection); /* the handshake has begun */
    while (ask_large(accepted, accepted, LARGE) == 0)
        accepted++;
    assert_in_range(accepted * (2 + LARGE), WAITING_MAX - LARGE - 2, WAITING_MAX);
    assert_int_equal(shake_hands(), 1);
    for (uint16_t id = 0; id < accepted; id++)
        hears_tls_question(id);
    assert_int_equal(ask_large(accepted, accepted, LARGE), 0);
    hears_tls_question(accepted);
    answers_tls(accepted, 77);
    is_answered(accepted, 77);
}

static void an_answer_of_many_records_comes_whole(void **unused)
{
    static struct message large;
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_tls("DNS:" NAME);
    assert_int_equal(shake_hands(), 1);
    hears_tls_question(1);
    answer_of(1, 77, &large);
    large.size = DNS_MESSAGE_MAX;
    large.data[DNS_MESSAGE_MAX - 1] = 99;
    says_tls(&large);
    is_answered(0, 77);
    assert_int_equal(scene.fetches[0].answer.size, DNS_MESSAGE_MAX);
    assert_int_equal(scene.fetches[0].answer.data[DNS_MESSAGE_MAX - 1], 99);
}

static void a_peer_of_another_name_is_told_so_and_hears_no_question(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_tls("DNS:other.example.net");
    assert_int_equal(shake_hands(), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
    is_failed(0);
    hears_the_end(peer);
}

static void a_peer_that_speaks_no_tls_is_a_failure(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    sends(peer, "\0\24hostile but not TLS", 22);
    is_failed(0);
}

static void an_end_in_mid_handshake_is_a_failure(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    wait_readable(peer->loop, peer->connection);
    close_socket(&peer->connection);
    is_failed(0);
}

static void a_peer_that_stops_in_mid_handshake_is_given_up(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    wait_readable(peer->loop, peer->connection);
    passes(4499);
    assert_int_equal(scene.fetches[0].failures, 0);
    passes(1);
    is_failed(0);
}

static void a_goodbye_is_an_end_and_the_next_question_shakes_hands_anew(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_tls("DNS:" NAME);
    assert_int_equal(shake_hands(), 1);
    hears_tls_question(1);
    SSL_shutdown(server);
    is_failed(0);
    SSL_free(server);
    assert_int_equal(ask(1, 2), 0);
    takes_tls("DNS:" NAME);
    assert_int_equal(shake_hands(), 1);
    hears_tls_question(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(questions_and_answers_pass_once_the_peer_is_known),
        TEST(what_was_asked_before_the_connection_stands_arrives_whole),
        TEST(what_is_asked_during_the_handshake_arrives_whole_or_is_refused),
        TEST(an_answer_of_many_records_comes_whole),
        TEST(a_peer_of_another_name_is_told_so_and_hears_no_question),
        TEST(a_peer_that_speaks_no_tls_is_a_failure),
        TEST(an_end_in_mid_handshake_is_a_failure),
        TEST(a_peer_that_stops_in_mid_handshake_is_given_up),
        TEST(a_goodbye_is_an_end_and_the_next_question_shakes_hands_anew),
    };
    return cmocka_run_group_tests(tests, authority_open, authority_close);
}
