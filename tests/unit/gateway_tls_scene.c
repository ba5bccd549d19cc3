#include "tests/unit/gateway_tls_scene.h"

#include "base/clock.h"
#include "tests/unit/ca_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURNS 100 /* a handshake takes five */

struct ca *scene_ca;
struct tickets scene_tickets;
const char *scene_unmanaged;

static const char *const names[] = {ASSETS, DOTTED, NULL};

int gateway_tls_begin(void **unused)
{
    signal(SIGPIPE, SIG_IGN);
    scene_unmanaged = NULL;
    if (ca_scene_begin(unused) < 0)
        return -1;
    scene_ca = ca_scene_open(time(NULL), names);
    return tickets_start(&scene_tickets, clock_boot_ms());
}

int gateway_tls_end(void **unused)
{
    ca_free(scene_ca);
    tickets_wipe(&scene_tickets);
    return ca_scene_end(unused);
}

static bool is_managed(void *context, const char *host)
{
    (void)context;
    for (const char *const *name = names; *name; name++) {
        if (strcmp(*name, host) == 0)
            return !scene_unmanaged || strcmp(scene_unmanaged, host) != 0;
    }
    return false;
}

struct tls_server *scene_server(const struct tickets *tickets)
{
    struct tls_server *server;
    struct tls_server_options options = {
        .ca = scene_ca, .tickets = tickets, .is_managed = is_managed};
    assert_int_equal(tls_server_new(&options, &server), 0);
    return server;
}

SSL_CTX *peer_client_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    X509 *trusted = ca_scene_certificate(ca_pem(scene_ca));
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted), 1);
    X509_free(trusted);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

SSL_CTX *peer_server_context(const char *host, long from_s, long until_s)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509 *leaf = ca_scene_leaf(scene_ca, host, time(NULL) + from_s, time(NULL) + until_s);
    assert_int_equal(SSL_CTX_use_cert_and_key(context, leaf, ca_scene_key(), NULL, 1), 1);
    X509_free(leaf);
    return context;
}

void ends_open(struct ends *ends)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ends->ours = pair[0];
    ends->theirs = pair[1];
}

static void peer_step(struct ends *ends, bool *moving)
{
    ERR_clear_error();
    int result = SSL_do_handshake(ends->peer);
    int error = SSL_get_error(ends->peer, result);
    *moving = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_SSL)
        ends->peer_reason = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
}

void ends_shake_hands(struct ends *ends)
{
    bool peer_moves = true, we_move = true;
    for (int turn = 0; (peer_moves || we_move) && turn < TURNS; turn++) {
        if (peer_moves)
            peer_step(ends, &peer_moves);
        if (we_move) {
            ends->status = tls_session_handshake(ends->session);
            we_move = ends->status == -EAGAIN;
        }
    }
    /* A client is done before the ticket comes, or an alert about its last message. */
    if (!peer_moves && ends->peer_reason == 0 && !SSL_is_server(ends->peer) && ends->status < 0)
        peer_step(ends, &peer_moves);
}

static void ask(struct ends *ends, SSL_CTX *context, const char *host)
{
    ends->peer = SSL_new(context);
    assert_int_equal(SSL_set_fd(ends->peer, ends->theirs), 1);
    SSL_set_connect_state(ends->peer);
    if (!host)
        return;
    assert_int_equal(SSL_set_tlsext_host_name(ends->peer, host), 1);
    assert_int_equal(SSL_set1_host(ends->peer, host), 1);
}

struct ends ends_begin(struct tls_server *server, SSL_CTX *peer, const char *host)
{
    struct ends ends = {0};
    ends_open(&ends);
    ask(&ends, peer, host);
    assert_int_equal(tls_server_accept(server, ends.ours, &ends.session), 0);
    return ends;
}

struct ends ends_resume(
    struct tls_server *server, SSL_CTX *peer, const char *host, SSL_SESSION *session)
{
    struct ends ends = ends_begin(server, peer, host);
    if (session)
        assert_int_equal(SSL_set_session(ends.peer, session), 1);
    ends_shake_hands(&ends);
    return ends;
}

struct ends ends_accept(struct tls_server *server, SSL_CTX *peer, const char *host)
{
    return ends_resume(server, peer, host, NULL);
}

struct ends ends_connect(struct tls_client *client, SSL_CTX *peer, const char *host)
{
    struct ends ends = {0};
    ends_open(&ends);
    ends.peer = SSL_new(peer);
    assert_int_equal(SSL_set_fd(ends.peer, ends.theirs), 1);
    SSL_set_accept_state(ends.peer);
    assert_int_equal(tls_client_connect(client, ends.ours, host, &ends.session), 0);
    ends_shake_hands(&ends);
    return ends;
}

void ends_close(struct ends *ends)
{
    tls_session_free(ends->session);
    SSL_free(ends->peer);
    close(ends->ours);
    close(ends->theirs);
    *ends = (struct ends){0};
}

void peer_say(struct ends *ends, const char *text)
{
    assert_int_equal(SSL_write(ends->peer, text, (int)strlen(text)), strlen(text));
}

void assert_peer_reads(struct ends *ends, const char *text)
{
    char room[256] = {0};
    assert_int_equal(SSL_read(ends->peer, room, sizeof room - 1), strlen(text));
    assert_string_equal(room, text);
}

void assert_we_read(struct ends *ends, const char *text)
{
    char room[256] = {0};
    assert_int_equal(tls_session_read(ends->session, room, sizeof room - 1), strlen(text));
    assert_string_equal(room, text);
}
