#include "resolver/listen_udp.h"

#include "base/bind.h"
#include "tests/unit/engine_scene.h"

#include <errno.h>
#include <sys/socket.h>

#define BATCHES 3
#define ADDRESS 0xc0000207 /* 192.0.2.7 */

static struct engine *const engine = &scene.engine;
static uint16_t refusing_port; /* of a client to whom nothing can be sent; 0: none */

static bool refuses(const struct mmsghdr *message)
{
    const struct sockaddr_in *to = message->msg_hdr.msg_name;
    return refusing_port != 0 && to->sin_port == refusing_port;
}

/* In place of the C library's: a firewall that forbids one client, as the kernel reports it. */
int sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned sent = 0;
    for (; sent < count && !refuses(&messages[sent]); sent++) {
        ssize_t size = sendmsg(socket, &messages[sent].msg_hdr, flags);
        assert_true(size > 0);
        messages[sent].msg_len = (unsigned)size;
    }
    if (sent == 0 && count > 0)
        errno = EPERM;
    return sent > 0 ? (int)sent : -1;
}

static uint16_t port_of(int client)
{
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &size), 0);
    return own.sin_port;
}

static uint64_t durations(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= DURATION_BUCKETS; i++)
        sum += engine->counters.durations[i];
    return sum;
}

static void asks_with_edns(int client, const char *name, uint16_t udp_size)
{
    write_question(1, name, TYPE_A);
    message_opt(&scene.question, udp_size, 0, "", 0);
    sends_question(client);
}

static void every_question_of_full_batches_is_answered(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    for (unsigned i = 0; i < BATCHES * UDP_BATCH; i++)
        asks(client, (uint16_t)i, "fixed.internal");
    for (unsigned i = 0; i < BATCHES * UDP_BATCH; i++)
        is_told(client, (uint16_t)i, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    assert_true(is_told_nothing(client));
    assert_int_equal(durations(), BATCHES * UDP_BATCH);
}

static void a_batch_answers_each_client_its_own_question(void **unused)
{
    int first = udp_client(ALLOWED), second = udp_client(ALLOWED), third = udp_client(ALLOWED);
    (void)unused;
    asks(first, 1, "localhost");
    asks(second, 2, "else.test");
    asks(third, 3, "Fixed.Internal");
    is_told(first, 1, RCODE_NOERROR, "localhost. 3600 A 127.0.0.1");
    is_told(third, 3, RCODE_NOERROR, "Fixed.Internal. 5 A 192.0.2.1");
    assert_true(is_told_nothing(second));
    upstream_tells("else.test", ADDRESS);
    is_told(second, 2, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_true(is_told_nothing(first));
}

static void a_stranger_is_told_nothing_and_counted(void **unused)
{
    int stranger = udp_client(STRANGER), client = udp_client(ALLOWED);
    (void)unused;
    asks(stranger, 1, "fixed.internal");
    asks(stranger, 2, "else.test");
    sends_bytes(stranger, "malformed", 9);
    asks(client, 3, "fixed.internal");
    is_told(client, 3, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    assert_true(is_told_nothing(stranger));
    assert_true(hears_nothing(&scene.upstream));
    assert_int_equal(engine->counters.dropped_not_allowed, 3);
    assert_int_equal(engine->counters.dropped_malformed, 0);
    assert_int_equal(durations(), 1);
}

static void answers_and_fragments_of_a_header_are_told_nothing(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, "fixed.internal", TYPE_A);
    write_be16(scene.question.data + 2, DNS_QR | DNS_RD);
    sends_question(client);
    sends_bytes(client, scene.question.data, DNS_HEADER_SIZE - 1);
    sends_bytes(client, "", 0);
    assert_true(is_told_nothing(client));
    assert_int_equal(engine->counters.dropped_malformed, 3);
    asks(client, 2, "fixed.internal");
    is_told(client, 2, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
}

/* The code alone: nothing that was not understood is repeated. */
static void is_refused(int client, unsigned rcode)
{
    sends_question(client);
    receives(client);
    assert_int_equal(scene.received.size, DNS_HEADER_SIZE);
    assert_int_equal(read_be16(scene.received.data), read_be16(scene.question.data));
    assert_int_equal(read_be16(scene.received.data + 2) & (DNS_QR | DNS_RCODE), DNS_QR | rcode);
}

static void a_malformed_question_is_told_its_code_and_nothing_else(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, "fixed.internal", TYPE_A);
    write_be16(scene.question.data + 4, 2);
    is_refused(client, RCODE_FORMERR);
    write_question(2, "fixed.internal", TYPE_A);
    write_be16(scene.question.data + 2, 2 << 11);
    is_refused(client, RCODE_NOTIMP);
    assert_int_equal(engine->counters.answers[TRANSPORT_UDP][ANSWER_LOCAL][RCODE_FORMERR], 1);
    assert_int_equal(engine->counters.answers[TRANSPORT_UDP][ANSWER_LOCAL][RCODE_NOTIMP], 1);
    write_question(3, "fixed.internal", TYPE_A);
    message_opt(&scene.question, 1232, 1 << 16, "", 0);
    sends_question(client);
    receives(client);
    assert_int_equal(read_be16(scene.received.data + 10), 1);
    assert_int_equal(
        scene.received.data[scene.received.size - DNS_OPT_SIZE + 5], RCODE_BADVERS >> 4);
}

/* What fits into the buffer is a whole question; only the kernel knows that there was more. */
static void a_question_longer_than_the_buffer_is_malformed(void **unused)
{
    static const uint8_t zeros[UDP_QUERY_MAX];
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, "fixed.internal", TYPE_A);
    size_t padding = UDP_QUERY_MAX - scene.question.size - DNS_OPT_SIZE;
    message_opt(&scene.question, 1232, 0, zeros, padding);
    size_t option = scene.question.size - padding;
    write_be16(scene.question.data + option, 12); /* RFC 7830 */
    write_be16(scene.question.data + option + 2, (uint16_t)(padding - 4));
    sends_question(client);
    is_told(client, 1, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    message_put(&scene.question, "", 1);
    is_refused(client, RCODE_FORMERR);
}

static void check_sizes(int client, const char *name, uint16_t udp_size, size_t least, size_t most)
{
    asks_with_edns(client, name, udp_size);
    receives(client);
    assert_true(scene.received.size >= least);
    assert_true(scene.received.size <= most);
}

static bool is_truncated(void)
{
    return read_be16(scene.received.data + 2) & DNS_TC;
}

static void an_answer_is_as_large_as_client_and_network_can_take(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    upstream_says_many(100);
    receives(client);
    assert_true(is_truncated() && scene.received.size <= DNS_UDP_SIZE_MIN);
    asks(client, 1, "else.test");
    receives(client);
    assert_true(is_truncated() && scene.received.size <= DNS_UDP_SIZE_MIN);
    check_sizes(client, "else.test", 4096, 0, DNS_UDP_SIZE);
    assert_true(is_truncated());

    asks_with_edns(client, "forty.test", 4096);
    upstream_hears("forty.test");
    upstream_says_many(40);
    receives(client);
    assert_false(is_truncated());
    check_sizes(client, "forty.test", 1232, 40 * 16, DNS_UDP_SIZE);
    assert_false(is_truncated());
    check_sizes(client, "forty.test", 600, 0, 600);
    assert_true(is_truncated());
    check_sizes(client, "forty.test", 100, 0, DNS_UDP_SIZE_MIN);
    assert_true(is_truncated());
}

static void a_late_answer_is_as_large_as_its_client_can_take(void **unused)
{
    int small = udp_client(ALLOWED), large = udp_client(ALLOWED), huge = udp_client(ALLOWED);
    (void)unused;
    asks(small, 1, "forty.test");
    asks_with_edns(large, "forty.test", 1232);
    upstream_hears("forty.test");
    upstream_says_many(40); /* 666 bytes */
    receives(small);
    assert_true(is_truncated() && scene.received.size <= DNS_UDP_SIZE_MIN);
    receives(large);
    assert_false(is_truncated());
    asks_with_edns(huge, "else.test", 65535);
    upstream_hears("else.test");
    upstream_says_many(76); /* more than 1232 with the OPT */
    receives(huge);
    assert_true(is_truncated() && scene.received.size <= DNS_UDP_SIZE);
}

static void a_client_that_cannot_be_reached_costs_the_others_nothing(void **unused)
{
    int clients[5];
    (void)unused;
    for (unsigned i = 0; i < 5; i++) {
        clients[i] = udp_client(ALLOWED);
        asks(clients[i], (uint16_t)i, "fixed.internal");
    }
    refusing_port = port_of(clients[2]);
    for (unsigned i = 0; i < 5; i++) {
        if (i != 2)
            is_told(clients[i], (uint16_t)i, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    }
    assert_true(is_told_nothing(clients[2]));
    assert_int_equal(engine->counters.dropped_unsent, 1);
    asks(clients[2], 9, "fixed.internal");
    comes_to_rest();
    assert_int_equal(engine->counters.dropped_unsent, 2);
    refusing_port = 0;
    asks(clients[2], 10, "fixed.internal");
    is_told(clients[2], 10, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
}

/* A client that is connected takes nothing from another address. */
static void on_a_wildcard_an_answer_leaves_from_the_address_that_was_asked(void **unused)
{
    struct address any = {.v4 = {.sin_family = AF_INET}};
    socklen_t size = sizeof any;
    int socket;
    (void)unused;
    assert_int_equal(bind_udp(&any, &socket, 1), 0);
    getsockname(socket, &any.any, &size);
    assert_int_equal(udp_listen(engine, socket), 0);
    udp_serve(engine);
    scene.udp.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 2); /* 127.0.0.3 */
    scene.udp.v4.sin_port = any.v4.sin_port;
    int client = udp_client(ALLOWED);
    asks(client, 1, "fixed.internal");
    is_told(client, 1, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    asks(client, 2, "else.test");
    upstream_tells("else.test", ADDRESS);
    is_told(client, 2, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
}

static void a_client_that_went_away_does_not_stop_the_listener(void **unused)
{
    int gone = udp_client(ALLOWED), client = udp_client(ALLOWED);
    (void)unused;
    asks(gone, 1, "else.test");
    upstream_hears("else.test");
    leaves(gone);
    upstream_says_a(60, ADDRESS);
    comes_to_rest();
    asks(client, 2, "else.test");
    is_told(client, 2, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(every_question_of_full_batches_is_answered),
        ENGINE_TEST(a_batch_answers_each_client_its_own_question),
        ENGINE_TEST(a_stranger_is_told_nothing_and_counted),
        ENGINE_TEST(answers_and_fragments_of_a_header_are_told_nothing),
        ENGINE_TEST(a_malformed_question_is_told_its_code_and_nothing_else),
        ENGINE_TEST(a_question_longer_than_the_buffer_is_malformed),
        ENGINE_TEST(an_answer_is_as_large_as_client_and_network_can_take),
        ENGINE_TEST(a_late_answer_is_as_large_as_its_client_can_take),
        ENGINE_TEST(a_client_that_cannot_be_reached_costs_the_others_nothing),
        ENGINE_TEST(on_a_wildcard_an_answer_leaves_from_the_address_that_was_asked),
        ENGINE_TEST(a_client_that_went_away_does_not_stop_the_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
