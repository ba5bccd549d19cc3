/* Who may do what, how many may come, and what a peer can make the daemon hold. */
#include "tests/unit/control_scene.h"

#include "failover/control_peer.h"
#include "failover/reload.h"

#include <fcntl.h>

#define SWITCH_OVER "{\"region\":\"us-west-2\",\"switch_only\":true}"

static void needs_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void a_stranger_reads_and_changes_nothing(void **state)
{
    static const char *const changes[] = {"failover", "switchover", "begin"};
    struct scene *scene = *state;
    needs_root();
    int fd = scene_dial_as(scene, SCENE_STRANGER, 0);
    scene_assert_code(fd, "status", "{}", 0);
    scene_assert_code(fd, "hello", "{}", 0);
    scene_assert_code(fd, "history", "{}", 0);
    scene_assert_code(fd, "explain", "{\"name\":\"a.example\"}", 0);
    scene->ca = "certificate";
    scene_assert_code(fd, "ca", "{}", 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        scene_assert_code(fd, changes[i], "{\"region\":\"us-west-2\"}", 1003);
    scene_assert_code(fd, "abort", "{}", 1003);
    scene_assert_code(fd, "fence", "{}", 1003);
    scene_assert_code(fd, "switch", "{}", 1003);
    scene_assert_code(fd, "step", "{\"step\":\"s\",\"status\":\"done\"}", 1003);
    scene_assert_code(fd, "end", "{}", 1003);
    scene_assert_code(fd, "reload", "{}", 1003);
    scene_assert_code(fd, "flush", "{}", 1003);
    scene_assert_code(fd, "hello", "{\"role\":\"sidecar\"}", 1003);
    close(fd);
    scene_assert_active(scene, "eu-west-1");
}

static void a_supplementary_operator_may_change_things(void **state)
{
    struct scene *scene = *state;
    needs_root();
    const struct group *daemon = getgrnam("daemon");
    assert_non_null(daemon);
    int fd = scene_dial_as(scene, SCENE_STRANGER, daemon->gr_gid);
    scene_assert_code(fd, "failover", SWITCH_OVER, 0);
    cJSON *history = scene_ask(fd, "history", "{}");
    const char *by = json_text(cJSON_GetArrayItem(json_member(history, "history"), 0), "by");
    assert_true(strcmp(by, "nobody") == 0 || strcmp(by, "uid 65534") == 0);
    cJSON_Delete(history);
    close(fd);
    scene_assert_active(scene, "us-west-2");
}

static void an_unknown_user_is_named_by_its_number(void **state)
{
    (void)state;
    struct peer_names names;
    peer_names_read(4000000001u, "no-such-group-here", &names);
    assert_string_equal(names.user, "uid 4000000001");
    assert_false(names.has_operators);
}

static void a_flood_of_one_user_locks_nobody_else_out(void **state)
{
    struct scene *scene = *state;
    needs_root();
    int flood[CONTROL_CONNECTIONS_PER_UID];
    for (size_t i = 0; i < CONTROL_CONNECTIONS_PER_UID; i++) {
        flood[i] = scene_dial_as(scene, SCENE_STRANGER, 0);
        scene_assert_code(flood[i], "hello", "{}", 0);
    }
    int more = scene_dial_as(scene, SCENE_STRANGER, 0);
    cJSON *reply = scene_hear(more);
    assert_int_equal(scene_code(reply), 1001);
    cJSON_Delete(reply);
    assert_null(scene_hear(more));
    close(more);
    int other = scene_dial_as(scene, SCENE_STRANGER - 1, 0);
    scene_assert_code(other, "hello", "{}", 0);
    close(other);
    for (size_t i = 0; i < CONTROL_CONNECTIONS_PER_UID; i++)
        close(flood[i]);
}

static void a_flood_of_many_users_leaves_places_for_operators(void **state)
{
    struct scene *scene = *state;
    needs_root();
    const int guests = CONTROL_CONNECTIONS_MAX - CONTROL_CONNECTIONS_SPARE;
    int *flood = memory_new_array((size_t)guests, sizeof *flood);
    for (int i = 0; i < guests; i++) {
        uid_t uid = (uid_t)(60000 + i / CONTROL_CONNECTIONS_PER_UID);
        flood[i] = scene_dial_as(scene, uid, 0);
        scene_assert_code(flood[i], "hello", "{}", 0);
    }
    int guest = scene_dial_as(scene, 61000, 0);
    cJSON *reply = scene_hear(guest);
    assert_int_equal(scene_code(reply), 1001);
    cJSON_Delete(reply);
    close(guest);
    int entitled = scene_dial_as(scene, 61000, getgrnam("daemon")->gr_gid);
    scene_assert_code(entitled, "failover", SWITCH_OVER, 0);
    close(entitled);
    for (int i = 0; i < guests; i++)
        close(flood[i]);
    free(flood);
}

static void a_peer_that_does_not_read_is_not_read_either(void **state)
{
    struct scene *scene = *state;
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";
    const size_t size = sizeof line - 1;
    int fd = scene_dial(scene), other = scene_dial(scene);
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    size_t sent = 0;
    unsigned refused = 0;
    while (refused < 50) { /* in a row, each after the daemon has had its turn */
        ssize_t got = send(fd, line + sent % size, size - sent % size, MSG_NOSIGNAL);
        refused = got < 0 ? refused + 1 : 0;
        sent += got < 0 ? 0 : (size_t)got;
        scene_assert_code(other, "hello", "{}", 0);
        assert_true(sent < 16u << 20);
    }
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
    for (size_t i = 0; i < sent / size; i++) { /* nothing was lost */
        cJSON *reply = scene_hear(fd);
        assert_non_null(json_member(reply, "result"));
        cJSON_Delete(reply);
    }
    close(fd);
    close(other);
}

static void on_reloaded(void *context, const struct outcome *outcome)
{
    struct scene *scene = context;
    assert_int_equal(outcome->status, EXIT_STATUS_DONE);
    scene_free_desk(scene);
}

static void reload(void *context)
{
    struct scene *scene = context;
    reload_configuration(scene->keeper, on_reloaded, scene);
}

static void free_then_reload(void *context)
{
    struct scene *scene = context;
    control_free(scene->control, reload, scene);
}

/* A reload (SIGHUP) may come while the daemon is stopping. */
static void a_change_after_control_is_gone_tells_nobody(void **state)
{
    struct scene *scene = *state;
    loop_post(&scene->loop, free_then_reload, scene);
    uv_sem_wait(&scene->done);
    loop_post(&scene->loop, scene_free_rest, scene);
    uv_sem_wait(&scene->done);
    scene_end(scene);
}

static void a_stale_socket_is_replaced_a_living_one_is_not(void **state)
{
    struct scene *scene = *state;
    struct failure why;
    assert_int_equal(control_bind(scene->socket, &why), -EADDRINUSE);
    assert_non_null(strstr(why.text, "another pilotlightd answers on"));
    scene_assert_active(scene, "eu-west-1");

    char path[128];
    snprintf(path, sizeof path, "%s/other.sock", scene->directory);
    int fd = control_bind(path, &why);
    assert_true(fd >= 0);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0666);
    close(fd); /* its daemon is dead, the file stays */
    fd = control_bind(path, &why);
    assert_true(fd >= 0);
    int client = scene_try_dial(path);
    assert_true(client >= 0);
    close(client);
    close(fd);
}

static void another_file_in_the_sockets_place_is_left_alone(void **state)
{
    struct scene *scene = *state;
    struct failure why;
    assert_int_equal(control_bind(scene->config, &why), -EEXIST);
    struct stat found;
    assert_int_equal(stat(scene->config, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    char path[200];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    assert_int_equal(control_bind(path, &why), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_stranger_reads_and_changes_nothing),
        SCENE(a_supplementary_operator_may_change_things),
        cmocka_unit_test(an_unknown_user_is_named_by_its_number),
        SCENE(a_flood_of_one_user_locks_nobody_else_out),
        SCENE(a_flood_of_many_users_leaves_places_for_operators),
        SCENE(a_peer_that_does_not_read_is_not_read_either),
        cmocka_unit_test_setup(a_change_after_control_is_gone_tells_nobody, scene_set_up),
        SCENE(a_stale_socket_is_replaced_a_living_one_is_not),
        SCENE(another_file_in_the_sockets_place_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
