#include "tests/unit/gateway_scene.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 15000

static const char *const regions[SIDES] = {"eu", "us"};

/* Sockets */

static struct address own_address(unsigned number)
{
    unsigned run = (unsigned)getpid();
    struct address address = {.v4 = {.sin_family = AF_INET}};
    address.v4.sin_addr.s_addr =
        htonl(127u << 24 | (200 + run % 50) << 16 | (run / 50 % 250) << 8 | number);
    return address;
}

/* On a port of the kernel's choice. */
static int listen_at(unsigned number, struct address *ret)
{
    *ret = own_address(number);
    socklen_t size = address_size(ret);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &ret->any, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, &ret->any, &size), 0);
    return fd;
}

static void be_patient(int fd)
{
    struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
}

int client_new(struct gateway_scene *scene)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    be_patient(fd);
    assert_int_equal(connect(fd, &scene->address.any, address_size(&scene->address)), 0);
    return fd;
}

bool s3_is_asked(struct gateway_scene *scene, int side, int timeout_ms)
{
    struct pollfd waiting = {.fd = scene->s3[side], .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1;
}

int s3_accept(struct gateway_scene *scene, int side)
{
    assert_true(s3_is_asked(scene, side, DEADLINE_MS));
    int fd = accept4(scene->s3[side], NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    be_patient(fd);
    return fd;
}

void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void hear(int fd, const char *text)
{
    char heard[4096] = "";
    size_t size = strlen(text), got = 0;
    while (got < size) {
        ssize_t more = recv(fd, heard + got, size - got, 0);
        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_string_equal(heard, text);
}

void hear_head(int fd, char *ret, size_t room)
{
    size_t got = 0;
    do {
        assert_true(got + 1 < room);
        assert_int_equal(recv(fd, ret + got, 1, 0), 1);
        ret[++got] = 0;
    } while (got < 4 || strcmp(ret + got - 4, "\r\n\r\n") != 0);
}

void hear_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

void hear_reset(int fd)
{
    char bytes[4096];
    ssize_t got = 0;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        continue;
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

/* The gateway */

static void make_config(struct gateway_scene *scene)
{
    struct config_errors errors = {0};
    char listen[ADDRESS_TEXT_SIZE], eu[ADDRESS_TEXT_SIZE], us[ADDRESS_TEXT_SIZE];
    address_print(&scene->address, listen);
    address_print(&scene->s3_addresses[EU], eu);
    address_print(&scene->s3_addresses[US], us);
    /* Said outright: a port of the kernel's choice may end in 443. */
    char *text =
        memory_format("{\"regions\": [\"eu\", \"us\"], \"log\": {\"level\": \"error\"},"
                      " \"proxy\": {\"threads\": 1}, \"gateway\": {\"max_connections\": 4,"
                      " \"listen\": {\"address\": \"%s\", \"tls\": false},"
                      " \"s3_endpoints\": {\"eu\": \"http://%s\", \"us\": \"http://%s\"}},"
                      " \"endpoints\": {\"assets\": {\"type\": \"bucket\", \"group\": \"static\","
                      " \"buckets\": {\"eu\": \"shop-eu\", \"us\": \"shop-us\"}}}}",
            listen, eu, us);
    int status = config_parse("gateway.json", text, strlen(text), &scene->config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    free(text);
    assert_int_equal(status, 0);
    log_configure(scene->config->log.format, scene->config->log.level);
}

static void on_published(void *context)
{
    struct gateway_scene *scene = context;
    scene->published = true;
}

static void publish(struct gateway_scene *scene)
{
    static const struct siphash_key key = {1, 2};
    static const struct config_upstreams none;
    struct world world = {.config = scene->config};
    uint64_t started_ms = clock_boot_ms();
    scene->published = false;
    struct view *view = view_new(&(struct view_inputs){.config = scene->config,
        .state = scene->state,
        .world = &world,
        .upstreams = &none,
        .key = &key});
    announce_publish(scene->announce, view, on_published, scene);
    while (!scene->published && clock_boot_ms() - started_ms < DEADLINE_MS) {
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
        usleep(500);
    }
    assert_true(scene->published);
}

void gateway_scene_init(struct gateway_scene *scene)
{
    struct failure why = {0};
    *scene = (struct gateway_scene){0};
    fake_lookup_init(&scene->lookup);
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    close(listen_at(1, &scene->address)); /* a port that is free */
    for (int side = 0; side < SIDES; side++) {
        char name[16];
        snprintf(name, sizeof name, "%s.test", regions[side]);
        scene->s3[side] = listen_at(2 + (unsigned)side, &scene->s3_addresses[side]);
        fake_lookup_set(&scene->lookup, name, &scene->s3_addresses[side]);
    }
    make_config(scene);
    scene->state = state_at_home(scene->config);
    scene->announce = announce_new(&scene->loop);
    struct gateway_options options = {.config = scene->config};
    assert_int_equal(gateway_new(&options, &scene->gateway, &why), 0);
    gateway_subscribe(scene->gateway, scene->announce);
    assert_int_equal(gateway_start(scene->gateway, &scene->lookup.lookup, &why), 0);
    publish(scene);
}

void gateway_scene_fini(struct gateway_scene *scene)
{
    gateway_free(scene->gateway);
    for (int side = 0; side < SIDES; side++) {
        if (scene->s3[side] >= 0)
            close(scene->s3[side]);
    }
    announce_free(scene->announce);
    state_free(scene->state);
    config_unref(scene->config);
    loop_fini(&scene->loop);
    fake_lookup_fini(&scene->lookup);
}

void gateway_scene_open(struct gateway_scene *scene, int side)
{
    struct state_group *group = state_find_group(scene->state, "static");
    snprintf(group->active, sizeof group->active, "%s", regions[side]);
    publish(scene);
}

uint64_t gateway_scene_error(struct gateway_scene *scene, enum gateway_error error)
{
    return atomic_load(&scene->gateway->workers[0]->numbers.errors[error]);
}
