/* Whom the client believes to be the server. */
#include "base/http_client.h"

#include "tests/unit/played_tls.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene {
    int listener;
    SSL *tls;
    struct loop loop;
    bool is_done, is_freed;
    int error;
    unsigned status;
};

/* One connection: a handshake, a request, an answer; whichever of them happen. */
static void *serve(void *context)
{
    struct scene *scene = context;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char request[1024];
    int fd = accept(scene->listener, NULL, NULL);
    SSL_set_fd(scene->tls, fd);
    if (SSL_accept(scene->tls) == 1 && SSL_read(scene->tls, request, sizeof request) > 0)
        SSL_write(scene->tls, answer, sizeof answer - 1);
    SSL_free(scene->tls);
    close(fd);
    return NULL;
}

static unsigned listen_somewhere(struct scene *scene)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(scene->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(scene->listener, 1), 0);
    assert_int_equal(getsockname(scene->listener, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void on_done(void *context, const struct http_client_reply *reply)
{
    struct scene *scene = context;
    scene->is_done = true;
    scene->error = reply->error;
    scene->status = reply->status;
}

static void on_freed(void *context)
{
    struct scene *scene = context;
    scene->is_freed = true;
}

static void ask(struct scene *scene, const struct played_certificate *certificate)
{
    char url[64];
    pthread_t thread;
    *scene = (struct scene){.tls = played_tls_new(certificate)};
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", listen_somewhere(scene));
    assert_int_equal(loop_init(&scene->loop, "test"), 0);
    struct http_client *client = http_client_new(&scene->loop, NULL);
    assert_int_equal(pthread_create(&thread, NULL, serve, scene), 0);
    struct http_client_request request = {.method = "GET", .url = url};
    http_client_start(client, &request, on_done, scene);
    while (!scene->is_done)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    http_client_free(client, on_freed, scene);
    while (!scene->is_freed)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    pthread_join(thread, NULL);
    loop_fini(&scene->loop);
    close(scene->listener);
}

static void a_server_that_we_trust_is_believed(void **unused)
{
    (void)unused;
    struct scene scene;
    ask(&scene, &(struct played_certificate){.names = "IP:127.0.0.1"});
    assert_int_equal(scene.error, 0);
    assert_int_equal(scene.status, 200);
}

static void another_name_a_stranger_and_an_old_certificate_are_not(void **unused)
{
    (void)unused;
    static const struct played_certificate wrong[] = {{.names = "DNS:sts.example,IP:127.0.0.2"},
        {.names = "IP:127.0.0.1", .of_a_stranger = true},
        {.names = "IP:127.0.0.1", .expired = true}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scene scene;
        ask(&scene, &wrong[i]);
        assert_int_equal(scene.error, -EACCES);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_we_trust_is_believed),
        cmocka_unit_test(another_name_a_stranger_and_an_old_certificate_are_not),
    };
    return cmocka_run_group_tests(tests, authority_open, authority_close);
}
