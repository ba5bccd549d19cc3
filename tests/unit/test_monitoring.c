/* What a scraper, an orchestrator and a person get, over a real socket. */
#include "tests/unit/control_scene.h"

static void write_hello(void *context, struct metric_text *out)
{
    metric_family(out, "hello_total", METRIC_COUNTER, "h");
    metric_value(out, "hello_total", METRIC_NO_LABELS, *(int *)context);
}

struct watched {
    struct scene *scene;
    struct address address;
    int hellos, fd;
};

static void start_monitoring(void *context)
{
    struct watched *watched = context;
    struct scene *scene = watched->scene;
    scene->monitoring = monitoring_new(&scene->loop, &scene->status);
    monitoring_add(scene->monitoring, status_write_metrics, &scene->status);
    monitoring_add(scene->monitoring, write_hello, &watched->hellos);
    assert_int_equal(monitoring_listen(scene->monitoring, watched->fd), 0);
    uv_sem_post(&scene->done);
}

static void stop_monitoring(void *context)
{
    struct watched *watched = context;
    monitoring_free(watched->scene->monitoring, scene_on_done, watched->scene);
}

static void start(struct watched *watched, struct scene *scene)
{
    struct failure why;
    *watched = (struct watched){.scene = scene, .hellos = 42};
    assert_true(address_parse_ip("127.0.0.1", &watched->address));
    watched->fd = monitoring_bind(&watched->address, &why);
    assert_true(watched->fd >= 0);
    socklen_t size = sizeof watched->address;
    assert_int_equal(getsockname(watched->fd, &watched->address.any, &size), 0);
    loop_post(&scene->loop, start_monitoring, watched);
    uv_sem_wait(&scene->done);
}

static void stop(struct watched *watched)
{
    loop_post(&watched->scene->loop, stop_monitoring, watched);
    uv_sem_wait(&watched->scene->done);
}

static char *get(const struct watched *watched, const char *path)
{
    static char reply[1 << 16];
    size_t size = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = SCENE_DEADLINE_S};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, &watched->address.any, address_size(&watched->address)), 0);
    char *request = memory_format("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
    scene_say(fd, request);
    free(request);
    for (ssize_t got; (got = recv(fd, reply + size, sizeof reply - size - 1, 0)) != 0;) {
        assert_true(got > 0);
        size += (size_t)got;
    }
    reply[size] = 0;
    close(fd);
    return reply;
}

static void assert_shows(const char *reply, const char *text)
{
    if (!strstr(reply, text)) {
        print_error("%s\n", reply);
        fail_msg("\"%s\" is not in it", text);
    }
}

static void metrics_are_those_of_every_writer(void **state)
{
    struct watched watched;
    start(&watched, *state);
    const char *reply = get(&watched, "/metrics");
    assert_shows(reply, "HTTP/1.1 200 ");
    assert_shows(reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_shows(reply, "\nhello_total 42\n");
    assert_shows(reply, "\npilotlight_sidecar_connected 0\n");
    stop(&watched);
}

static void a_decided_host_is_healthy(void **state)
{
    struct watched watched;
    start(&watched, *state);
    const char *reply = get(&watched, "/healthz");
    assert_shows(reply, "HTTP/1.1 200 ");
    assert_shows(reply, "\r\n\r\nok\n");
    stop(&watched);
}

static void the_page_and_nothing_else_is_there(void **state)
{
    struct watched watched;
    start(&watched, *state);
    const char *reply = get(&watched, "/");
    assert_shows(reply, "Content-Type: text/html; charset=utf-8\r\n");
    assert_shows(reply, "orders-db");
    assert_shows(get(&watched, "/etc/passwd"), "HTTP/1.1 404 ");
    stop(&watched);
}

/* A record that cannot be believed, before the daemon starts. */
static int set_up_undecided(void **state)
{
    int status = scene_prepare(state);
    struct scene *scene = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/state.json", scene->directory);
    scene_write(path, "{\"format\": 1, \"revision\": 7, \"epo");
    scene_run(scene);
    return status;
}

static void an_undecided_host_is_503_and_says_why(void **state)
{
    struct watched watched;
    start(&watched, *state);
    const char *reply = get(&watched, "/healthz");
    assert_shows(reply, "HTTP/1.1 503 ");
    assert_shows(reply, "group data is undecided: ");
    assert_shows(reply, "state.json");
    assert_shows(get(&watched, "/"), "undecided");
    int fd = scene_dial(*state);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_null(scene_active(status, "data"));
    assert_non_null(json_text(json_member(status, "undecided"), "data"));
    cJSON_Delete(status);
    close(fd);
    stop(&watched);
}

static void an_address_in_use_is_an_error_in_words(void **state)
{
    struct watched watched;
    struct failure why;
    start(&watched, *state);
    assert_int_equal(monitoring_bind(&watched.address, &why), -EADDRINUSE);
    assert_non_null(strstr(why.text, "monitoring.listen: cannot listen on 127.0.0.1:"));
    stop(&watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(metrics_are_those_of_every_writer),
        SCENE(a_decided_host_is_healthy),
        SCENE(the_page_and_nothing_else_is_there),
        cmocka_unit_test_setup_teardown(
            an_undecided_host_is_503_and_says_why, set_up_undecided, scene_tear_down),
        SCENE(an_address_in_use_is_an_error_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
