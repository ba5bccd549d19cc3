#include "resolver/tls.h"

#include "tests/unit/played_tls.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#define NAME "dns.example.net"
#define WAITING_MAX 65536

struct scene {
    struct tls *client;
    SSL *server;
    BIO *to_server, *to_client;
    int status; /* what tls_receive said, when it was an error */
};

static struct scene scene;
static uint8_t bytes[WAITING_MAX + 1], heard[WAITING_MAX + 1];

static void meet(const char *name, const struct played_certificate *certificate)
{
    assert_int_equal(tls_new(name, &scene.client), 0);
    scene.server = played_tls_new(certificate);
    scene.to_server = BIO_new(BIO_s_mem());
    scene.to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(scene.server, scene.to_server, scene.to_client);
}

static void meet_good(void)
{
    meet(NAME, &(struct played_certificate){.names = "DNS:" NAME ",IP:192.0.2.53"});
}

static int setup(void **unused)
{
    (void)unused;
    scene = (struct scene){0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    memset(heard, 0, sizeof heard);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    tls_free(scene.client);
    SSL_free(scene.server);
    return 0;
}

/* Carries what there is, in pieces of `piece` bytes; whether there was anything. */
static bool carry_once(size_t piece)
{
    uint8_t data[4096];
    size_t to_server = tls_take(scene.client, data, piece);
    if (to_server > 0)
        assert_int_equal(BIO_write(scene.to_server, data, (int)to_server), to_server);
    if (!SSL_is_init_finished(scene.server))
        SSL_do_handshake(scene.server);
    int to_client = BIO_read(scene.to_client, data, (int)piece);
    if (to_client <= 0)
        return to_server > 0;
    int status = tls_receive(scene.client, data, (size_t)to_client);
    scene.status = status < 0 ? status : scene.status;
    return true;
}

static void carry(void)
{
    while (carry_once(4096) && scene.status == 0)
        ;
}

static size_t server_hears(void)
{
    size_t have = 0;
    int got;
    carry();
    while ((got = SSL_read(scene.server, heard + have, (int)(sizeof heard - have))) > 0)
        have += (size_t)got;
    return have;
}

static void is_refused(const char *why)
{
    tls_write(scene.client, bytes, 100);
    carry();
    assert_int_equal(scene.status, -EPROTO);
    assert_string_equal(tls_error(scene.client), why);
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), 0);
    assert_int_equal(server_hears(), 0);
}

static void bytes_pass_both_ways_once_the_peer_is_known(void **unused)
{
    (void)unused;
    meet_good();
    carry();
    assert_int_equal(scene.status, 0);
    assert_int_equal(tls_write(scene.client, bytes, 300), 0);
    assert_int_equal(server_hears(), 300);
    assert_memory_equal(heard, bytes, 300);
    assert_int_equal(SSL_write(scene.server, bytes + 300, 200), 200);
    carry();
    assert_int_equal(tls_read(scene.client, heard, 150), 150);
    assert_int_equal(tls_read(scene.client, heard + 150, 150), 50);
    assert_int_equal(tls_read(scene.client, heard + 200, 150), 0);
    assert_memory_equal(heard, bytes + 300, 200);
}

static void the_handshake_may_come_byte_by_byte(void **unused)
{
    (void)unused;
    meet_good();
    tls_write(scene.client, bytes, 10);
    while (carry_once(1))
        ;
    assert_int_equal(scene.status, 0);
    assert_int_equal(server_hears(), 10);
}

static void what_was_written_before_the_handshake_arrives_whole_and_in_order(void **unused)
{
    (void)unused;
    meet_good();
    for (size_t at = 0; at < WAITING_MAX; at += 512)
        assert_int_equal(tls_write(scene.client, bytes + at, 512), 0);
    assert_int_equal(server_hears(), WAITING_MAX);
    assert_memory_equal(heard, bytes, WAITING_MAX);
}

static void what_is_written_at_once_afterwards_arrives_whole_as_well(void **unused)
{
    (void)unused;
    meet_good();
    carry();
    assert_int_equal(tls_write(scene.client, bytes, WAITING_MAX), 0);
    assert_int_equal(server_hears(), WAITING_MAX);
    assert_memory_equal(heard, bytes, WAITING_MAX);
}

static void more_than_can_wait_is_refused_and_the_rest_arrives(void **unused)
{
    (void)unused;
    meet_good();
    assert_int_equal(tls_write(scene.client, bytes, WAITING_MAX - 1), 0);
    assert_int_equal(tls_write(scene.client, bytes, 2), -EBUSY);
    assert_int_equal(tls_write(scene.client, bytes + WAITING_MAX - 1, 1), 0);
    assert_int_equal(server_hears(), WAITING_MAX);
    assert_memory_equal(heard, bytes, WAITING_MAX);
}

static void a_certificate_for_another_name_is_refused(void **unused)
{
    (void)unused;
    meet(NAME, &(struct played_certificate){.names = "DNS:other.example.net,DNS:" NAME ".example"});
    is_refused("hostname mismatch");
}

static void an_address_is_looked_for_among_the_addresses(void **unused)
{
    (void)unused;
    meet("192.0.2.53", &(struct played_certificate){.names = "IP:192.0.2.53"});
    carry();
    assert_int_equal(scene.status, 0);
    tls_write(scene.client, bytes, 10);
    assert_int_equal(server_hears(), 10);
}

static void another_address_is_refused(void **unused)
{
    (void)unused;
    meet("192.0.2.53", &(struct played_certificate){.names = "IP:192.0.2.54,DNS:192.0.2.53"});
    is_refused("IP address mismatch");
}

static void a_certificate_of_a_strangers_is_refused(void **unused)
{
    (void)unused;
    meet(NAME, &(struct played_certificate){.names = "DNS:" NAME, .of_a_stranger = true});
    is_refused("unable to get local issuer certificate");
}

static void a_certificate_whose_time_is_over_is_refused(void **unused)
{
    (void)unused;
    meet(NAME, &(struct played_certificate){.names = "DNS:" NAME, .expired = true});
    is_refused("certificate has expired");
}

static void the_peer_is_told_which_name_is_wanted(void **unused)
{
    (void)unused;
    meet_good();
    carry();
    assert_string_equal(SSL_get_servername(scene.server, TLSEXT_NAMETYPE_host_name), NAME);
}

static void an_address_is_not_told_as_a_name(void **unused)
{
    (void)unused;
    meet("192.0.2.53", &(struct played_certificate){.names = "IP:192.0.2.53"});
    carry();
    assert_null(SSL_get_servername(scene.server, TLSEXT_NAMETYPE_host_name));
}

static void a_peer_that_knows_nothing_newer_than_tls_1_1_is_refused(void **unused)
{
    (void)unused;
    meet_good();
    SSL_set_security_level(scene.server, 0);
    assert_int_equal(SSL_set_min_proto_version(scene.server, TLS1_VERSION), 1);
    assert_int_equal(SSL_set_max_proto_version(scene.server, TLS1_1_VERSION), 1);
    is_refused("the TLS handshake failed");
}

static void tls_1_2_will_do(void **unused)
{
    (void)unused;
    meet_good();
    assert_int_equal(SSL_set_max_proto_version(scene.server, TLS1_2_VERSION), 1);
    assert_int_equal(tls_write(scene.client, bytes, 20000), 0);
    assert_int_equal(server_hears(), 20000);
    assert_memory_equal(heard, bytes, 20000);
}

static void garbage_is_an_error_and_not_a_wait(void **unused)
{
    (void)unused;
    meet_good();
    assert_int_equal(
        tls_receive(scene.client, (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n", 26), -EPROTO);
}

static void a_byte_that_was_changed_on_the_way_is_an_error(void **unused)
{
    uint8_t record[512];
    (void)unused;
    meet_good();
    carry();
    assert_int_equal(SSL_write(scene.server, bytes, 100), 100);
    int size = BIO_read(scene.to_client, record, sizeof record);
    record[size / 2] ^= 1;
    assert_int_equal(tls_receive(scene.client, record, (size_t)size), 0);
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), -EPROTO);
}

static void a_peer_that_says_goodbye_has_closed(void **unused)
{
    (void)unused;
    meet_good();
    carry();
    assert_int_equal(SSL_write(scene.server, bytes, 5), 5);
    SSL_shutdown(scene.server);
    carry();
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), 5);
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), -ECONNRESET);
}

static void an_error_that_the_thread_met_elsewhere_is_not_this_connections(void **unused)
{
    (void)unused;
    meet_good();
    carry();
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), 0); /* its session tickets */
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    assert_int_equal(tls_read(scene.client, heard, sizeof heard), 0);
}

static void one_connections_failure_is_not_the_next_ones(void **unused)
{
    (void)unused;
    meet(NAME, &(struct played_certificate){.names = "DNS:other.example.net"});
    carry();
    assert_int_equal(scene.status, -EPROTO);
    teardown(NULL);
    setup(NULL);
    meet_good();
    tls_write(scene.client, bytes, 10);
    assert_int_equal(server_hears(), 10);
    assert_int_equal(scene.status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_pass_both_ways_once_the_peer_is_known),
        TEST(the_handshake_may_come_byte_by_byte),
        TEST(what_was_written_before_the_handshake_arrives_whole_and_in_order),
        TEST(what_is_written_at_once_afterwards_arrives_whole_as_well),
        TEST(more_than_can_wait_is_refused_and_the_rest_arrives),
        TEST(a_certificate_for_another_name_is_refused),
        TEST(an_address_is_looked_for_among_the_addresses),
        TEST(another_address_is_refused),
        TEST(a_certificate_of_a_strangers_is_refused),
        TEST(a_certificate_whose_time_is_over_is_refused),
        TEST(the_peer_is_told_which_name_is_wanted),
        TEST(an_address_is_not_told_as_a_name),
        TEST(a_peer_that_knows_nothing_newer_than_tls_1_1_is_refused),
        TEST(tls_1_2_will_do),
        TEST(garbage_is_an_error_and_not_a_wait),
        TEST(a_byte_that_was_changed_on_the_way_is_an_error),
        TEST(a_peer_that_says_goodbye_has_closed),
        TEST(an_error_that_the_thread_met_elsewhere_is_not_this_connections),
        TEST(one_connections_failure_is_not_the_next_ones),
    };
    return cmocka_run_group_tests(tests, authority_open, authority_close);
}
