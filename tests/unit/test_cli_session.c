/* The command line against a scripted daemon (cli_scene.h). */
#include "tests/unit/cli_scene.h"

static void a_change_is_answered(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_ANSWER, "failover", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(run.reply.words.text, "switched");
    assert_string_equal(run.request, fake.requests[0]);
    assert_int_equal(strlen(run.request), 32);
    forget(&run);
}

static void a_refusal_says_what_overrides_it(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_ANSWER, "failover", REFUSAL}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_REFUSED);
    assert_string_equal(run.reply.force, "latch");
    forget(&run);
}

static void a_broken_connection_is_asked_about_by_request_id(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){
                     {ACT_HANG_UP, "failover"}, {ACT_ANSWER, "request", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "failover request ");
    assert_string_equal(fake.requests[0], fake.requests[1]);
    forget(&run);
}

static void a_daemon_that_restarts_is_found_again(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_RESTART, "failover"}, {ACT_HANG_UP, "request"},
                     {ACT_ANSWER, "request", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "failover request request ");
    forget(&run);
}

static void a_change_that_never_arrived_is_a_failure(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){
                     {ACT_HANG_UP, "failover"}, {ACT_ANSWER, "request", UNKNOWN}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(run.reply.words.text, "nothing was changed"));
    forget(&run);
}

static void a_silent_daemon_is_a_timeout_with_the_id_to_ask_by(void **unused)
{
    (void)unused;
    struct run run = {.options = {.has_timeout = true, .timeout_ms = 1}};
    change(&run, (const struct step[]){{ACT_SILENCE, "failover"}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_TIMEOUT);
    assert_non_null(strstr(run.reply.words.text, run.request));
    forget(&run);
}

static void nobody_there_means_that_nothing_was_sent(void **unused)
{
    (void)unused;
    struct run run = {0};
    session_init(&run.session, &run.options, "/tmp/pilotlight-nobody/control.sock");
    session_change(&run.session, "failover", cJSON_CreateObject(), run.request, &run.reply);
    assert_int_equal(run.reply.status, EXIT_STATUS_NO_DAEMON);
    assert_non_null(strstr(run.reply.words.text, "nothing was sent"));
    forget(&run);
}

static void words_that_are_not_text_are_bad_usage(void **unused)
{
    (void)unused;
    struct run run = {0};
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "reason", "\xff");
    fake_start((const struct step[]){{ACT_SILENCE, ""}, {ACT_END}});
    session_init(&run.session, &run.options, fake.path);
    session_change(&run.session, "failover", params, run.request, &run.reply);
    rpc_close(&run.session.rpc);
    fake_stop();
    assert_int_equal(run.reply.status, EXIT_STATUS_USAGE);
    assert_string_equal(fake.methods, "");
    forget(&run);
}

static void foreign_lines_are_passed_over(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_SAY, NULL, NOTIFY("{}")},
                     {ACT_SAY, NULL, "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}"},
                     {ACT_ANSWER, "failover", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(run.reply.words.text, "switched");
    forget(&run);
}

static void a_transition_is_followed_to_its_end(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("fenced", "running"), "")},
            {ACT_SAY, NULL, NOTIFY(STATE("null", OVER("done", "done")))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(json_text(run.reply.result, "transition"), "t1");
    assert_non_null(strstr(run.progress, "data: fenced\n"));
    assert_non_null(strstr(run.progress, "promote: running\n"));
    assert_non_null(strstr(run.progress, "data: switched\n"));
    assert_non_null(strstr(run.progress, "promote: done\n"));
    forget(&run);
}

static void steps_that_failed_on_the_way_are_named(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("done", "failed"))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_non_null(strstr(run.reply.words.text, "promote"));
    forget(&run);
}

static void a_transition_that_stops_is_a_failure_at_once(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("stopped", "failed"), "")},
            {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(run.reply.words.text, "promote"));
    forget(&run);
}

#define PLANNED                                                                                    \
    "{\"id\":\"t1\",\"to\":\"us\",\"kind\":\"switchover\",\"phase\":\"stopped\",\"groups\":{},"    \
    "\"steps\":{\"work\":{\"status\":\"failed\",\"detail\":\"exit status 1\"}}}"

static void a_switchover_that_failed_is_followed_until_it_has_gone_back(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){{ACT_ANSWER, "watch", "\"result\":" STATE(PLANNED, "")},
            {ACT_SAY, NULL, NOTIFY(STATE("null", OVER("aborted", "failed")))}, {ACT_END}});
    assert_non_null(strstr(run.reply.words.text, "aborted"));
    forget(&run);
}

static void a_daemon_that_restarts_while_it_is_followed_is_found_again(void **unused)
{
    (void)unused;
    struct run run = {0};
    const char *running = "\"result\":" STATE(RUNNING("fenced", "running"), "");
    follow(&run, "t1", false,
        (const struct step[]){{ACT_ANSWER, "watch", running}, {ACT_SAY, NULL, "no JSON at all"},
            {ACT_RESTART, NULL}, {ACT_HANG_UP, "watch"},
            {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("done", "done"))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "watch watch watch ");
    forget(&run);
}

static void following_ends_with_the_timeout_and_the_work_goes_on(void **unused)
{
    (void)unused;
    struct run run = {.options = {.has_timeout = true, .timeout_ms = 20}};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("fenced", "running"), "")},
            {ACT_SILENCE, NULL}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_TIMEOUT);
    forget(&run);
}

static void an_aborted_failover_failed_but_waiting_for_it_did_not(void **unused)
{
    (void)unused;
    const struct step script[] = {
        {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("aborted", "waiting"))}, {ACT_END}};
    struct run failover = {0}, wait = {0};
    follow(&failover, "t1", false, script);
    follow(&wait, "t1", true, script);
    assert_int_equal(failover.reply.status, EXIT_STATUS_FAILED);
    assert_int_equal(wait.reply.status, EXIT_STATUS_DONE);
    forget(&failover);
    forget(&wait);
}

static void waiting_for_nothing_is_done(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, NULL, true,
        (const struct step[]){{ACT_ANSWER, "watch", "\"result\":" STATE("null", "")}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    forget(&run);
}

static void the_socket_is_chosen_in_order(void **unused)
{
    (void)unused;
    struct failure why;
    char *path;
    struct options options = {.socket = "/a"};
    assert_int_equal(session_choose_socket(&options, "/b", &path, &why), 0);
    assert_string_equal(path, "/a");
    free(path);
    options.socket = NULL;
    assert_int_equal(session_choose_socket(&options, "/b", &path, &why), 0);
    assert_string_equal(path, "/b");
    free(path);
    options.config = "/nowhere/at/all.json";
    assert_int_equal(session_choose_socket(&options, NULL, &path, &why), -ENOENT);
    assert_non_null(strstr(why.text, options.config));
    options.config = "/"; /* there, and no file */
    assert_true(session_choose_socket(&options, NULL, &path, &why) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_answered),
        cmocka_unit_test(a_refusal_says_what_overrides_it),
        cmocka_unit_test(a_broken_connection_is_asked_about_by_request_id),
        cmocka_unit_test(a_daemon_that_restarts_is_found_again),
        cmocka_unit_test(a_change_that_never_arrived_is_a_failure),
        cmocka_unit_test(a_silent_daemon_is_a_timeout_with_the_id_to_ask_by),
        cmocka_unit_test(nobody_there_means_that_nothing_was_sent),
        cmocka_unit_test(words_that_are_not_text_are_bad_usage),
        cmocka_unit_test(foreign_lines_are_passed_over),
        cmocka_unit_test(a_transition_is_followed_to_its_end),
        cmocka_unit_test(steps_that_failed_on_the_way_are_named),
        cmocka_unit_test(a_transition_that_stops_is_a_failure_at_once),
        cmocka_unit_test(a_switchover_that_failed_is_followed_until_it_has_gone_back),
        cmocka_unit_test(a_daemon_that_restarts_while_it_is_followed_is_found_again),
        cmocka_unit_test(following_ends_with_the_timeout_and_the_work_goes_on),
        cmocka_unit_test(an_aborted_failover_failed_but_waiting_for_it_did_not),
        cmocka_unit_test(waiting_for_nothing_is_done),
        cmocka_unit_test(the_socket_is_chosen_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
