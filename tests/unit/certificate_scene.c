#include "tests/unit/certificate_scene.h"

#include "base/memory.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING                                                                                   \
    "\x0a"                                                                                         \
    "8.0.36\0"                                                                                     \
    "\1\0\0\0saltsalt\0\xff\xff\x2d\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0saltsaltsalt\0"
#define GREETING_CAPABILITIES 21 /* the lower two bytes of the flags */

/* -- the client's side -- */

static void on_told(void *context, const struct certificate_answer *answer)
{
    struct scene *scene = context;
    assert_false(scene->told);
    scene->told = true;
    scene->status = answer->status;
    scene->read = answer->certificate;
    if (scene->read)
        X509_up_ref(scene->read);
    snprintf(scene->words, sizeof scene->words, "%s", answer->words ? answer->words : "");
}

static void on_freed(void *context)
{
    struct scene *scene = context;
    assert_true(scene->told);
    scene->freed = true;
}

void answer_lookup(void *context)
{
    struct scene *scene = context;
    scene->late(scene->late_context, scene->resolver_status, &scene->resolved);
}

static void look_up(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_done *done, void *context)
{
    struct scene *scene = (struct scene *)((char *)lookup - offsetof(struct scene, lookup));
    (void)name;
    scene->late = done;
    scene->late_context = context;
    if (!scene->resolver_is_slow)
        loop_post(home, answer_lookup, scene);
}

struct certificate_fetch *begin(
    struct scene *scene, enum dialog_protocol protocol, const char *host)
{
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&bound, &size), 0);
    struct config_target target = {.port = ntohs(bound.sin_port)};
    if (host)
        assert_true(name_from_text(host, &target.name));
    else
        target.is_address = address_parse_ip("127.0.0.1", &target.address);
    struct certificate_request request = {.loop = &scene->loop,
        .lookup = &scene->lookup,
        .target = &target,
        .protocol = protocol,
        .done = on_told,
        .freed = on_freed,
        .context = scene};
    return certificate_fetch_new(&request);
}

void fetch(struct scene *scene, enum dialog_protocol protocol, const char *host)
{
    begin(scene, protocol, host);
    assert_false(scene->told);
    run_until(&scene->loop, is_set, &scene->freed);
}

/* -- the server's side, on a thread of its own, where cmocka's assertions cannot be -- */

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void hear(int fd, char *to, size_t size)
{
    must(recv(fd, to, size, MSG_WAITALL) == (ssize_t)size);
}

static void say(int fd, const char *bytes, size_t size)
{
    must(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void say_greeting(int fd, const char *payload, size_t size)
{
    char header[4] = {(char)size};
    say(fd, header, sizeof header);
    say(fd, payload, size);
}

static void hear_end(int fd)
{
    char rest[256];
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
}

#define REFUSAL_SIZE 15

static void refuse_mysql(struct scene *scene, int fd)
{
    hear(fd, scene->login, sizeof scene->login);
    say(fd, "\x0b\0\0\2\xff\x15\x04#28000no", REFUSAL_SIZE);
    hear_end(fd);
}

static void refuse_mysql_tls(struct scene *scene, SSL *ssl)
{
    must(SSL_read(ssl, scene->login, sizeof scene->login) == sizeof scene->login);
    must(SSL_write(ssl, "\x0b\0\0\3\xff\x15\x04#28000no", REFUSAL_SIZE) == REFUSAL_SIZE);
}

static SSL *shake_hands(struct scene *scene, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(context, scene->certificate) == 1);
    must(SSL_CTX_use_PrivateKey(context, scene->key) == 1);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    must(SSL_accept(ssl) == 1);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(scene->server_name, sizeof scene->server_name, "%s", name ? name : "");
    SSL_CTX_free(context);
    return ssl;
}

static void hear_goodbye(SSL *ssl)
{
    char byte;
    must(SSL_read(ssl, &byte, 1) == 0);
    must(SSL_get_error(ssl, 0) == SSL_ERROR_ZERO_RETURN);
    SSL_free(ssl);
}

void talk_postgres(struct scene *scene, int fd)
{
    hear(fd, scene->first, 8);
    say(fd, "S", 1);
    hear_goodbye(shake_hands(scene, fd));
}

void talk_postgres_without_tls(struct scene *scene, int fd)
{
    hear(fd, scene->first, 8);
    say(fd, "N", 1);
    hear_end(fd);
}

static SSL *welcome_mysql(struct scene *scene, int fd)
{
    say_greeting(fd, GREETING, sizeof GREETING - 1);
    hear(fd, scene->first, 36);
    return shake_hands(scene, fd);
}

void talk_mysql_that_leaves(struct scene *scene, int fd)
{
    SSL *ssl = welcome_mysql(scene, fd);
    must(SSL_read(ssl, scene->login, sizeof scene->login) > 0);
    SSL_free(ssl);
}

void talk_mysql_that_falls_silent(struct scene *scene, int fd)
{
    SSL *ssl = welcome_mysql(scene, fd);
    hear_end(fd);
    SSL_free(ssl);
}

void talk_mysql(struct scene *scene, int fd)
{
    SSL *ssl = welcome_mysql(scene, fd);
    refuse_mysql_tls(scene, ssl);
    hear_goodbye(ssl);
}

void talk_mysql_byte_by_byte(struct scene *scene, int fd)
{
    char packet[4 + sizeof GREETING - 1] = {sizeof GREETING - 1};
    memcpy(packet + 4, GREETING, sizeof GREETING - 1);
    for (size_t i = 0; i < sizeof packet; i++) {
        say(fd, packet + i, 1);
        usleep(1000); /* a segment each, if the machine likes; right in either case */
    }
    hear(fd, scene->first, 36);
    SSL *ssl = shake_hands(scene, fd);
    refuse_mysql_tls(scene, ssl);
    hear_goodbye(ssl);
}

void talk_mysql_without_tls(struct scene *scene, int fd)
{
    char greeting[] = GREETING;
    greeting[GREETING_CAPABILITIES + 1] &= (char)~0x08;
    say_greeting(fd, greeting, sizeof greeting - 1);
    refuse_mysql(scene, fd);
}

void talk_mysql_refusal(struct scene *scene, int fd)
{
    static const char refusal[] = "\xff\x69\x04Host 'app-1' is blocked\x1b";
    (void)scene;
    say_greeting(fd, refusal, sizeof refusal - 1);
    hear_end(fd);
}

void talk_nothing(struct scene *scene, int fd)
{
    (void)scene;
    hear_end(fd);
}

void talk_garbage(struct scene *scene, int fd)
{
    (void)scene;
    say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    hear_end(fd);
}

void talk_garbage_for_tls(struct scene *scene, int fd)
{
    hear(fd, scene->first, 8);
    say(fd, "S", 1);
    char byte;
    hear(fd, &byte, 1); /* the hello begins: we are in TLS */
    say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    hear_end(fd);
}

/* HelloRequests, each a whole record, which a client ignores (RFC 5246 section 7.4.1.1): a
 * handshake that never gets anywhere. */
void talk_without_end(struct scene *scene, int fd)
{
    char flood[9 * 1024];
    for (size_t i = 0; i < sizeof flood; i += 9)
        memcpy(flood + i, "\x16\x03\x03\0\4\0\0\0\0", 9);
    hear(fd, scene->first, 8);
    say(fd, "S", 1);
    hear(fd, scene->first, 1); /* the hello begins */
    while (send(fd, flood, sizeof flood, MSG_NOSIGNAL) > 0)
        ;
}

void talk_reset(struct scene *scene, int fd)
{
    struct linger at_once = {.l_onoff = 1};
    hear(fd, scene->first, 8);
    must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

void talk_end(struct scene *scene, int fd)
{
    hear(fd, scene->first, 8);
}

static void *serve(void *context)
{
    struct scene *scene = context;
    int fd = accept(scene->listener, NULL, NULL);
    if (fd >= 0) {
        scene->talk(scene, fd);
        close(fd);
    }
    return NULL;
}

/* -- set up and tear down -- */

static int listen_locally(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    return listener;
}

void scene_init(struct scene *scene, talking *talk)
{
    *scene = (struct scene){.talk = talk, .lookup = {.start = look_up}, .key = certificate_key()};
    scene->certificate =
        certificate_make(&(struct certificate_recipe){.names = "DNS:db.shop.internal"}, scene->key);
    scene->listener = listen_locally();
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    assert_int_equal(pthread_create(&scene->server, NULL, serve, scene), 0);
}

void scene_fini(struct scene *scene)
{
    shutdown(scene->listener, SHUT_RDWR);
    pthread_join(scene->server, NULL);
    close(scene->listener);
    loop_fini(&scene->loop);
    X509_free(scene->read);
    X509_free(scene->certificate);
    EVP_PKEY_free(scene->key);
}
