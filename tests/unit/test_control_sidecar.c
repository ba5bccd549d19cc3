/* What the daemon asks of the sidecar: plan and readopt, with a sidecar that the test plays. */
#include "tests/unit/control_scene.h"

#define EU "eu-west-1"
#define US "us-west-2"

#define RUNBOOK                                                                                    \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"],\n"                                              \
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"]},\n"                                          \
    " \"control\": {\"operators\": \"daemon\"},\n"                                                 \
    " \"endpoints\": {\"orders-db\": {\"type\": \"database\", \"group\": \"data\",\n"              \
    "   \"names\": [\"db.shop.internal\"],\n"                                                      \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.1:5432\", \"us-west-2\": \"192.0.2.2:5432\"}}},\n"  \
    " \"runbooks\": {\"us-west-2\": {\"steps\": [{\"id\": \"switch\", \"step\": \"switch\"}]}}}\n"

static int set_up(void **state)
{
    int status = scene_prepare(state);
    struct scene *scene = *state;
    scene_write(scene->config, RUNBOOK);
    scene_run(scene);
    return status;
}

static int dial_as_sidecar(struct scene *scene)
{
    int fd = scene_dial(scene);
    scene_assert_code(fd, "hello", "{\"role\":\"sidecar\"}", 0);
    return fd;
}

/* The next question that the sidecar hears; its id goes into `ret_id`. The caller deletes. */
static cJSON *hear_question(int sidecar, const char *method, char ret_id[32])
{
    cJSON *question = scene_hear(sidecar);
    assert_non_null(question);
    assert_string_equal(json_text(question, "method"), method);
    snprintf(ret_id, 32, "%s", json_text(question, "id"));
    assert_int_equal(ret_id[0], 'd');
    return question;
}

static void answer(int sidecar, const char *id, const char *outcome)
{
    char *line = memory_format("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",%s}\n", id, outcome);
    scene_say(sidecar, line);
    free(line);
}

/* Asks, has the sidecar answer with `outcome`, and returns what the client hears. */
static cJSON *ask_through(
    struct scene *scene, int sidecar, const char *method, const char *params, const char *outcome)
{
    char id[32];
    int fd = scene_dial(scene);
    bool policy = strstr(params, "iam") != NULL;
    scene_call(fd, 1, method, params);
    cJSON_Delete(hear_question(sidecar, policy ? "policy" : method, id));
    answer(sidecar, id, outcome);
    cJSON *reply = scene_hear(fd);
    assert_non_null(reply);
    close(fd);
    return reply;
}

static void assert_failed(cJSON *reply, int code, const char *words)
{
    const char *said = json_text(json_member(reply, "error"), "message");
    assert_int_equal(scene_code(reply), code);
    if (!strstr(said, words))
        fail_msg("\"%s\" does not say \"%s\"", said, words);
    cJSON_Delete(reply);
}

#define PLAN "\"result\":{\"region\":\"us-west-2\",\"steps\":[" PLAN_STEP "]}"
#define PLAN_STEP                                                                                  \
    "{\"step\":\"promote\",\"type\":\"rds.promote_read_replica\",\"needs\":[],"                    \
    "\"status\":\"act\",\"words\":\"promote orders-standby\"}"

static void a_plan_is_asked_of_the_sidecar(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    int fd = scene_dial(scene);
    char id[32];
    scene_call(fd, 1, "plan", "{\"region\":\"us-west-2\",\"kind\":\"switchover\"}");
    cJSON *question = hear_question(sidecar, "plan", id);
    assert_string_equal(json_text(json_member(question, "params"), "region"), US);
    assert_string_equal(json_text(json_member(question, "params"), "kind"), "switchover");
    cJSON_Delete(question);
    answer(sidecar, id, PLAN);
    cJSON *reply = scene_hear(fd);
    const cJSON *steps = json_member(json_member(reply, "result"), "steps");
    assert_string_equal(json_text(steps->child, "step"), "promote");
    cJSON_Delete(reply);
    close(fd);
    close(sidecar);
}

static void a_policy_is_whatever_document_the_sidecar_makes(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    cJSON *reply = ask_through(scene, sidecar, "plan", "{\"region\":\"us-west-2\",\"iam\":true}",
        "\"result\":{\"Version\":\"2012-10-17\",\"Statement\":[]}");
    assert_string_equal(json_text(json_member(reply, "result"), "Version"), "2012-10-17");
    cJSON_Delete(reply);
    close(sidecar);
}

static void what_cannot_be_planned_is_said_without_the_sidecar(void **state)
{
    int fd = scene_dial(*state);
    scene_assert_code(fd, "plan", "{\"region\":\"mars\"}", 1002);
    scene_assert_code(fd, "plan", "{\"region\":\"eu-west-1\"}", 1003);
    scene_assert_code(fd, "plan", "{\"region\":\"us-west-2\",\"kind\":\"leap\"}", -32602);
    scene_assert_code(fd, "plan", "{}", -32602);
    close(fd);
}

static void without_a_sidecar_it_is_refused_with_what_to_do(void **state)
{
    int fd = scene_dial(*state);
    assert_failed(scene_ask(fd, "plan", "{\"region\":\"us-west-2\"}"), 1003,
        "systemctl start pilotlight-sidecar");
    close(fd);
}

static void a_sidecar_that_says_no_is_passed_on(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    const char *params = "{\"region\":\"us-west-2\"}";
    static const struct {
        const char *error;
        int code;
    } cases[] = {
        {"\"error\":{\"code\":1003,\"message\":\"not now\"}", 1003},
        {"\"error\":{\"code\":1002,\"message\":\"not now\"}", 1002},
        {"\"error\":{\"code\":1004,\"message\":\"not now\"}", 1001},
        {"\"error\":{\"code\":1000,\"message\":\"not now\"}", 1001},
        {"\"error\":{\"code\":-32601,\"message\":\"not now\"}", 1001},
        {"\"error\":{\"message\":\"not now\"}", 1001},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failed(
            ask_through(scene, sidecar, "plan", params, cases[i].error), cases[i].code, "not now");
    close(sidecar);
}

static void nonsense_of_a_sidecar_is_not_passed_on(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    static const char *const outcomes[] = {"\"result\":null", "\"result\":[]", "\"result\":{}",
        "\"result\":\"done\"", "\"error\":\"no\"", "\"error\":{\"code\":1003}",
        "\"result\":{\"steps\":{}}", "\"result\":{\"steps\":[1]}",
        "\"result\":{\"steps\":[{\"step\":1,\"status\":\"act\",\"words\":\"x\"}]}",
        "\"result\":{\"steps\":[{\"step\":\"a\",\"status\":\"perhaps\",\"words\":\"x\"}]}",
        "\"result\":{\"steps\":[{\"step\":\"a\",\"status\":\"act\"}]}",
        PLAN ",\"error\":{\"code\":1003,\"message\":\"both\"}"};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        assert_failed(
            ask_through(scene, sidecar, "plan", "{\"region\":\"us-west-2\"}", outcomes[i]), 1001,
            "makes no sense");
    close(sidecar);
}

static void a_reply_that_nobody_waits_for_is_dropped(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    answer(sidecar, "d1", PLAN); /* before it was asked */
    answer(sidecar, "nobody", PLAN);
    scene_say(sidecar, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n");
    scene_say(sidecar, "{\"id\":null,\"error\":{}}\n");
    scene_assert_code(sidecar, "status", "{}", 0);
    cJSON *reply = ask_through(scene, sidecar, "plan", "{\"region\":\"us-west-2\"}", PLAN);
    assert_int_equal(scene_code(reply), 0);
    cJSON_Delete(reply);
    answer(sidecar, "d1", PLAN); /* twice */
    scene_assert_code(sidecar, "status", "{}", 0);
    close(sidecar);
}

static void who_is_no_sidecar_answers_nothing(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene), stranger = scene_dial(scene);
    char id[32];
    scene_call(fd, 1, "plan", "{\"region\":\"us-west-2\"}");
    cJSON_Delete(hear_question(sidecar, "plan", id));
    answer(stranger, id, "\"result\":{\"steps\":[]}");
    assert_failed(scene_hear(stranger), -32600, "method");
    answer(sidecar, id, PLAN);
    cJSON *reply = scene_hear(fd);
    assert_int_equal(cJSON_GetArraySize(json_member(json_member(reply, "result"), "steps")), 1);
    cJSON_Delete(reply);
    close(stranger);
    close(fd);
    close(sidecar);
}

static void a_silent_sidecar_is_not_waited_for_for_ever(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene);
    char id[32];
    scene_call(fd, 1, "plan", "{\"region\":\"us-west-2\"}");
    cJSON_Delete(hear_question(sidecar, "plan", id));
    assert_failed(scene_hear(fd), 1001, "did not answer within");
    answer(sidecar, id, PLAN); /* too late */
    scene_assert_code(sidecar, "status", "{}", 0);
    close(fd);
    close(sidecar);
}

static void a_sidecar_that_goes_leaves_nobody_waiting(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene);
    char id[32];
    scene_call(fd, 1, "plan", "{\"region\":\"us-west-2\"}");
    cJSON_Delete(hear_question(sidecar, "plan", id));
    close(sidecar);
    assert_failed(scene_hear(fd), 1001, "connection was lost");
    close(fd);
}

static void only_so_many_questions_are_under_way(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene);
    char id[32];
    for (int i = 0; i <= SIDECAR_QUESTIONS_MAX; i++)
        scene_call(fd, i, "plan", "{\"region\":\"us-west-2\"}");
    cJSON *reply = scene_hear(fd);
    assert_int_equal(json_member(reply, "id")->valueint, SIDECAR_QUESTIONS_MAX);
    assert_failed(reply, 1001, "too many questions");
    for (int i = 0; i < SIDECAR_QUESTIONS_MAX; i++) {
        cJSON_Delete(hear_question(sidecar, "plan", id));
        answer(sidecar, id, PLAN);
        cJSON_Delete(scene_hear(fd));
    }
    close(fd);
    close(sidecar);
}

static void a_daemon_that_stops_answers_what_was_asked(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene);
    char id[32];
    scene_call(fd, 1, "plan", "{\"region\":\"us-west-2\"}");
    cJSON_Delete(hear_question(sidecar, "plan", id));
    close(fd); /* and the tear down finds a question whose asker is gone */
    close(sidecar);
}

/* -- readopt -- */

#define NOT_DONE                                                                                   \
    "\"result\":{\"done\":false,\"rows\":[{\"group\":\"data\",\"instance\":\"orders\","            \
    "\"status\":\"act\",\"words\":\"creates the replica\"}]}"
#define ALL_DONE "\"result\":{\"done\":true,\"rows\":[]}"

/* To the other region by way of a promotion: home is latched. */
static void promote(int fd)
{
    scene_assert_code(fd, "begin", "{\"region\":\"us-west-2\"}", 0);
    scene_assert_code(fd, "fence", "{}", 0);
    scene_assert_code(
        fd, "step", "{\"step\":\"promote\",\"status\":\"done\",\"promotes\":true}", 0);
    scene_assert_code(fd, "readopt", "{\"region\":\"eu-west-1\"}", 1003);
    scene_assert_code(fd, "switch", "{}", 0);
    scene_assert_code(fd, "end", "{}", 0);
}

static unsigned latches(struct scene *scene)
{
    int fd = scene_dial(scene);
    cJSON *status = scene_ask(fd, "status", "{}");
    const cJSON *groups = json_member(json_member(status, "state"), "groups");
    unsigned count =
        (unsigned)cJSON_GetArraySize(json_member(json_member(groups, "data"), "latched"));
    cJSON_Delete(status);
    close(fd);
    return count;
}

static void nothing_latched_is_done_at_once(void **state)
{
    int fd = scene_dial(*state);
    cJSON *result = scene_ask(fd, "readopt", "{\"region\":\"us-west-2\"}");
    assert_true(json_bool(result, "done", false));
    assert_non_null(strstr(json_text(result, "message"), "nothing is latched"));
    cJSON_Delete(result);
    scene_assert_code(fd, "readopt", "{\"region\":\"mars\"}", 1002);
    close(fd);
}

static void the_latch_is_lifted_when_the_sidecar_says_done(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    promote(sidecar);
    cJSON *reply = ask_through(scene, sidecar, "readopt", "{\"region\":\"eu-west-1\"}", NOT_DONE);
    assert_false(json_bool(json_member(reply, "result"), "done", true));
    cJSON_Delete(reply);
    assert_int_equal(latches(scene), 1);
    const char *params = "{\"region\":\"eu-west-1\",\"request\":\"r-9\"}";
    reply = ask_through(scene, sidecar, "readopt", params, ALL_DONE);
    assert_true(json_bool(json_member(reply, "result"), "done", false));
    assert_true(json_bool(json_member(reply, "result"), "lifted", false));
    cJSON_Delete(reply);
    assert_int_equal(latches(scene), 0);
    scene_assert_code(sidecar, "request", "{\"request\":\"r-9\"}", 0);
    close(sidecar);
}

static void a_dry_run_lifts_nothing(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    promote(sidecar);
    cJSON *reply = ask_through(
        scene, sidecar, "readopt", "{\"region\":\"eu-west-1\",\"dry_run\":true}", ALL_DONE);
    assert_true(json_bool(json_member(reply, "result"), "done", false));
    assert_false(json_bool(json_member(reply, "result"), "lifted", true));
    cJSON_Delete(reply);
    assert_int_equal(latches(scene), 1);
    close(sidecar);
}

static void a_done_of_before_a_change_lifts_nothing(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene), fd = scene_dial(scene), other = scene_dial(scene);
    char id[32];
    promote(sidecar);
    scene_call(fd, 1, "readopt", "{\"region\":\"eu-west-1\"}");
    cJSON_Delete(hear_question(sidecar, "readopt", id));
    scene_assert_code(other, "failover",
        "{\"region\":\"eu-west-1\",\"switch_only\":true,\"force\":[\"latch\"]}", 0);
    answer(sidecar, id, ALL_DONE);
    cJSON *reply = scene_hear(fd);
    assert_false(json_bool(json_member(reply, "result"), "done", true));
    assert_false(json_bool(json_member(reply, "result"), "lifted", true));
    cJSON_Delete(reply);
    close(other);
    close(fd);
    close(sidecar);
}

static void a_done_without_rows_or_a_word_lifts_nothing(void **state)
{
    struct scene *scene = *state;
    int sidecar = dial_as_sidecar(scene);
    promote(sidecar);
    static const char *const outcomes[] = {"\"result\":{\"done\":true}", "\"result\":{\"rows\":[]}",
        "\"result\":{\"done\":\"true\",\"rows\":[]}",
        "\"result\":{\"done\":true,\"rows\":[{\"status\":\"maybe\",\"words\":\"x\"}]}"};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        assert_failed(
            ask_through(scene, sidecar, "readopt", "{\"region\":\"eu-west-1\"}", outcomes[i]), 1001,
            "makes no sense");
    assert_int_equal(latches(scene), 1);
    close(sidecar);
}

#define RUNBOOK_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNBOOK_SCENE(a_plan_is_asked_of_the_sidecar),
        RUNBOOK_SCENE(a_policy_is_whatever_document_the_sidecar_makes),
        RUNBOOK_SCENE(what_cannot_be_planned_is_said_without_the_sidecar),
        RUNBOOK_SCENE(without_a_sidecar_it_is_refused_with_what_to_do),
        RUNBOOK_SCENE(a_sidecar_that_says_no_is_passed_on),
        RUNBOOK_SCENE(nonsense_of_a_sidecar_is_not_passed_on),
        RUNBOOK_SCENE(a_reply_that_nobody_waits_for_is_dropped),
        RUNBOOK_SCENE(who_is_no_sidecar_answers_nothing),
        RUNBOOK_SCENE(a_silent_sidecar_is_not_waited_for_for_ever),
        RUNBOOK_SCENE(a_sidecar_that_goes_leaves_nobody_waiting),
        RUNBOOK_SCENE(only_so_many_questions_are_under_way),
        RUNBOOK_SCENE(a_daemon_that_stops_answers_what_was_asked),
        SCENE(nothing_latched_is_done_at_once),
        SCENE(the_latch_is_lifted_when_the_sidecar_says_done),
        SCENE(a_dry_run_lifts_nothing),
        SCENE(a_done_of_before_a_change_lifts_nothing),
        SCENE(a_done_without_rows_or_a_word_lifts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
