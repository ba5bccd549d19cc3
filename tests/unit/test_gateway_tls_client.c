#include "proxy/gateway/tls_client.h"

#include "base/memory.h"
#include "tests/unit/ca_scene.h"
#include "tests/unit/gateway_tls_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DAY CA_SCENE_DAY

static struct tls_client *client;
static X509_STORE *trust;

static int begin(void **unused)
{
    if (gateway_tls_begin(unused) < 0)
        return -1;
    char *path = ca_scene_path("ca.crt");
    int status = tls_trust_load(path, &trust, NULL);
    free(path);
    return status == 0 ? tls_client_new(trust, &client) : status;
}

static int end(void **unused)
{
    tls_client_free(client);
    X509_STORE_free(trust);
    return gateway_tls_end(unused);
}

static void a_server_that_proves_its_name_is_spoken_with(void **unused)
{
    (void)unused;
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    struct ends ends = ends_connect(client, server, ASSETS);
    assert_int_equal(ends.status, 0);
    assert_string_equal(tls_session_host(ends.session), ASSETS);
    assert_string_equal(SSL_get_servername(ends.peer, TLSEXT_NAMETYPE_host_name), ASSETS);
    assert_int_equal(tls_session_write(ends.session, "question", 8), 8);
    assert_peer_reads(&ends, "question");
    peer_say(&ends, "answer");
    assert_we_read(&ends, "answer");
    ends_close(&ends);
    SSL_CTX_free(server);
}

static void assert_rejected(SSL_CTX *server, const char *host, const char *words)
{
    struct ends ends = ends_connect(client, server, host);
    assert_int_equal(ends.status, -EKEYREJECTED);
    assert_string_equal(tls_session_error(ends.session), words);
    ends_close(&ends);
    SSL_CTX_free(server);
}

static void a_server_that_does_not_is_rejected_and_told_why(void **unused)
{
    (void)unused;
    assert_rejected(peer_server_context(ASSETS, -3 * DAY, -DAY), ASSETS, "certificate has expired");
    assert_rejected(
        peer_server_context(ASSETS, DAY, 2 * DAY), ASSETS, "certificate is not yet valid");
    assert_rejected(peer_server_context(DOTTED, -60, DAY), ASSETS, "hostname mismatch");
    assert_rejected(
        peer_server_context("example.org", -60, DAY), "example.org", "permitted subtree violation");
    assert_rejected(peer_server_context(ASSETS, -60, DAY), "127.0.0.1", "IP address mismatch");
    tls_client_free(client);
    X509_STORE *nobody = X509_STORE_new();
    assert_int_equal(tls_client_new(nobody, &client), 0);
    X509_STORE_free(nobody);
    assert_rejected(
        peer_server_context(ASSETS, -60, DAY), ASSETS, "unable to get local issuer certificate");
}

static void what_is_no_host_is_refused(void **unused)
{
    (void)unused;
    struct tls_session *session;
    struct ends ends = {0};
    ends_open(&ends);
    assert_int_equal(tls_client_connect(client, ends.ours, "", &session), -EINVAL);
    assert_int_equal(tls_client_connect(client, ends.ours, "UPPER.example", &session), -EINVAL);
    assert_int_equal(tls_client_connect(client, ends.ours, "*.example", &session), -EINVAL);
    ends_close(&ends);
}

/* One request and its answer: the ticket comes before the answer. */
static struct ends exchange(SSL_CTX *server, const char *host)
{
    struct ends ends = ends_connect(client, server, host);
    assert_int_equal(ends.status, 0);
    peer_say(&ends, "answer");
    assert_we_read(&ends, "answer");
    return ends;
}

static void the_next_connection_to_a_host_goes_on_from_the_last(void **unused)
{
    (void)unused;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
        SSL_CTX_set_max_proto_version(server, version);
        for (int i = 0; i < 3; i++) { /* each ends without a goodbye */
            struct ends ends = exchange(server, ASSETS);
            assert_int_equal(tls_session_is_resumed(ends.session), i > 0);
            SSL_set_shutdown(ends.peer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
            shutdown(ends.theirs, SHUT_RDWR);
            char room[8];
            assert_int_equal(tls_session_read(ends.session, room, sizeof room), -ECONNRESET);
            ends_close(&ends);
        }
        SSL_CTX_free(server);
        tls_client_free(client);
        assert_int_equal(tls_client_new(trust, &client), 0);
    }
}

static void a_session_is_not_carried_to_another_host(void **unused)
{
    (void)unused;
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    struct ends ends = exchange(server, ASSETS);
    ends_close(&ends);
    ends = ends_connect(client, server, DOTTED); /* resumed, the name would go unlooked at */
    assert_int_equal(ends.status, -EKEYREJECTED);
    ends_close(&ends);
    ends = ends_connect(client, server, ASSETS);
    assert_true(tls_session_is_resumed(ends.session));
    ends_close(&ends);
    SSL_CTX_free(server);
}

static void a_failed_handshake_forgets_the_session(void **unused)
{
    (void)unused;
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    struct ends ends = exchange(server, ASSETS);
    ends_close(&ends);
    ends_open(&ends);
    assert_int_equal(tls_client_connect(client, ends.ours, ASSETS, &ends.session), 0);
    assert_int_equal(tls_session_handshake(ends.session), -EAGAIN);
    assert_int_equal(send(ends.theirs, "HTTP/1.1 400 Bad\r\n\r\n", 20, 0), 20);
    assert_int_equal(tls_session_handshake(ends.session), -EPROTO);
    ends_close(&ends);
    ends = ends_connect(client, server, ASSETS);
    assert_int_equal(ends.status, 0);
    assert_false(tls_session_is_resumed(ends.session));
    ends_close(&ends);
    SSL_CTX_free(server);
}

/* One server of many hosts: its tickets are good for all of them. */
static bool resumes(SSL_CTX *server, int number)
{
    char host[64];
    snprintf(host, sizeof host, "h%d." ASSETS, number);
    X509 *leaf = ca_scene_leaf(scene_ca, host, time(NULL) - 60, time(NULL) + DAY);
    assert_int_equal(SSL_CTX_use_cert_and_key(server, leaf, ca_scene_key(), NULL, 1), 1);
    struct ends ends = exchange(server, host);
    bool resumed = tls_session_is_resumed(ends.session);
    ends_close(&ends);
    X509_free(leaf);
    return resumed;
}

static void the_oldest_session_goes_when_there_are_too_many(void **unused)
{
    (void)unused;
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    for (int i = 0; i <= TLS_CLIENT_SESSIONS_MAX; i++)
        assert_false(resumes(server, i));
    assert_true(resumes(server, TLS_CLIENT_SESSIONS_MAX));
    assert_true(resumes(server, 1));
    assert_false(resumes(server, 0));
    SSL_CTX_free(server);
}

static void a_server_of_tls_1_1_is_refused(void **unused)
{
    (void)unused;
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    SSL_CTX_set_cipher_list(server, "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(server, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION);
    struct ends ends = ends_connect(client, server, ASSETS);
    assert_int_equal(ends.status, -EPROTO);
    ends_close(&ends);
    SSL_CTX_free(server);
}

static int verdict_of(const char *ca_file)
{
    X509_STORE *loaded;
    struct tls_client *other;
    struct failure why = {""};
    if (tls_trust_load(ca_file, &loaded, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(tls_client_new(loaded, &other), 0);
    X509_STORE_free(loaded);
    SSL_CTX *server = peer_server_context(ASSETS, -60, DAY);
    struct ends ends = ends_connect(other, server, ASSETS);
    int status = ends.status;
    ends_close(&ends);
    SSL_CTX_free(server);
    tls_client_free(other);
    return status;
}

/* The certificate of another CA, of the same names. */
static char *stranger_file(void)
{
    struct ca *other;
    char *directory = ca_scene_path("other"), *file = ca_scene_path("other/ca.crt");
    static const char *const hosts[] = {ASSETS, NULL};
    struct ca_names names = ca_scene_names(hosts);
    assert_int_equal(ca_open(directory, &names, time(NULL), &other, NULL), 0);
    ca_free(other);
    free(directory);
    return file;
}

static void ssl_cert_file_is_honoured_and_a_named_file_overrides_it(void **unused)
{
    (void)unused;
    char *path = ca_scene_path("ca.crt"), *empty = ca_scene_path("empty");
    X509_STORE *loaded;
    struct failure why;
    unsetenv("SSL_CERT_FILE");
    assert_int_equal(verdict_of(NULL), -EKEYREJECTED);
    setenv("SSL_CERT_FILE", path, 1);
    assert_int_equal(verdict_of(NULL), 0);
    char *stranger = stranger_file();
    assert_int_equal(verdict_of(stranger), -EKEYREJECTED);
    free(stranger);
    setenv("SSL_CERT_FILE", empty, 1);
    assert_int_equal(verdict_of(path), 0);
    assert_int_equal(tls_trust_load(NULL, &loaded, &why), -EINVAL);
    assert_non_null(strstr(why.text, "SSL_CERT_FILE"));
    assert_int_equal(tls_trust_load("/dev/null", &loaded, &why), -EINVAL);
    assert_non_null(strstr(why.text, "/dev/null"));
    unsetenv("SSL_CERT_FILE");
    free(path);
    free(empty);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_server_that_proves_its_name_is_spoken_with),
        IN_SCENE(a_server_that_does_not_is_rejected_and_told_why),
        IN_SCENE(what_is_no_host_is_refused),
        IN_SCENE(the_next_connection_to_a_host_goes_on_from_the_last),
        IN_SCENE(a_session_is_not_carried_to_another_host),
        IN_SCENE(a_failed_handshake_forgets_the_session),
        IN_SCENE(the_oldest_session_goes_when_there_are_too_many),
        IN_SCENE(a_server_of_tls_1_1_is_refused),
        IN_SCENE(ssl_cert_file_is_honoured_and_a_named_file_overrides_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
