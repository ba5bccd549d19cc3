#include "tests/unit/relay_scene.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 15000

static const char *const regions[SIDES] = {"eu", "us"};

uint64_t now_ms(void)
{
    return clock_boot_ms();
}

bool deadline_is_over(struct relay_scene *scene, uint64_t started_ms)
{
    uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
    usleep(500);
    return now_ms() - started_ms > DEADLINE_MS;
}

/* Sockets */

struct address own_address(unsigned number, uint16_t port)
{
    unsigned run = (unsigned)getpid();
    struct address address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    address.v4.sin_addr.s_addr =
        htonl(127u << 24 | (200 + run % 50) << 16 | (run / 50 % 250) << 8 | number);
    return address;
}

struct address address_of(int fd)
{
    struct address address = {0};
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, &address.any, &size), 0);
    return address;
}

int listen_at(struct address address, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    assert_int_equal(bind(fd, &address.any, address_size(&address)), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void be_patient(int fd)
{
    struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
}

int client_new(struct relay_scene *scene)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    be_patient(fd);
    assert_int_equal(connect(fd, &scene->address.any, address_size(&scene->address)), 0);
    return fd;
}

bool target_is_asked(struct relay_scene *scene, int side)
{
    struct pollfd waiting = {.fd = scene->targets[side], .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

int target_accept(struct relay_scene *scene, int side)
{
    struct pollfd waiting = {.fd = scene->targets[side], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, DEADLINE_MS), 1);
    int fd = accept4(scene->targets[side], NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    be_patient(fd);
    return fd;
}

void pair_new(struct relay_scene *scene, int side, int *ret_client, int *ret_target)
{
    *ret_client = client_new(scene);
    *ret_target = target_accept(scene, side);
}

void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void hear(int fd, const char *text)
{
    char heard[256] = "";
    size_t size = strlen(text), got = 0;
    while (got < size) {
        ssize_t more = recv(fd, heard + got, size - got, 0);
        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_string_equal(heard, text);
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

/* The relay */

static struct config *make_config(struct relay_scene *scene, const char *eu, const char *us)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    char listen[ADDRESS_TEXT_SIZE];
    address_print(&scene->address, listen);
    char *text = memory_format(
        "{\"regions\": [\"eu\", \"us\"], \"log\": {\"level\": \"error\"},"
        " \"proxy\": {\"threads\": %u}, \"endpoints\": {\"db\": {\"type\": \"database\","
        " \"group\": \"data\", \"names\": [\"db.internal\"], \"targets\": {\"eu\": \"%s\","
        " \"us\": \"%s\"}, \"relay\": {\"listen\": [\"%s\"]%s}}}}",
        scene->options.threads ? scene->options.threads : 1, eu, us, listen,
        scene->options.relay ? scene->options.relay : "");
    int status = config_parse("relay.json", text, strlen(text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    free(text);
    assert_int_equal(status, 0);
    return config;
}

static void print_target(const struct relay_scene *scene, int side, char ret[ADDRESS_TEXT_SIZE])
{
    const struct address *address = &scene->target_addresses[side];
    if (scene->options.named)
        snprintf(ret, ADDRESS_TEXT_SIZE, "%s.test:%u", regions[side], address_port(address));
    else
        address_print(address, ret);
}

static void open_targets(struct relay_scene *scene)
{
    for (int side = 0; side < SIDES; side++) {
        int backlog = scene->options.backlog ? scene->options.backlog : 1024;
        char name[16];
        snprintf(name, sizeof name, "%s.test", regions[side]);
        scene->targets[side] = listen_at(own_address(2 + (unsigned)side, 0), backlog);
        scene->target_addresses[side] = address_of(scene->targets[side]);
        fake_lookup_set(&scene->lookup, name, &scene->target_addresses[side]);
    }
}

static void on_ended(void *context)
{
    struct relay_scene *scene = context;
    scene->ended++;
}

void relay_scene_prepare(struct relay_scene *scene, struct relay_scene_options options)
{
    struct failure why = {0};
    char targets[SIDES][ADDRESS_TEXT_SIZE];
    *scene = (struct relay_scene){.options = options};
    fake_border_reset();
    fake_writable_reset();
    fake_lookup_init(&scene->lookup);
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    open_targets(scene);
    int port_finder = listen_at(own_address(1, 0), 1);
    scene->address = address_of(port_finder);
    close(port_finder);
    for (int side = 0; side < SIDES; side++)
        print_target(scene, side, targets[side]);
    scene->config = make_config(scene, targets[EU], targets[US]);
    log_configure(scene->config->log.format, scene->config->log.level);
    scene->state = state_at_home(scene->config);
    scene->announce = announce_new(&scene->loop);
    struct relay_options relay = {.config = scene->config, .main_loop = &scene->loop};
    assert_int_equal(relay_new(&relay, &scene->relay, &why), 0);
    relay_subscribe(scene->relay, scene->announce);
    relay_on_ended(scene->relay, on_ended, scene);
    assert_int_equal(relay_start(scene->relay, &scene->lookup.lookup, &why), 0);
}

void relay_scene_init(struct relay_scene *scene, struct relay_scene_options options)
{
    relay_scene_prepare(scene, options);
    relay_scene_publish(scene);
}

void relay_scene_stop(struct relay_scene *scene)
{
    relay_free(scene->relay);
    scene->relay = NULL;
}

void relay_scene_fini(struct relay_scene *scene)
{
    relay_scene_stop(scene);
    for (int side = 0; side < SIDES; side++) {
        if (scene->targets[side] >= 0)
            close(scene->targets[side]);
    }
    announce_free(scene->announce);
    state_free(scene->state);
    config_unref(scene->config);
    loop_fini(&scene->loop);
    fake_lookup_fini(&scene->lookup);
}

/* Views */

static void on_published(void *context)
{
    struct relay_scene *scene = context;
    scene->published = true;
}

static void publish_begin(struct relay_scene *scene)
{
    static const struct siphash_key key = {1, 2};
    static const struct config_upstreams none;
    char group[] = "data";
    char *groups[] = {group};
    struct world world = {.config = scene->config};
    scene->published = false;
    struct view *view = view_new(&(struct view_inputs){.config = scene->config,
        .state = scene->state,
        .world = &world,
        .upstreams = &none,
        .fence_also = groups,
        .fence_also_count = scene->cuts,
        .fence_also_cuts = scene->cuts,
        .planned = scene->planned,
        .key = &key});
    announce_publish(scene->announce, view, on_published, scene);
}

void relay_scene_wait(struct relay_scene *scene)
{
    AWAIT(scene, scene->published);
}

void relay_scene_publish(struct relay_scene *scene)
{
    publish_begin(scene);
    relay_scene_wait(scene);
}

void relay_scene_fence_begin(struct relay_scene *scene)
{
    state_find_group(scene->state, "data")->fenced = true;
    publish_begin(scene);
}

void relay_scene_fence(struct relay_scene *scene)
{
    relay_scene_fence_begin(scene);
    relay_scene_wait(scene);
}

void relay_scene_open(struct relay_scene *scene, int side)
{
    struct state_group *group = state_find_group(scene->state, "data");
    group->fenced = false;
    snprintf(group->active, sizeof group->active, "%s", regions[side]);
    relay_scene_publish(scene);
}

void relay_scene_retarget(struct relay_scene *scene, const char *eu, const char *us)
{
    config_unref(scene->config);
    scene->config = make_config(scene, eu, us);
}

/* Looks */

struct relays_numbers relay_scene_numbers(struct relay_scene *scene)
{
    struct relays *relays = relay_relays(scene->relay);
    struct relays_numbers numbers;
    assert_true(relays->numbers(relays, "db", &numbers));
    return numbers;
}

struct visit {
    loop_call *call;
    void *context;
    uv_sem_t over;
};

static void on_visit(void *context)
{
    struct visit *visit = context;
    visit->call(visit->context);
    uv_sem_post(&visit->over);
}

void relay_scene_visit(struct relay_scene *scene, size_t worker, loop_call *call, void *context)
{
    struct visit visit = {.call = call, .context = context};
    uv_sem_init(&visit.over, 0);
    loop_post(relay_loop(scene->relay, worker), on_visit, &visit);
    uv_sem_wait(&visit.over);
    uv_sem_destroy(&visit.over);
}

static void nothing(void *context)
{
    (void)context;
}

/* Twice: the first visit may come before what is ready in the same turn of the loop. */
void relay_scene_settle(struct relay_scene *scene)
{
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < relay_loop_count(scene->relay); i++)
            relay_scene_visit(scene, i, nothing, NULL);
    }
}

struct point *relay_scene_point(struct relay_scene *scene, size_t worker)
{
    return &scene->relay->workers[worker]->points[0];
}
