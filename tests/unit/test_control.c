/* The protocol: what is asked, what is answered, and what goes on meanwhile. */
#include "tests/unit/control_scene.h"

static void status_is_the_record_and_what_is_around_it(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_string_equal(json_text(status, "host"), "host-1");
    assert_string_equal(scene_active(status, "data"), "eu-west-1");
    assert_non_null(json_member(json_member(status, "state"), "revision"));
    const cJSON *db = json_member(json_member(status, "endpoints"), "orders-db");
    assert_string_equal(json_text(db, "status"), "open");
    assert_string_equal(json_text(db, "group"), "data");
    const cJSON *target = json_member(json_member(db, "targets"), "us-west-2");
    assert_string_equal(json_text(target, "target"), "192.0.2.2:5432");
    assert_string_equal(json_text(target, "health"), "unknown");
    assert_string_equal(json_text(json_member(status, "store"), "kind"), "file");
    assert_true(cJSON_IsNull(json_member(json_member(status, "store"), "error")));
    assert_false(json_bool(json_member(status, "sidecar"), "connected", true));
    assert_non_null(json_member(json_member(status, "hosts"), "host-1"));
    assert_int_equal(cJSON_GetArraySize(json_member(status, "undecided")), 0);
    cJSON_Delete(status);
    close(fd);
}

static void hello_says_who_answers(void **state)
{
    int fd = scene_dial(*state);
    cJSON *hello = scene_ask(fd, "hello", "{}");
    assert_int_equal(json_member(hello, "protocol")->valueint, 1);
    assert_string_equal(json_text(hello, "version"), PILOTLIGHT_VERSION);
    assert_false(json_bool(hello, "sidecar", true));
    cJSON_Delete(hello);
    scene_assert_code(fd, "hello", "{\"role\":\"king\"}", -32602);
    close(fd);
}

static void a_failover_is_done_when_it_is_answered(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    cJSON *outcome = scene_ask(fd, "failover",
        "{\"region\":\"us-west-2\",\"switch_only\":true,\"reason\":\"fire\",\"request\":\"r-1\"}");
    assert_int_equal(json_member(outcome, "status")->valueint, 0);
    assert_true(json_bool(outcome, "changed", false));
    assert_false(json_bool(outcome, "running", true));
    assert_non_null(json_text(outcome, "transition"));
    assert_non_null(json_text(outcome, "message"));
    cJSON_Delete(outcome);
    scene_assert_active(scene, "us-west-2");
    cJSON *history = scene_ask(fd, "history", "{}");
    const cJSON *past = cJSON_GetArrayItem(json_member(history, "history"), 0);
    assert_string_equal(json_text(past, "reason"), "fire");
    assert_string_equal(json_text(past, "to"), "us-west-2");
    cJSON_Delete(history);
    outcome = scene_ask(fd, "request", "{\"request\":\"r-1\"}");
    assert_true(json_bool(outcome, "changed", false));
    cJSON_Delete(outcome);
    close(fd);
}

static void a_refusal_carries_its_exit_status(void **state)
{
    int fd = scene_dial(*state);
    scene_assert_code(fd, "failover", "{\"region\":\"nowhere\",\"switch_only\":true}", 1002);
    scene_assert_code(fd, "request", "{\"request\":\"never-seen\"}", 1001);
    scene_assert_code(fd, "switchover", "{\"region\":\"us-west-2\"}", 1003);
    cJSON *reply = scene_ask(fd, "switchover", "{\"region\":\"us-west-2\"}");
    const cJSON *data = json_member(json_member(reply, "error"), "data");
    assert_int_equal(json_member(data, "status")->valueint, 3);
    assert_non_null(json_member(data, "force"));
    assert_false(json_bool(data, "changed", true));
    cJSON_Delete(reply);
    close(fd);
}

static void what_is_not_understood_has_its_own_codes(void **state)
{
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        {"nonsense\n", -32700},
        {"{\"a\":\"\xff\"}\n", -32700},
        {"\n", -32700},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}]\n", -32600},
        {"{\"id\":1,\"method\":\"status\"}\n", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dance\"}\n", -32601},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{\"x\":1}}\n", -32602},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[]}\n", -32602},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"explain\",\"params\":{\"name\":\"..\"}}\n",
            -32602},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"explain\","
         "\"params\":{\"name\":\"a\",\"type\":\"NONE\"}}\n",
            -32602},
    };
    int fd = scene_dial(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene_say(fd, cases[i].line);
        cJSON *reply = scene_hear(fd);
        assert_int_equal(scene_code(reply), cases[i].code);
        assert_int_equal(cJSON_IsNull(json_member(reply, "id")), i < 4);
        cJSON_Delete(reply);
    }
    scene_assert_code(fd, "status", "{}", 0); /* the connection has survived it all */
    close(fd);
}

static void a_line_beyond_the_limit_ends_the_connection(void **state)
{
    struct scene *scene = *state;
    char *line = memory_new((1 << 20) + 2);
    memset(line, ' ', (1 << 20) + 1);
    int fd = scene_dial(scene);
    scene_say(fd, line);
    cJSON *reply = scene_hear(fd);
    assert_int_equal(scene_code(reply), -32600);
    cJSON_Delete(reply);
    assert_null(scene_hear(fd));
    close(fd);
    fd = scene_dial(scene); /* exactly as long as is allowed */
    const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}";
    memcpy(line, hello, strlen(hello));
    line[1 << 20] = '\n';
    scene_say(fd, line);
    reply = scene_hear(fd);
    assert_non_null(json_member(reply, "result"));
    cJSON_Delete(reply);
    close(fd);
    free(line);
}

static void a_request_in_single_bytes_is_answered(void **state)
{
    int fd = scene_dial(*state);
    for (const char *at = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"hello\"}\n"; *at; at++)
        assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
    cJSON *reply = scene_hear(fd);
    assert_int_equal(json_member(reply, "id")->valueint, 9);
    cJSON_Delete(reply);
    close(fd);
}

static void a_notification_acts_and_is_not_answered(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    scene_say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"dance\"}\n"
                  "{\"jsonrpc\":\"2.0\",\"method\":\"failover\","
                  "\"params\":{\"region\":\"us-west-2\",\"switch_only\":true}}\n");
    scene_assert_code(fd, "request", "{\"request\":\"behind-it\"}", 1001);
    scene_assert_active(scene, "us-west-2");
    close(fd);
}

static void a_peer_that_half_closes_still_hears_its_answer(void **state)
{
    int fd = scene_dial(*state);
    scene_call(fd, 1, "failover", "{\"region\":\"us-west-2\",\"switch_only\":true}");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    cJSON *reply = scene_hear(fd);
    assert_non_null(json_member(reply, "result"));
    cJSON_Delete(reply);
    assert_null(scene_hear(fd));
    close(fd);
}

static void a_change_goes_on_when_its_peer_is_gone(void **state)
{
    struct scene *scene = *state;
    int watcher = scene_dial(scene), fd = scene_dial(scene);
    cJSON_Delete(scene_ask(watcher, "watch", "{}"));
    scene_call(fd, 1, "failover", "{\"region\":\"us-west-2\",\"switch_only\":true}");
    close(fd);
    bool moved = false;
    while (!moved) {
        cJSON *news = scene_hear(watcher);
        assert_non_null(news);
        moved = strcmp(scene_active(json_member(news, "params"), "data"), "us-west-2") == 0;
        cJSON_Delete(news);
    }
    close(watcher);
}

static void a_watcher_hears_of_each_change(void **state)
{
    struct scene *scene = *state;
    int watcher = scene_dial(scene), fd = scene_dial(scene);
    cJSON *status = scene_ask(watcher, "watch", "{}");
    assert_string_equal(scene_active(status, "data"), "eu-west-1");
    cJSON_Delete(status);
    cJSON_Delete(scene_ask(fd, "failover", "{\"region\":\"us-west-2\",\"switch_only\":true}"));
    const char *active = "";
    cJSON *news = NULL;
    while (strcmp(active, "us-west-2") != 0) { /* the fence before the switch is a change too */
        cJSON_Delete(news);
        news = scene_hear(watcher);
        assert_string_equal(json_text(news, "method"), "state");
        assert_null(json_member(news, "id"));
        active = scene_active(json_member(news, "params"), "data");
    }
    cJSON_Delete(news);
    close(watcher);
    close(fd);
}

static void begin_and_drive(int fd)
{
    cJSON_Delete(scene_ask(fd, "hello", "{\"role\":\"sidecar\"}"));
    cJSON *outcome = scene_ask(fd, "begin", "{\"region\":\"us-west-2\",\"groups\":[\"data\"]}");
    assert_true(json_bool(outcome, "running", false));
    cJSON_Delete(outcome);
}

static void a_script_can_play_the_sidecar(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    begin_and_drive(fd);
    scene_assert_code(fd, "fence", "{}", 0);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_string_equal(
        json_text(json_member(json_member(status, "endpoints"), "orders-db"), "status"), "fenced");
    assert_non_null(json_member(json_member(status, "fence_age_ms"), "data"));
    assert_true(json_bool(json_member(status, "sidecar"), "connected", false));
    assert_non_null(json_text(json_member(status, "sidecar"), "since"));
    cJSON_Delete(status);
    scene_assert_code(fd, "step", "{\"step\":\"p\",\"status\":\"running\",\"promotes\":true}", 0);
    scene_assert_code(fd, "step", "{\"step\":\"p\",\"status\":\"done\"}", 0);
    scene_assert_code(fd, "switch", "{}", 0);
    scene_assert_code(fd, "end", "{}", 0);
    scene_assert_active(scene, "us-west-2");
    close(fd);
}

static void there_is_one_sidecar_until_it_goes(void **state)
{
    struct scene *scene = *state;
    int first = scene_dial(scene), second = scene_dial(scene);
    scene_assert_code(first, "hello", "{\"role\":\"sidecar\"}", 0);
    scene_assert_code(first, "hello", "{\"role\":\"sidecar\"}", 0);
    scene_assert_code(second, "hello", "{\"role\":\"sidecar\"}", 1003);
    cJSON *status = scene_ask(second, "watch", "{}");
    assert_true(json_bool(json_member(status, "sidecar"), "connected", false));
    bool connected = true;
    close(first);
    while (connected) {
        cJSON_Delete(status);
        status = scene_hear(second);
        connected =
            json_bool(json_member(json_member(status, "params"), "sidecar"), "connected", true);
    }
    cJSON_Delete(status);
    close(second);
}

static void wait_returns_when_nothing_runs_or_the_transition_ends(void **state)
{
    struct scene *scene = *state;
    int waiter = scene_dial(scene), fd = scene_dial(scene);
    scene_assert_code(waiter, "wait", "{}", 0);
    begin_and_drive(fd);
    scene_call(waiter, 5, "wait", "{}");
    scene_assert_code(fd, "switch", "{}", 0);
    char byte;
    assert_int_equal(recv(waiter, &byte, 1, MSG_DONTWAIT), -1);
    scene_assert_code(fd, "end", "{}", 0);
    cJSON *reply = scene_hear(waiter);
    assert_int_equal(json_member(reply, "id")->valueint, 5);
    assert_int_equal(json_member(json_member(reply, "result"), "status")->valueint, 0);
    cJSON_Delete(reply);
    close(waiter);
    close(fd);
}

static void wait_fails_when_the_transition_stops(void **state)
{
    struct scene *scene = *state;
    int waiter = scene_dial(scene), gone = scene_dial(scene), fd = scene_dial(scene);
    begin_and_drive(fd);
    scene_call(gone, 5, "wait", "{}");
    close(gone);
    scene_call(waiter, 5, "wait", "{}");
    scene_assert_code(fd, "end", "{\"result\":\"failed\",\"reason\":\"no quota\"}", 0);
    cJSON *reply = scene_hear(waiter);
    assert_int_equal(scene_code(reply), 1001);
    assert_non_null(strstr(json_text(json_member(reply, "error"), "message"), "no quota"));
    cJSON_Delete(reply);
    close(waiter);
    close(fd);
}

static void beyond_32_calls_in_flight_a_peer_is_not_read(void **state)
{
    struct scene *scene = *state;
    int waiter = scene_dial(scene), fd = scene_dial(scene);
    begin_and_drive(fd);
    for (int i = 0; i < CONTROL_CALLS_MAX; i++)
        scene_call(waiter, i, "wait", "{}");
    scene_call(waiter, 100, "hello", "{}");
    scene_assert_code(fd, "hello", "{}", 0);
    scene_assert_code(fd, "hello", "{}", 0); /* by now the waiter's lines were seen, too */
    char byte;
    assert_int_equal(recv(waiter, &byte, 1, MSG_DONTWAIT), -1);
    scene_assert_code(fd, "abort", "{}", 0); /* ends the transition, so all waits */
    bool greeted = false;
    for (int i = 0; i <= CONTROL_CALLS_MAX; i++) {
        cJSON *reply = scene_hear(waiter);
        greeted |= json_member(reply, "id")->valueint == 100;
        cJSON_Delete(reply);
    }
    assert_true(greeted);
    close(waiter);
    close(fd);
}

static void explain_and_flush_ask_the_resolver(void **state)
{
    int fd = scene_dial(*state);
    cJSON *reply = scene_ask(fd, "explain", "{\"name\":\"db.shop.internal\"}");
    assert_string_equal(reply->valuestring, "because");
    cJSON_Delete(reply);
    reply = scene_ask(fd, "flush", "{}");
    assert_int_equal(json_member(reply, "flushed")->valueint, 7);
    cJSON_Delete(reply);
    reply = scene_ask(fd, "flush", "{\"name\":\"a.example\"}");
    assert_int_equal(json_member(reply, "flushed")->valueint, 1);
    cJSON_Delete(reply);
    close(fd);
}

static void the_gateways_ca_is_shown_where_there_is_one(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    cJSON *reply = scene_ask(fd, "ca", "{}");
    assert_int_equal(scene_code(reply), 1001);
    assert_non_null(strstr(json_text(json_member(reply, "error"), "message"), "no gateway"));
    cJSON_Delete(reply);
    scene->ca = "-----BEGIN CERTIFICATE-----\n";
    reply = scene_ask(fd, "ca", "{}");
    assert_string_equal(json_text(reply, "ca"), scene->ca);
    cJSON_Delete(reply);
    close(fd);
}

static void reload_takes_a_good_file_and_refuses_a_bad_one(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    scene_assert_code(fd, "reload", "{}", 0);
    scene_write(scene->config, "{\"regions\": [\"eu-west-1\", \"us-west-2\"],\n"
                               "\"wrong\": 1,\n\"endpoints\": {}, \"alsowrong\": 2}");
    cJSON *reply = scene_ask(fd, "reload", "{}");
    assert_int_equal(scene_code(reply), 1002);
    const char *words = json_text(json_member(reply, "error"), "message");
    assert_non_null(strstr(words, "wrong"));
    assert_non_null(strstr(words, "alsowrong"));
    cJSON_Delete(reply);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_non_null(json_member(json_member(status, "endpoints"), "orders-db"));
    cJSON_Delete(status);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(status_is_the_record_and_what_is_around_it),
        SCENE(hello_says_who_answers),
        SCENE(a_failover_is_done_when_it_is_answered),
        SCENE(a_refusal_carries_its_exit_status),
        SCENE(what_is_not_understood_has_its_own_codes),
        SCENE(a_line_beyond_the_limit_ends_the_connection),
        SCENE(a_request_in_single_bytes_is_answered),
        SCENE(a_notification_acts_and_is_not_answered),
        SCENE(a_peer_that_half_closes_still_hears_its_answer),
        SCENE(a_change_goes_on_when_its_peer_is_gone),
        SCENE(a_watcher_hears_of_each_change),
        SCENE(a_script_can_play_the_sidecar),
        SCENE(there_is_one_sidecar_until_it_goes),
        SCENE(wait_returns_when_nothing_runs_or_the_transition_ends),
        SCENE(wait_fails_when_the_transition_stops),
        SCENE(beyond_32_calls_in_flight_a_peer_is_not_read),
        SCENE(explain_and_flush_ask_the_resolver),
        SCENE(the_gateways_ca_is_shown_where_there_is_one),
        SCENE(reload_takes_a_good_file_and_refuses_a_bad_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
