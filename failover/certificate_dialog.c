/* On the good day the server says that it speaks TLS, shakes hands, and its certificate is there. A
 * MySQL server is then taken leave of (base/mysql.h), so that it does not count us.
 *
 * What can go wrong: it offers no TLS, it answers with an error of its own (too many clients, this
 * host is blocked), it is no database at all, or it talks without end (DIALOG_BYTES_MAX). A
 * handshake that fails after the certificate came, as when the server wants one of ours, is good
 * enough: it was read. */
#include "failover/certificate_dialog.h"

#include "base/memory.h"
#include "base/mysql.h"
#include "base/span.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIALOG_BYTES_MAX 65536 /* from the server, all in all */
#define GREETING_MAX 1024      /* bytes after the header; real ones have about 80 */

/* Capability flags of MySQL's client/server protocol. */
#define MYSQL_PROTOCOL_41 0x0200u
#define MYSQL_SSL 0x0800u
#define MYSQL_SECURE_CONNECTION 0x8000u
#define MYSQL_PACKET_MAX (1u << 24)
#define MYSQL_CHARSET 45 /* utf8mb4 */
#define MYSQL_SSL_REQUEST_SIZE (MYSQL_HEADER_SIZE + 32)

enum part { PART_GREETING, PART_ANSWER, PART_TLS, PART_LEAVING };

struct dialog {
    enum dialog_protocol protocol;
    enum dialog_state state;
    enum part part;
    SSL_CTX *context;
    SSL *ssl;      /* owns both BIOs */
    BIO *in, *out; /* as the TLS side sees them */
    X509 *certificate;
    size_t received;
    uint8_t plain[MYSQL_VISIT_SAYS_MAX]; /* what we say without TLS */
    size_t plain_size;
    uint8_t greeting[MYSQL_HEADER_SIZE + GREETING_MAX];
    size_t greeting_size;
    bool is_mysql, has_tls;
    struct mysql_visit visit;
    struct failure words;
};

static void fail(struct dialog *dialog, const char *words)
{
    dialog->state = DIALOG_FAILED;
    failure_set(&dialog->words, 0, "%s", words);
}

/* PostgreSQL, "Message Formats": length 8, request code 80877103. */
static void ask_postgres(struct dialog *dialog)
{
    dialog->part = PART_ANSWER;
    write_be32(dialog->plain, 8);
    write_be32(dialog->plain + 4, 80877103);
    dialog->plain_size = 8;
}

/* We trust nothing that this connection says, so a server with an old protocol or a weak key is
 * asked like any other. */
static bool make_tls(struct dialog *dialog, const char *server_name)
{
    dialog->context = SSL_CTX_new(TLS_client_method());
    if (!dialog->context)
        return false;
    SSL_CTX_set_security_level(dialog->context, 0);
    SSL_CTX_set_min_proto_version(dialog->context, 0);
    SSL_CTX_set_verify(dialog->context, SSL_VERIFY_NONE, NULL);
    dialog->ssl = SSL_new(dialog->context);
    dialog->in = BIO_new(BIO_s_mem());
    dialog->out = BIO_new(BIO_s_mem());
    if (!dialog->ssl || !dialog->in || !dialog->out) {
        BIO_free(dialog->in);
        BIO_free(dialog->out);
        dialog->in = dialog->out = NULL;
        return false;
    }
    SSL_set_bio(dialog->ssl, dialog->in, dialog->out);
    SSL_set_connect_state(dialog->ssl);
    return !server_name || SSL_set_tlsext_host_name(dialog->ssl, server_name) == 1;
}

struct dialog *dialog_new(enum dialog_protocol protocol, const char *server_name)
{
    struct dialog *dialog = memory_new(sizeof *dialog);
    dialog->protocol = protocol;
    dialog->part = PART_GREETING;
    if (!make_tls(dialog, server_name))
        fail(dialog, "TLS could not be set up for this host name");
    else if (protocol == DIALOG_POSTGRES)
        ask_postgres(dialog);
    return dialog;
}

void dialog_free(struct dialog *dialog)
{
    if (!dialog)
        return;
    X509_free(dialog->certificate);
    SSL_free(dialog->ssl);
    SSL_CTX_free(dialog->context);
    free(dialog);
}

void dialog_silence(struct dialog *dialog)
{
    if (dialog->protocol == DIALOG_ANY && dialog->part == PART_GREETING &&
        dialog->greeting_size == 0)
        ask_postgres(dialog);
}

/* Why the last step went wrong; empties the thread's queue of errors. */
static void fail_handshake(struct dialog *dialog)
{
    char words[256];
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(words, sizeof words, "the TLS handshake failed%s%s", reason ? ": " : "",
        reason ? reason : "");
    fail(dialog, words);
    ERR_clear_error();
}

/* Nothing more is wanted of the server. */
static void end(struct dialog *dialog)
{
    dialog->state = dialog->certificate ? DIALOG_READ : DIALOG_NO_TLS;
    if (dialog->has_tls)
        SSL_shutdown(dialog->ssl);
    ERR_clear_error();
}

static void say_visit(struct dialog *dialog)
{
    struct mysql_visit *visit = &dialog->visit;
    if (dialog->has_tls && visit->out_size > 0) {
        if (SSL_write(dialog->ssl, visit->out, (int)visit->out_size) <= 0) /* into memory */
            ERR_clear_error();
    } else if (visit->out_size <= sizeof dialog->plain - dialog->plain_size) {
        memcpy(dialog->plain + dialog->plain_size, visit->out, visit->out_size);
        dialog->plain_size += visit->out_size;
    }
    visit->out_size = 0;
}

/* Within TLS the SSLRequest was number 1. */
static void take_leave(struct dialog *dialog)
{
    dialog->part = PART_LEAVING;
    mysql_visit_log_in(&dialog->visit, dialog->has_tls ? 2 : 1, dialog->has_tls);
    say_visit(dialog);
}

static enum mysql_visit_state receive_leaving_tls(struct dialog *dialog)
{
    uint8_t data[1024];
    enum mysql_visit_state state = MYSQL_VISIT_GOES_ON;
    ERR_clear_error(); /* SSL_get_error looks at the queue */
    while (state == MYSQL_VISIT_GOES_ON) {
        int got = SSL_read(dialog->ssl, data, sizeof data);
        if (got <= 0 && SSL_get_error(dialog->ssl, got) == SSL_ERROR_WANT_READ)
            break;
        state = got > 0 ? mysql_visit_receive(&dialog->visit, span_of(data, (size_t)got))
                        : MYSQL_VISIT_OVER;
    }
    ERR_clear_error();
    return state;
}

static void shake_hands(struct dialog *dialog)
{
    ERR_clear_error(); /* SSL_get_error looks at the queue */
    int result = SSL_do_handshake(dialog->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(dialog->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return;
    dialog->certificate = SSL_get1_peer_certificate(dialog->ssl);
    if (!dialog->certificate) {
        fail_handshake(dialog);
        return;
    }
    dialog->has_tls = error == SSL_ERROR_NONE;
    if (dialog->has_tls && dialog->is_mysql)
        take_leave(dialog);
    else
        end(dialog);
}

static void receive_tls(struct dialog *dialog, const uint8_t *data, size_t size)
{
    if (BIO_write(dialog->in, data, (int)size) == (int)size)
        shake_hands(dialog);
    else
        fail(dialog, "out of memory");
}

/* What the server says to our login is read no further than it takes to leave. */
static void receive_leaving(struct dialog *dialog, const uint8_t *data, size_t size)
{
    enum mysql_visit_state state = MYSQL_VISIT_GOES_ON;
    if (!dialog->has_tls) {
        state = mysql_visit_receive(&dialog->visit, span_of(data, size));
    } else if (BIO_write(dialog->in, data, (int)size) == (int)size) {
        state = receive_leaving_tls(dialog);
    } else {
        state = MYSQL_VISIT_OVER;
    }
    say_visit(dialog);
    if (state == MYSQL_VISIT_OVER)
        end(dialog);
}

static void receive_answer(struct dialog *dialog, const uint8_t *data, size_t size)
{
    if (data[0] == 'E') {
        fail(dialog, "the server answers with an error instead of yes or no to TLS");
    } else if (size > 1 || (data[0] != 'S' && data[0] != 'N')) {
        fail(dialog, "the server does not speak PostgreSQL's protocol");
    } else if (data[0] == 'N') {
        dialog->state = DIALOG_NO_TLS;
    } else {
        dialog->part = PART_TLS;
        shake_hands(dialog);
    }
}

/* The lower capability flags of a greeting ("Protocol::HandshakeV10": 10, version, NUL, thread id,
 * eight bytes of salt, a filler, flags); false when it is none. */
static bool read_capabilities(struct span greeting, unsigned *ret)
{
    if (greeting.size == 0 || greeting.data[0] != 10)
        return false;
    const uint8_t *end = memchr(greeting.data, '\0', greeting.size);
    if (!end)
        return false;
    size_t at = (size_t)(end - greeting.data) + 1 + 4 + 8 + 1;
    if (greeting.size < at + 2)
        return false;
    *ret = greeting.data[at] | (unsigned)greeting.data[at + 1] << 8;
    return true;
}

/* "Protocol::SSLRequest": flags, largest packet, character set, 23 bytes of nothing. */
static void ask_mysql(struct dialog *dialog)
{
    unsigned flags = MYSQL_PROTOCOL_41 | MYSQL_SSL | MYSQL_SECURE_CONNECTION;
    uint8_t *at = dialog->plain;
    memset(at, 0, MYSQL_SSL_REQUEST_SIZE);
    at[0] = 32;
    at[3] = 1; /* the packet after the greeting's 0 */
    at[4] = (uint8_t)flags;
    at[5] = (uint8_t)(flags >> 8);
    at[11] = MYSQL_PACKET_MAX >> 24;
    at[12] = MYSQL_CHARSET;
    dialog->plain_size = MYSQL_SSL_REQUEST_SIZE;
    dialog->part = PART_TLS;
}

/* ERR_Packet: 0xff, a code in two bytes, text. The text is the server's, and goes to a terminal. */
static void fail_refused(struct dialog *dialog, struct span packet)
{
    char words[256];
    snprintf(words, sizeof words, "the server refuses us: %.*s", (int)(packet.size - 3),
        (const char *)packet.data + 3);
    for (char *at = words; *at; at++)
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    fail(dialog, words);
}

static void read_greeting(struct dialog *dialog, struct span greeting)
{
    unsigned capabilities;
    if (greeting.size > 3 && greeting.data[0] == MYSQL_ERROR) {
        fail_refused(dialog, greeting);
        return;
    }
    dialog->is_mysql = read_capabilities(greeting, &capabilities);
    if (!dialog->is_mysql) {
        fail(dialog, "the server does not speak MySQL's protocol");
    } else if (!(capabilities & MYSQL_SSL)) {
        take_leave(dialog);
    } else {
        ask_mysql(dialog);
        shake_hands(dialog);
    }
}

static void receive_greeting(struct dialog *dialog, const uint8_t *data, size_t size)
{
    size_t room = sizeof dialog->greeting - dialog->greeting_size;
    size_t taken = size < room ? size : room;
    memcpy(dialog->greeting + dialog->greeting_size, data, taken);
    dialog->greeting_size += taken;
    struct mysql_packet packet;
    struct span received = span_of(dialog->greeting, dialog->greeting_size);
    int length = mysql_packet_read(received, GREETING_MAX, &packet);
    if (length == 0)
        return;
    if (length < 0 || size > taken || (size_t)length < received.size || packet.number != 0)
        fail(dialog, "the server does not speak MySQL's protocol");
    else
        read_greeting(dialog, packet.payload);
}

enum dialog_state dialog_receive(struct dialog *dialog, const uint8_t *data, size_t size)
{
    if (dialog->state != DIALOG_GOES_ON || size == 0)
        return dialog->state;
    dialog->received += size;
    if (dialog->received > DIALOG_BYTES_MAX)
        fail(dialog, "the server sends more than a handshake has");
    else if (dialog->part == PART_GREETING)
        receive_greeting(dialog, data, size);
    else if (dialog->part == PART_ANSWER)
        receive_answer(dialog, data, size);
    else if (dialog->part == PART_TLS)
        receive_tls(dialog, data, size);
    else
        receive_leaving(dialog, data, size);
    return dialog->state;
}

enum dialog_state dialog_end(struct dialog *dialog)
{
    if (dialog->state == DIALOG_GOES_ON && dialog->part == PART_LEAVING)
        end(dialog);
    return dialog->state;
}

size_t dialog_take(struct dialog *dialog, uint8_t *data, size_t room)
{
    size_t plain = dialog->plain_size < room ? dialog->plain_size : room;
    memcpy(data, dialog->plain, plain);
    memmove(dialog->plain, dialog->plain + plain, dialog->plain_size - plain);
    dialog->plain_size -= plain;
    if (dialog->plain_size > 0 || room == plain || !dialog->out)
        return plain;
    int got = BIO_read(dialog->out, data + plain, (int)(room - plain));
    return plain + (got > 0 ? (size_t)got : 0);
}

X509 *dialog_certificate(const struct dialog *dialog)
{
    return dialog->certificate;
}

const char *dialog_words(const struct dialog *dialog)
{
    return dialog->words.text;
}
