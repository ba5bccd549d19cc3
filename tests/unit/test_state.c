/* The record: what is printed is read back, everything else is refused. */
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/state.h"
#include "tests/unit/sample_config.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct moment moment = {
    .wall = "2026-11-23T07:00:00.000Z", .boot_id = "boot", .boot_ms = 1000};

static struct transition *sample_transition(const char *id, enum transition_result result)
{
    struct transition *transition = memory_new(sizeof *transition);
    snprintf(transition->id, sizeof transition->id, "%s", id);
    state_set_id(transition->to, "us-west-2");
    transition->groups = memory_new_array(2, sizeof *transition->groups);
    transition->group_count = 2;
    transition->groups[0] =
        (struct transition_group){.id = "data", .from = "eu-west-1", .progress = PROGRESS_FENCED};
    transition->groups[1] = (struct transition_group){
        .id = "static", .from = "eu-west-1", .progress = PROGRESS_SWITCHED};
    struct transition_step *step = transition_add_step(transition, "promote");
    *step = (struct transition_step){.id = "promote",
        .status = STEP_FAILED,
        .attempt = 2,
        .started = moment,
        .promotes = true,
        .detail = memory_text("no \"such\" instance\n"),
        .aws_code = memory_text("DBInstanceNotFound"),
        .aws_request_id = memory_text("7a62c49f")};
    transition->requests[0] = (struct transition_request){.id = "r-1", .command = "failover"};
    transition->request_count = 1;
    transition->by = memory_text("alice");
    transition->reason = memory_text("fire \xf0\x9f\x94\xa5");
    transition->started = moment;
    transition->ended = result == RESULT_NONE ? (struct moment){.boot_ms = 0} : moment;
    transition->result = result;
    transition->lag_ms = result == RESULT_NONE ? -1 : 1500;
    transition->force = result == RESULT_NONE ? FORCE_LAG | FORCE_DNS_ONLY : 0;
    transition->target_rto_ms = result == RESULT_NONE ? 900000 : 0;
    step->has_lag = result != RESULT_NONE;
    step->lag_ms = step->has_lag ? 1500 : 0;
    return transition;
}

static void add_past(struct state *state, struct transition *past)
{
    size_t count = state->history_count + 1;
    state->history = memory_resize(state->history, count, sizeof *state->history);
    state->history[state->history_count++] = past;
}

static struct state *sample_state(void)
{
    struct state *state = state_at_home(sample_config());
    state->revision = 40;
    state->epoch = 12;
    struct state_group *data = state_find_group(state, "data");
    data->fenced = true;
    data->fenced_at = moment;
    group_latch(data, "eu-west-1");
    state_set_id(state_find_group(state, "static")->active, "us-west-2");
    state->transition = sample_transition("t-2", RESULT_NONE);
    add_past(state, sample_transition("t-1", RESULT_DONE));
    return state;
}

static char *print(struct state *state)
{
    char *text = NULL;
    size_t size = 0;
    struct failure why = {.text = ""};
    if (state_print(state, &text, &size, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(strlen(text), size);
    return text;
}

static char *print_sample(void)
{
    struct state *state = sample_state();
    char *text = print(state);
    state_free(state);
    return text;
}

static void refuses(const char *text, size_t size, int status, const char *words)
{
    struct state *state = NULL;
    struct failure why = {.text = ""};
    assert_int_equal(state_parse(text, size, &state, &why), status);
    assert_null(state);
    if (!strstr(why.text, words))
        fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void a_host_without_a_record_starts_at_home(void **unused)
{
    (void)unused;
    struct state *state = state_at_home(sample_config());
    assert_int_equal(state->revision, 0);
    assert_int_equal(state->epoch, 0);
    assert_int_equal(state->group_count, 4);
    for (size_t i = 0; i < state->group_count; i++)
        assert_string_equal(state->groups[i].active, "eu-west-1");
    assert_int_equal(state_phase(state), PHASE_STEADY);
    assert_null(state_phase_text(PHASE_STEADY));
    state_free(state);
}

static void a_copy_shares_nothing_with_the_original(void **unused)
{
    (void)unused;
    struct state *state = sample_state();
    char *before = print(state);
    struct state *copy = state_copy(state);
    state_free(state);
    char *after = print(copy);
    assert_string_equal(before, after);
    free(before);
    free(after);
    state_free(copy);
}

static void what_was_printed_is_read_back(void **unused)
{
    (void)unused;
    struct state *state = NULL;
    char *text = print_sample();
    assert_int_equal(state_parse(text, strlen(text), &state, NULL), 0);
    char *again = print(state);
    assert_string_equal(text, again);
    assert_int_equal(state->revision, 40);
    assert_int_equal(state->transition->steps[0].attempt, 2);
    assert_string_equal(state->transition->steps[0].detail, "no \"such\" instance\n");
    assert_int_equal(state->transition->lag_ms, -1);
    assert_int_equal(state->history[0]->lag_ms, 1500);
    assert_true(group_is_latched(state_find_group(state, "data"), "eu-west-1"));
    free(again);
    free(text);
    state_free(state);
}

static void the_record_has_the_shape_that_is_promised(void **unused)
{
    (void)unused;
    struct state *state = sample_state();
    cJSON *json = state_to_json(state);
    const cJSON *data = json_member(json_member(json, "groups"), "data");
    const cJSON *running = json_member(json, "transition");
    uint64_t number = 0;
    assert_true(json_integer(json, "format", &number) && number == 1);
    assert_true(json_integer(json, "revision", &number) && number == 40);
    assert_true(json_integer(json, "epoch", &number) && number == 12);
    assert_string_equal(json_text(data, "active"), "eu-west-1");
    assert_true(json_bool(data, "fenced", false));
    assert_int_equal(cJSON_GetArraySize(json_member(data, "latched")), 1);
    assert_string_equal(json_text(running, "kind"), "failover");
    assert_string_equal(json_text(running, "phase"), "stopped");
    assert_string_equal(json_text(json_member(running, "groups"), "data"), "fenced");
    assert_string_equal(json_text(json_member(running, "from"), "data"), "eu-west-1");
    assert_string_equal(json_text(json_member(running, "requests"), "r-1"), "failover");
    const cJSON *step = json_member(json_member(running, "steps"), "promote");
    assert_string_equal(json_text(step, "status"), "failed");
    assert_string_equal(json_text(json_member(step, "aws"), "code"), "DBInstanceNotFound");
    assert_true(cJSON_IsNull(json_member(step, "ended")));
    assert_true(cJSON_IsNull(json_member(running, "result")));
    const cJSON *past = json_member(json, "history")->child;
    assert_string_equal(json_text(past, "result"), "done");
    assert_true(cJSON_IsNull(json_member(past, "phase")));
    cJSON_Delete(json);
    state_free(state);
}

static void every_cut_of_the_file_is_refused(void **unused)
{
    (void)unused;
    char *text = print_sample();
    size_t size = strlen(text);
    refuses(text, 0, -EINVAL, "empty");
    for (size_t cut = 1; cut < size; cut++)
        refuses(text, cut, -EINVAL, "");
    refuses(text, size / 2, -EINVAL, "cut short");
    free(text);
}

static void every_edited_byte_is_refused(void **unused)
{
    (void)unused;
    char *text = print_sample();
    for (size_t i = 0; text[i]; i++) {
        text[i] ^= 1;
        struct state *state = NULL;
        assert_true(state_parse(text, strlen(text), &state, NULL) < 0);
        text[i] ^= 1;
    }
    char *edited = memory_format("%s\n", text);
    refuses(edited, strlen(edited), -EINVAL, "");
    memcpy(strstr(text, "\"epoch\":12"), "\"epoch\":13", strlen("\"epoch\":13"));
    refuses(text, strlen(text), -EINVAL, "checksum");
    free(edited);
    free(text);
}

static void a_newer_format_is_refused_in_its_own_words(void **unused)
{
    (void)unused;
    const char *text = "{\"format\":2,\"revision\":7,\"seal\":\"x\"}";
    refuses(text, strlen(text), -EPROTONOSUPPORT, "format 2, written by a newer pilotlight");
}

static void a_foreign_file_is_refused(void **unused)
{
    (void)unused;
    refuses("{\"hello\":1}", 11, -EINVAL, "not a pilotlight state record");
    refuses("[]", 2, -EINVAL, "not a pilotlight state record");
    refuses("\x7f"
            "ELF",
        4, -EINVAL, "damaged");
    const char *bare =
        "{\"format\":1,\"revision\":7,\"epoch\":1,\"groups\":{},\"transition\":null}";
    refuses(bare, strlen(bare), -EINVAL, "checksum");
    char *large = memory_new(STATE_SIZE_MAX + 2);
    memset(large, ' ', STATE_SIZE_MAX + 1);
    refuses(large, STATE_SIZE_MAX + 1, -EINVAL, "larger");
    free(large);
}

/* The sample's JSON with one piece of text replaced; without the file's checksum. */
static int read_with(const char *piece, const char *instead, struct failure *why)
{
    struct state *state = sample_state(), *again = NULL;
    cJSON *json = state_to_json(state), *changed = NULL;
    char *text = cJSON_PrintUnformatted(json);
    char *at = strstr(text, piece);
    assert_non_null(at);
    *at = '\0';
    char *edited = memory_format("%s%s%s", text, instead, at + strlen(piece));
    assert_int_equal(json_parse(edited, strlen(edited), &changed, NULL, NULL), 0);
    int status = state_from_json(changed, &again, why);
    cJSON_Delete(changed);
    cJSON_Delete(json);
    cJSON_free(text);
    free(edited);
    state_free(again);
    state_free(state);
    return status;
}

static void a_record_that_contradicts_itself_is_refused(void **unused)
{
    (void)unused;
    static const char *const edits[][2] = {
        {"\"revision\":40", "\"revision\":-1"},
        {"\"epoch\":12", "\"epoch\":1.5"},
        {"\"epoch\":12", "\"epoch\":\"12\""},
        {"\"epoch\":12,", ""},
        {"\"format\":1", "\"format\":0"},
        {"\"static\":{", "\"data\":{"}, /* a group twice */
        {"\"data\":{", "\"\":{"},       /* without a name */
        {"\"fenced\":true", "\"fenced\":1"},
        {"\"active\":\"eu-west-1\"", "\"active\":\"\""},
        {"\"latched\":[\"eu-west-1\"]", "\"latched\":[\"a\",\"a\"]"},
        {"\"latched\":[\"eu-west-1\"]", "\"latched\":[1]"},
        {"\"kind\":\"failover\"", "\"kind\":\"fallover\""},
        {"\"kind\":\"failover\"", "\"kind\":\"switch-only\""}, /* never runs */
        {"\"status\":\"failed\"", "\"status\":\"broken\""},
        {"\"attempt\":2", "\"attempt\":4294967296"},
        {"\"data\":\"fenced\"", "\"data\":\"open\""}, /* the group says otherwise */
        {"\"static\":\"switched\"", "\"static\":\"open\""},
        {"\"data\":\"fenced\"", "\"nobody\":\"fenced\""},
        {"\"from\":{\"data\":\"eu-west-1\"", "\"from\":{\"data\":null"},
        {"\"from\":{\"data\":\"eu-west-1\"", "\"from\":{\"atad\":\"eu-west-1\""},
        {"\"by\":\"alice\"", "\"by\":null"},
        {"\"result\":null", "\"result\":\"done\""}, /* running and over */
        {"\"result\":\"done\"", "\"result\":null"}, /* past and running */
        {"\"lag_ms\":null", "\"lag_ms\":-5"},
        {"\"force\":[\"lag\"", "\"force\":[\"lagg\""},
        {"\"force\":[\"lag\"", "\"force\":[1"},
        {"\"force\":[]", "\"force\":{}"},
        {"\"target_rto_ms\":900000", "\"target_rto_ms\":-1"},
        {"\"steps\":{\"promote\"", "\"steps\":{\"\""},
        {"\"requests\":{\"r-1\":\"failover\"", "\"requests\":{\"r-1\":1"},
        {"\"history\":[", "\"history\":[null,"},
    };
    struct failure why;
    assert_int_equal(read_with("\"epoch\":12", "\"epoch\":13", &why), 0);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        if (read_with(edits[i][0], edits[i][1], &why) != -EINVAL)
            fail_msg("%s was believed", edits[i][1]);
        assert_non_null(strstr(why.text, "missing or impossible"));
    }
}

static void a_record_of_before_these_members_were_is_read(void **unused)
{
    (void)unused;
    struct failure why;
    assert_int_equal(read_with(",\"force\":[\"lag\",\"dns-only\"]", "", &why), 0);
    assert_int_equal(read_with(",\"target_rto_ms\":900000", "", &why), 0);
    assert_int_equal(read_with("\"lag_ms\":null,\"aws\"", "\"aws\"", &why), 0);
}

static void a_record_that_could_not_be_read_back_is_not_written(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size = 0;
    struct failure why;
    struct state *state = sample_state();
    free(state->transition->reason);
    state->transition->reason = memory_text("not \xff UTF-8");
    assert_int_equal(state_print(state, &text, &size, &why), -EINVAL);
    assert_null(text);
    state_free(state);
}

static void history_is_trimmed_to_its_number(void **unused)
{
    (void)unused;
    struct state *state = sample_state();
    for (int i = 0; i < STATE_HISTORY_MAX + 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "past-%d", i);
        add_past(state, sample_transition(id, RESULT_DONE));
    }
    free(print(state));
    assert_int_equal(state->history_count, STATE_HISTORY_MAX);
    assert_string_equal(state->history[STATE_HISTORY_MAX - 1]->id, "past-54");
    assert_string_equal(state->history[0]->id, "past-5");
    state_free(state);
}

static void add_long_steps(struct transition *transition, int count)
{
    for (int i = 0; i < count; i++) {
        char id[16], detail[STATE_DETAIL_MAX + 1];
        snprintf(id, sizeof id, "step-%d", i);
        memset(detail, 'x', sizeof detail);
        detail[STATE_DETAIL_MAX] = '\0';
        transition_add_step(transition, id)->detail = memory_text(detail);
    }
}

static void history_is_trimmed_until_the_record_fits(void **unused)
{
    (void)unused;
    struct state *state = sample_state();
    for (int i = 0; i < 10; i++) {
        struct transition *past = sample_transition("past", RESULT_DONE);
        add_long_steps(past, 200);
        add_past(state, past);
    }
    char *text = print(state);
    assert_true(strlen(text) <= STATE_SIZE_MAX);
    assert_true(state->history_count >= 1 && state->history_count < 10);
    free(text);
    state_free(state);
}

static void a_transition_too_large_for_the_record_is_refused(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size = 0;
    struct failure why;
    struct state *state = sample_state();
    add_long_steps(state->transition, STATE_STEPS_MAX - 1);
    for (int i = 0; i < STATE_STEPS_MAX; i++) {
        struct transition_step *step = &state->transition->steps[i];
        free(step->aws_code);
        step->aws_code = memory_new(STATE_WORD_MAX + 1);
        memset(step->aws_code, '"', STATE_WORD_MAX);
    }
    assert_int_equal(state_print(state, &text, &size, &why), -EFBIG);
    assert_non_null(strstr(why.text, "512 KiB"));
    state_free(state);
}

static void salvages(const char *text, uint64_t revision, uint64_t epoch)
{
    uint64_t seen_revision = 1, seen_epoch = 1;
    state_salvage(text, strlen(text), &seen_revision, &seen_epoch);
    assert_int_equal(seen_revision, revision);
    assert_int_equal(seen_epoch, epoch);
}

static void the_largest_counters_are_salvaged_from_damage(void **unused)
{
    (void)unused;
    char *text = print_sample();
    text[strlen(text) / 3] = '\0';
    salvages(text, 40, 12);
    salvages("", 0, 0);
    salvages("no counters here", 0, 0);
    salvages("{\"revision\" : 7, \"epoch\":\n 9, \"revision\":3", 7, 9);
    salvages("\"revision\":4503599627370496 \"epoch\":4503599627370497", STATE_COUNTER_MAX, 0);
    salvages("\"revision\":99999999999999999999999999 \"revision\":5 \"epoch\":x", 5, 0);
    salvages("{\"reason\":\"\\\"epoch\\\":999\",\"epoch\":3", 0, 3);
    salvages("\"revision\"", 0, 0);
    free(text);
}

static void a_request_is_found_in_what_runs_and_what_is_past(void **unused)
{
    (void)unused;
    struct state *state = sample_state();
    strcpy(state->history[0]->requests[0].id, "r-0");
    assert_ptr_equal(state_find_request(state, "r-1"), state->transition);
    assert_ptr_equal(state_find_request(state, "r-0"), state->history[0]);
    assert_null(state_find_request(state, "r-2"));
    state_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_without_a_record_starts_at_home),
        cmocka_unit_test(a_copy_shares_nothing_with_the_original),
        cmocka_unit_test(what_was_printed_is_read_back),
        cmocka_unit_test(the_record_has_the_shape_that_is_promised),
        cmocka_unit_test(every_cut_of_the_file_is_refused),
        cmocka_unit_test(every_edited_byte_is_refused),
        cmocka_unit_test(a_newer_format_is_refused_in_its_own_words),
        cmocka_unit_test(a_foreign_file_is_refused),
        cmocka_unit_test(a_record_that_contradicts_itself_is_refused),
        cmocka_unit_test(a_record_of_before_these_members_were_is_read),
        cmocka_unit_test(a_record_that_could_not_be_read_back_is_not_written),
        cmocka_unit_test(history_is_trimmed_to_its_number),
        cmocka_unit_test(history_is_trimmed_until_the_record_fits),
        cmocka_unit_test(a_transition_too_large_for_the_record_is_refused),
        cmocka_unit_test(the_largest_counters_are_salvaged_from_damage),
        cmocka_unit_test(a_request_is_found_in_what_runs_and_what_is_past),
    };
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
