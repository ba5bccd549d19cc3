/* A daemon's inside on a loop of its own (store, announcer, keeper, control), a fake resolver, and
 * blocking clients for the test's side of the socket. Needs a directory, makes its own. */
#pragma once

#include "tests/unit/unit.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/control.h"
#include "failover/monitoring.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define SCENE_DEADLINE_S 10
#define SCENE_STRANGER 65534
#define SCENE_PATIENCE_MS 2000 /* with the sidecar */

#define SCENE_CONFIG                                                                               \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"],\n"                                              \
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"]},\n"                                          \
    " \"control\": {\"operators\": \"daemon\"},\n"                                                 \
    " \"endpoints\": {\n"                                                                          \
    "  \"orders-db\": {\"type\": \"database\", \"group\": \"data\",\n"                             \
    "   \"names\": [\"db.shop.internal\"],\n"                                                      \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.1:5432\", \"us-west-2\": \"192.0.2.2:5432\"}},\n"   \
    "  \"search\": {\"type\": \"name\", \"group\": \"web\", \"names\": [\"s.shop.internal\"],\n"   \
    "   \"targets\": {\"eu-west-1\": \"eu.example\", \"us-west-2\": \"us.example\"}}}}\n"

struct scene {
    struct loop loop;
    struct lookup lookup;
    struct relays *relays; /* NULL: there are none */
    struct announce *announce;
    struct keeper *keeper;
    struct status_source status;
    struct sidecar_desk *sidecar;
    struct control *control;
    struct monitoring *monitoring;
    char directory[64], socket[96], config[96];
    uv_sem_t done;
    _Atomic(const char *) ca; /* NULL: no gateway */
};

static inline const char *scene_gateway_ca(void *context)
{
    struct scene *scene = context;
    return scene->ca;
}

/* -- the fake resolver: answers later, on the loop that asked -- */

struct scene_later {
    lookup_explained *explained;
    lookup_flushed *flushed;
    void *context;
    bool one;
};

static inline void scene_answer_later(void *context)
{
    struct scene_later *later = context;
    if (later->explained)
        later->explained(later->context, cJSON_CreateString("because"));
    else
        later->flushed(later->context, later->one ? 1 : 7);
    free(later);
}

static inline void scene_explain(struct lookup *lookup, struct loop *home, const struct name *name,
    uint16_t type, lookup_explained *done, void *context)
{
    (void)lookup, (void)name, (void)type;
    struct scene_later *later = memory_new(sizeof *later);
    *later = (struct scene_later){.explained = done, .context = context};
    loop_post(home, scene_answer_later, later);
}

static inline void scene_flush(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_flushed *done, void *context)
{
    (void)lookup;
    struct scene_later *later = memory_new(sizeof *later);
    *later = (struct scene_later){.flushed = done, .context = context, .one = name != NULL};
    loop_post(home, scene_answer_later, later);
}

static inline bool scene_parse_type(const char *text, uint16_t *ret)
{
    *ret = 1;
    return strcmp(text, "A") == 0;
}

/* -- set up and tear down -- */

static inline void scene_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void scene_on_done(void *context)
{
    struct scene *scene = context;
    uv_sem_post(&scene->done);
}

static inline void scene_start(void *context)
{
    struct scene *scene = context;
    struct config *config = NULL;
    struct config_errors errors = {0};
    struct store *store;
    struct failure why = {{0}};
    char path[128];
    assert_int_equal(config_read(scene->config, &config, &errors), 0);
    snprintf(path, sizeof path, "%s/state.json", scene->directory);
    assert_int_equal(store_file_open(&scene->loop.uv, path, &store, &why), 0);
    struct siphash_key key = {1, 2};
    struct keeper_options keeper = {.main_loop = &scene->loop,
        .store = store,
        .announce = scene->announce,
        .config = config,
        .key = &key};
    assert_int_equal(keeper_new(&keeper, &scene->keeper, scene_on_done, scene, &why), 0);
    config_unref(config);
    scene->status =
        (struct status_source){.keeper = scene->keeper, .relays = scene->relays, .host = "host-1"};
    struct control_options options = {.main_loop = &scene->loop,
        .keeper = scene->keeper,
        .lookup = &scene->lookup,
        .relays = scene->relays,
        .sidecar = scene->sidecar = sidecar_desk_new(&scene->loop, SCENE_PATIENCE_MS),
        .status = &scene->status,
        .gateway_ca = scene_gateway_ca,
        .gateway_context = scene};
    int fd = control_bind(scene->socket, &why);
    assert_true(fd >= 0);
    assert_int_equal(control_new(&options, fd, &scene->control, &why), 0);
}

/* The files, and nothing that runs yet. */
static inline int scene_prepare(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct scene *scene = memory_new(sizeof *scene);
    snprintf(scene->directory, sizeof scene->directory, "/tmp/pilotlight-control-XXXXXX");
    assert_non_null(mkdtemp(scene->directory));
    assert_int_equal(chmod(scene->directory, 0755), 0);
    snprintf(scene->socket, sizeof scene->socket, "%s/run/control.sock", scene->directory);
    snprintf(scene->config, sizeof scene->config, "%s/pilotlight.json", scene->directory);
    scene_write(scene->config, SCENE_CONFIG);
    scene->lookup = (struct lookup){
        .explain = scene_explain, .flush = scene_flush, .parse_type = scene_parse_type};
    *state = scene;
    return 0;
}

static inline void scene_run(struct scene *scene)
{
    uv_sem_init(&scene->done, 0);
    assert_int_equal(loop_init(&scene->loop, "scene"), 0);
    scene->announce = announce_new(&scene->loop);
    loop_post(&scene->loop, scene_start, scene);
    assert_int_equal(loop_start(&scene->loop), 0);
    uv_sem_wait(&scene->done);
}

static inline int scene_set_up(void **state)
{
    int status = scene_prepare(state);
    scene_run(*state);
    return status;
}

static inline void scene_free_desk(void *context)
{
    struct scene *scene = context;
    sidecar_desk_free(scene->sidecar, scene_on_done, scene);
}

static inline void scene_free_control(void *context)
{
    struct scene *scene = context;
    control_free(scene->control, scene_free_desk, scene);
}

static inline void scene_free_rest(void *context)
{
    struct scene *scene = context;
    keeper_free(scene->keeper);
    announce_free(scene->announce);
    uv_sem_post(&scene->done);
}

static inline void scene_end(struct scene *scene)
{
    loop_fini(&scene->loop);
    uv_sem_destroy(&scene->done);
    char *command = memory_format("rm -rf %s", scene->directory);
    assert_int_equal(system(command), 0);
    free(command);
    free(scene);
}

static inline int scene_tear_down(void **state)
{
    struct scene *scene = *state;
    loop_post(&scene->loop, scene_free_control, scene);
    uv_sem_wait(&scene->done);
    loop_post(&scene->loop, scene_free_rest, scene);
    uv_sem_wait(&scene->done);
    scene_end(scene);
    return 0;
}

/* -- clients -- */

static inline int scene_try_dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = SCENE_DEADLINE_S};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int scene_dial(struct scene *scene)
{
    int fd = scene_try_dial(scene->socket);
    assert_true(fd >= 0);
    return fd;
}

/* A connection of another user's, with one supplementary group or none (0). The bare system calls
 * change this thread alone, so the daemon's thread stays who it is. Only root can. */
static inline int scene_dial_as(struct scene *scene, uid_t uid, gid_t group)
{
    assert_int_equal(syscall(SYS_setgroups, group ? 1 : 0, &group), 0);
    assert_int_equal(syscall(SYS_setresgid, -1, SCENE_STRANGER, -1), 0);
    assert_int_equal(syscall(SYS_setresuid, -1, uid, -1), 0);
    int fd = scene_try_dial(scene->socket);
    assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
    assert_int_equal(syscall(SYS_setresgid, -1, 0, -1), 0);
    assert_int_equal(syscall(SYS_setgroups, 0, NULL), 0);
    assert_true(fd >= 0);
    return fd;
}

static inline void scene_say(int fd, const char *line)
{
    size_t size = strlen(line);
    assert_int_equal(send(fd, line, size, MSG_NOSIGNAL), (ssize_t)size);
}

static inline void scene_call(int fd, int id, const char *method, const char *params)
{
    char *line = memory_format(
        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}\n", id, method, params);
    scene_say(fd, line);
    free(line);
}

/* The next line; NULL when the daemon closed. Byte by byte, so that no later line is swallowed. */
static inline cJSON *scene_hear(int fd)
{
    static char line[1 << 20];
    size_t size = 0;
    for (;;) {
        char byte;
        ssize_t got = recv(fd, &byte, 1, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return NULL;
        assert_true(got == 1);
        if (byte == '\n')
            break;
        assert_true(size < sizeof line);
        line[size++] = byte;
    }
    cJSON *json = NULL;
    assert_int_equal(json_parse(line, size, &json, NULL, NULL), 0);
    return json;
}

/* Asks and hears; the answer's "result", or the whole reply when it is an error. */
static inline cJSON *scene_ask(int fd, const char *method, const char *params)
{
    scene_call(fd, 1, method, params);
    cJSON *reply = scene_hear(fd);
    assert_non_null(reply);
    cJSON *result = cJSON_DetachItemFromObjectCaseSensitive(reply, "result");
    if (!result)
        return reply;
    cJSON_Delete(reply);
    return result;
}

static inline int scene_code(const cJSON *reply)
{
    const cJSON *code = json_member(json_member(reply, "error"), "code");
    return code ? code->valueint : 0;
}

static inline void scene_assert_code(int fd, const char *method, const char *params, int code)
{
    cJSON *reply = scene_ask(fd, method, params);
    if (scene_code(reply) != code) {
        char *text = cJSON_PrintUnformatted(reply);
        fail_msg("%s %s: wanted %d, got %s", method, params, code, text);
    }
    cJSON_Delete(reply);
}

static inline const char *scene_active(const cJSON *status, const char *group)
{
    return json_text(json_member(json_member(status, "groups"), group), "active");
}

static inline void scene_assert_active(struct scene *scene, const char *region)
{
    int fd = scene_dial(scene);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_string_equal(scene_active(status, "data"), region);
    cJSON_Delete(status);
    close(fd);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)
