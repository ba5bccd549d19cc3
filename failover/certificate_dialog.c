/* On the good day the server says that it speaks TLS, shakes hands, and its certificate is there.
 *
 * What can go wrong: it offers no TLS, it answers with an error of its own (too many clients, this
 * host is blocked), it is no database at all, or it talks without end (DIALOG_BYTES_MAX). A
 * handshake that fails after the certificate came, as when the server wants one of ours, is good
 * enough: it was read. */
#include "failover/certificate_dialog.h"

#include "base/memory.h"
#include "base/span.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIALOG_BYTES_MAX 65536 /* from the server, all in all */
#define HEADER_SIZE 4          /* MySQL: length in three bytes, little-endian; sequence number */
#define GREETING_MAX 1024      /* bytes after the header; real ones have about 80 */

/* Capability flags of MySQL's client/server protocol. */
#define MYSQL_PROTOCOL_41 0x0200u
#define MYSQL_SSL 0x0800u
#define MYSQL_SECURE_CONNECTION 0x8000u
#define MYSQL_PACKET_MAX (1u << 24)
#define MYSQL_CHARSET 45 /* utf8mb4 */

enum part { PART_GREETING, PART_ANSWER, PART_TLS };

struct dialog {
    enum dialog_protocol protocol;
    enum dialog_state state;
    enum part part;
    SSL_CTX *context;
    SSL *ssl;      /* owns both BIOs */
    BIO *in, *out; /* as the TLS side sees them */
    X509 *certificate;
    size_t received;
    uint8_t plain[HEADER_SIZE + 32]; /* what we say before TLS */
    size_t plain_size;
    uint8_t greeting[HEADER_SIZE + GREETING_MAX];
    size_t greeting_size;
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
    dialog->state = DIALOG_READ;
    if (error == SSL_ERROR_NONE)
        SSL_shutdown(dialog->ssl);
    ERR_clear_error();
}

static void receive_tls(struct dialog *dialog, const uint8_t *data, size_t size)
{
    if (BIO_write(dialog->in, data, (int)size) == (int)size)
        shake_hands(dialog);
    else
        fail(dialog, "out of memory");
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
    memset(at, 0, HEADER_SIZE + 32);
    at[0] = 32;
    at[3] = 1; /* the packet after the greeting's 0 */
    at[4] = (uint8_t)flags;
    at[5] = (uint8_t)(flags >> 8);
    at[11] = MYSQL_PACKET_MAX >> 24;
    at[12] = MYSQL_CHARSET;
    dialog->plain_size = HEADER_SIZE + 32;
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
    if (greeting.size > 3 && greeting.data[0] == 0xff) {
        fail_refused(dialog, greeting);
    } else if (!read_capabilities(greeting, &capabilities)) {
        fail(dialog, "the server does not speak MySQL's protocol");
    } else if (!(capabilities & MYSQL_SSL)) {
        dialog->state = DIALOG_NO_TLS;
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
    if (dialog->greeting_size < HEADER_SIZE)
        return;
    const uint8_t *header = dialog->greeting;
    size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    if (length == 0 || length > GREETING_MAX || header[3] != 0 || size > taken ||
        dialog->greeting_size > HEADER_SIZE + length)
        fail(dialog, "the server does not speak MySQL's protocol");
    else if (dialog->greeting_size == HEADER_SIZE + length)
        read_greeting(dialog, span_of(dialog->greeting + HEADER_SIZE, length));
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
    else
        receive_tls(dialog, data, size);
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
