#include "failover/rpc.h"

#include "base/json.h"
#include "failover/control_command.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *line, struct rpc_request *ret, struct failure *why)
{
    return rpc_parse(line, strlen(line), ret, why);
}

static void assert_refused(const char *line, int code, const char *words)
{
    struct rpc_request request;
    struct failure why = {{0}};
    int got = parse(line, &request, &why);
    if (got != code || !strstr(why.text, words))
        fail_msg("%.100s: %d, \"%s\"", line, got, why.text);
    rpc_request_fini(&request);
}

static void a_request_is_taken_apart(void **unused)
{
    (void)unused;
    struct rpc_request request;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"explain\","
                           "\"params\":{\"name\":\"a.example\"}}\r",
                         &request, NULL),
        0);
    assert_string_equal(request.method, "explain");
    assert_int_equal(request.id->valueint, 7);
    assert_string_equal(json_text(request.params, "name"), "a.example");
    rpc_request_fini(&request);
}

static void a_request_without_an_id_is_a_notification(void **unused)
{
    (void)unused;
    struct rpc_request request;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"status\"}", &request, NULL), 0);
    assert_null(request.id);
    assert_null(request.params);
    rpc_request_fini(&request);
    assert_int_equal(
        parse("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"status\"}", &request, NULL), 0);
    assert_true(cJSON_IsNull(request.id));
    rpc_request_fini(&request);
}

static void what_is_no_json_is_a_parse_error(void **unused)
{
    (void)unused;
    const char *lines[] = {"", " ", "{", "nonsense", "{\"jsonrpc\":\"2.0\"} more",
        "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\x01\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_refused(lines[i], RPC_PARSE_ERROR, "not valid JSON");
    struct rpc_request request;
    char deep[300];
    memset(deep, '[', sizeof deep);
    assert_int_equal(rpc_parse(deep, sizeof deep, &request, NULL), RPC_PARSE_ERROR);
    rpc_request_fini(&request);
    assert_int_equal(rpc_parse("{}\0", 3, &request, NULL), RPC_PARSE_ERROR);
    rpc_request_fini(&request);
}

static void what_is_no_request_says_so(void **unused)
{
    (void)unused;
    assert_refused("[]", RPC_INVALID_REQUEST, "batches");
    assert_refused(
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}]", RPC_INVALID_REQUEST, "batches");
    assert_refused("7", RPC_INVALID_REQUEST, "object");
    assert_refused("{\"id\":1,\"method\":\"status\"}", RPC_INVALID_REQUEST, "jsonrpc");
    assert_refused("{\"jsonrpc\":2.0,\"id\":1,\"method\":\"x\"}", RPC_INVALID_REQUEST, "jsonrpc");
    assert_refused("{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "method");
    assert_refused("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", RPC_INVALID_REQUEST, "id");
    assert_refused("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", RPC_INVALID_REQUEST, "id");
    assert_refused(
        "{\"jsonrpc\":\"2.0\",\"id\":1e300,\"method\":\"x\"}", RPC_INVALID_REQUEST, "id");
    assert_refused(
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":3}", RPC_INVALID_REQUEST, "params");
    assert_refused(
        "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[]}", RPC_INVALID_PARAMS, "by name");
}

static void a_number_as_an_id_comes_back_as_it_was(void **unused)
{
    (void)unused;
    static const char *const ids[] = {"0", "-1", "1795000000123457", "4503599627370495"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char line[128], wanted[64];
        struct rpc_request request;
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"x\"}", ids[i]);
        snprintf(wanted, sizeof wanted, "\"id\":%s,", ids[i]);
        assert_int_equal(parse(line, &request, NULL), 0);
        char *reply = rpc_result(request.id, cJSON_CreateNull());
        assert_non_null(strstr(reply, wanted));
        free(reply);
        rpc_request_fini(&request);
    }
    assert_refused("{\"jsonrpc\":\"2.0\",\"id\":4503599627370497,\"method\":\"x\"}",
        RPC_INVALID_REQUEST, "id");
}

static void an_error_carries_the_id_as_soon_as_it_is_known(void **unused)
{
    (void)unused;
    struct rpc_request request;
    assert_int_equal(parse("{\"id\":\"a\",\"method\":\"x\"}", &request, NULL), RPC_INVALID_REQUEST);
    char *line = rpc_error(request.id, RPC_INVALID_REQUEST, "why", rpc_error_data(-32600));
    assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32600,"
                              "\"message\":\"why\",\"data\":{\"status\":2,\"force\":null}}}\n");
    free(line);
    rpc_request_fini(&request);
    line = rpc_error(NULL, 1003, "why", NULL);
    assert_string_equal(
        line, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1003,\"message\":\"why\"}}\n");
    free(line);
}

static void a_line_beyond_a_mebibyte_is_refused_unread(void **unused)
{
    (void)unused;
    struct rpc_request request;
    struct failure why;
    char *line = malloc(RPC_LINE_MAX + 1);
    assert_non_null(line);
    memset(line, ' ', RPC_LINE_MAX + 1);
    assert_int_equal(rpc_parse(line, RPC_LINE_MAX + 1, &request, &why), RPC_INVALID_REQUEST);
    assert_non_null(strstr(why.text, "1048576"));
    rpc_request_fini(&request);
    assert_int_equal(rpc_parse(line, RPC_LINE_MAX, &request, &why), RPC_PARSE_ERROR);
    rpc_request_fini(&request);
    free(line);
}

static void results_and_notifications_are_one_line_each(void **unused)
{
    (void)unused;
    cJSON *id = cJSON_CreateNumber(4503599627370496.0);
    char *line = rpc_result(id, cJSON_CreateString("two\nlines"));
    assert_string_equal(
        line, "{\"jsonrpc\":\"2.0\",\"id\":4503599627370496,\"result\":\"two\\nlines\"}\n");
    free(line);
    cJSON_Delete(id);
    line = rpc_notification("state", cJSON_CreateObject());
    assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"method\":\"state\",\"params\":{}}\n");
    free(line);
}

/* What control_command_read makes of a method and its parameters. */
static int read_command(const char *method, const char *params, struct control_command *ret,
    struct rpc_request *request, struct failure *why)
{
    char line[4096];
    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
        method, params);
    assert_int_equal(parse(line, request, why), 0);
    assert_true(control_is_command(request->method));
    return control_command_read(request, ret, why);
}

static void assert_params_refused(const char *method, const char *params, const char *words)
{
    struct control_command command;
    struct rpc_request request;
    struct failure why = {{0}};
    int code = read_command(method, params, &command, &request, &why);
    if (code != RPC_INVALID_PARAMS || !strstr(why.text, words))
        fail_msg("%s %s: %d, \"%s\"", method, params, code, why.text);
    rpc_request_fini(&request);
}

static void a_failover_becomes_a_command(void **unused)
{
    (void)unused;
    struct control_command read;
    struct rpc_request request;
    assert_int_equal(read_command("failover",
                         "{\"region\":\"us-west-2\",\"groups\":[\"a\",\"b\"],\"reason\":\"fire\","
                         "\"request\":\"r-1\",\"switch_only\":true,\"dry_run\":null,"
                         "\"force\":[\"latch\",\"dns-only\"]}",
                         &read, &request, NULL),
        0);
    const struct command *command = &read.command;
    assert_int_equal(command->kind, COMMAND_FAILOVER);
    assert_string_equal(command->region, "us-west-2");
    assert_int_equal(command->group_count, 2);
    assert_string_equal(command->groups[1], "b");
    assert_string_equal(command->reason, "fire");
    assert_string_equal(command->request, "r-1");
    assert_true(command->switch_only);
    assert_false(command->dry_run);
    assert_int_equal(command->force, FORCE_LATCH | FORCE_DNS_ONLY);
    rpc_request_fini(&request);
}

static void a_step_becomes_a_command(void **unused)
{
    (void)unused;
    struct control_command read;
    struct rpc_request request;
    assert_int_equal(read_command("step",
                         "{\"step\":\"promote\",\"status\":\"running\",\"attempt\":2,"
                         "\"promotes\":true,\"detail\":\"d\",\"aws\":{\"code\":\"Throttling\"}}",
                         &read, &request, NULL),
        0);
    const struct transition_step *step = read.command.step;
    assert_string_equal(step->id, "promote");
    assert_int_equal(step->status, STEP_RUNNING);
    assert_int_equal(step->attempt, 2);
    assert_true(step->promotes);
    assert_false(step->irreversible);
    assert_string_equal(step->detail, "d");
    assert_string_equal(step->aws_code, "Throttling");
    assert_null(step->aws_request_id);
    rpc_request_fini(&request);
}

static void bare_force_is_all_and_false_is_none(void **unused)
{
    (void)unused;
    struct control_command read;
    struct rpc_request request;
    assert_int_equal(read_command("abort", "{\"force\":true}", &read, &request, NULL), 0);
    assert_int_equal(read.command.force, FORCE_ALL);
    rpc_request_fini(&request);
    assert_int_equal(read_command("abort", "{\"force\":false}", &read, &request, NULL), 0);
    assert_int_equal(read.command.force, 0);
    rpc_request_fini(&request);
}

static void choices_are_two_words_each(void **unused)
{
    (void)unused;
    struct control_command read;
    struct rpc_request request;
    assert_int_equal(
        read_command("begin", "{\"region\":\"r\",\"kind\":\"switchover\"}", &read, &request, NULL),
        0);
    assert_true(read.command.planned);
    rpc_request_fini(&request);
    assert_int_equal(read_command("end", "{\"result\":\"failed\"}", &read, &request, NULL), 0);
    assert_true(read.command.failed);
    rpc_request_fini(&request);
    assert_params_refused("begin", "{\"region\":\"r\",\"kind\":\"other\"}", "kind: ");
    assert_params_refused("end", "{\"result\":\"\"}", "result: ");
}

static void a_wrong_parameter_is_named(void **unused)
{
    (void)unused;
    assert_params_refused("failover", "{}", "region: must be given");
    assert_params_refused("begin", "{\"region\":\"a\",\"to\":\"b\"}", "to: is another word");
    assert_params_refused("failover", "{\"region\":null}", "region: must be given");
    assert_params_refused("failover", "{\"region\":7}", "region: must be a string");
    assert_params_refused("failover", "{\"region\":\"r\",\"groups\":\"a\"}", "groups: must be");
    assert_params_refused("failover", "{\"region\":\"r\",\"groups\":[1]}", "groups: must be");
    assert_params_refused("failover", "{\"region\":\"r\",\"groups\":[]}", "groups: name at least");
    assert_params_refused("failover", "{\"region\":\"r\",\"switch_only\":1}", "switch_only: must");
    assert_params_refused("failover", "{\"region\":\"r\",\"force\":\"lag\"}", "force: must be");
    assert_params_refused("failover", "{\"region\":\"r\",\"force\":[\"lags\"]}", "\"lags\"");
    assert_params_refused("failover", "{\"region\":\"r\",\"Region\":\"r\"}", "Region: no such");
    assert_params_refused(
        "failover", "{\"region\":\"r\",\"region\":\"s\"}", "region: is given twice");
    assert_params_refused(
        "switchover", "{\"region\":\"r\",\"switch_only\":true}", "switch_only: no");
    assert_params_refused("step", "{\"status\":\"done\"}", "step: must be given");
    assert_params_refused("step", "{\"step\":\"\",\"status\":\"done\"}", "step: 1 to");
    assert_params_refused("step", "{\"step\":\"s\",\"status\":\"doing\"}", "status: ");
    assert_params_refused(
        "step", "{\"step\":\"s\",\"status\":\"done\",\"attempt\":-1}", "attempt: ");
    assert_params_refused(
        "step", "{\"step\":\"s\",\"status\":\"done\",\"attempt\":1e12}", "attempt: ");
    assert_params_refused(
        "step", "{\"step\":\"s\",\"status\":\"done\",\"aws\":{\"id\":\"\"}}", "aws: id: no such");
}

static void a_request_id_is_short_and_printable(void **unused)
{
    (void)unused;
    char longest[STATE_REQUEST_MAX + 2];
    memset(longest, 'r', sizeof longest);
    longest[STATE_REQUEST_MAX + 1] = 0;
    struct failure why;
    assert_int_equal(control_check_request_id(longest, &why), RPC_INVALID_PARAMS);
    longest[STATE_REQUEST_MAX] = 0;
    assert_int_equal(control_check_request_id(longest, &why), 0);
    assert_int_equal(control_check_request_id("", &why), RPC_INVALID_PARAMS);
    assert_int_equal(control_check_request_id("a b", &why), RPC_INVALID_PARAMS);
    assert_int_equal(control_check_request_id("a\xc3\xa4", &why), RPC_INVALID_PARAMS);
    assert_int_equal(control_check_request_id("a\x7f", &why), RPC_INVALID_PARAMS);
}

static void words_that_were_cut_in_the_middle_of_a_letter_are_still_text(void **unused)
{
    (void)unused;
    char *line = rpc_error(NULL, RPC_OURS + 2, "unknown region \"r\xc3\"; cut \xe2\x82", NULL);
    cJSON *root = NULL;
    assert_int_equal(json_parse(line, strlen(line), &root, NULL, NULL), 0);
    assert_string_equal(
        json_text(json_member(root, "error"), "message"), "unknown region \"r\"; cut ");
    cJSON_Delete(root);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_request_without_an_id_is_a_notification),
        cmocka_unit_test(what_is_no_json_is_a_parse_error),
        cmocka_unit_test(what_is_no_request_says_so),
        cmocka_unit_test(a_number_as_an_id_comes_back_as_it_was),
        cmocka_unit_test(an_error_carries_the_id_as_soon_as_it_is_known),
        cmocka_unit_test(a_line_beyond_a_mebibyte_is_refused_unread),
        cmocka_unit_test(results_and_notifications_are_one_line_each),
        cmocka_unit_test(a_failover_becomes_a_command),
        cmocka_unit_test(a_step_becomes_a_command),
        cmocka_unit_test(bare_force_is_all_and_false_is_none),
        cmocka_unit_test(choices_are_two_words_each),
        cmocka_unit_test(a_wrong_parameter_is_named),
        cmocka_unit_test(a_request_id_is_short_and_printable),
        cmocka_unit_test(words_that_were_cut_in_the_middle_of_a_letter_are_still_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
