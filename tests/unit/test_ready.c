#include "tests/unit/keeper_scene.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/ready.h"
#include "failover/ready_known.h"

#include <errno.h>
#include <stdlib.h>

#define EU "eu-west-1"
#define US "us-west-2"

/* A source that ends its rows when the test says so. */
struct slow_source {
    struct ready_source source; /* first: it is the handle */
    struct loop *loop;
    struct ready_rows *rows; /* of the run under way */
    unsigned runs;
    loop_call *freed;
    void *context;
};

struct house {
    struct scene scene;
    struct status_source status;
    struct slow_source slow;
    struct ready *ready;
    bool freed;
};

struct heard {
    unsigned times;
    cJSON *document;
};

static void slow_start(struct ready_source *source, struct ready_rows *rows)
{
    struct slow_source *slow = (struct slow_source *)source;
    assert_null(slow->rows);
    slow->rows = rows;
    slow->runs++;
}

static void slow_freed(void *context)
{
    struct slow_source *slow = context;
    slow->freed(slow->context);
}

/* What was found in both regions. */
static void slow_end(struct slow_source *slow, enum ready_status status)
{
    struct ready_rows *rows = slow->rows;
    static const char *const regions[] = {US, EU};
    for (size_t i = 0; i < 2; i++) {
        struct ready_row row = {.check = "replica",
            .endpoint = "orders-db",
            .region = regions[i],
            .status = status,
            .words = "looked at"};
        ready_rows_add(rows, &row);
    }
    slow->rows = NULL;
    ready_rows_end(rows);
}

static void slow_stop(struct ready_source *source, loop_call *freed, void *context)
{
    struct slow_source *slow = (struct slow_source *)source;
    slow->freed = freed;
    slow->context = context;
    if (slow->rows)
        slow_end(slow, READY_PASS);
    loop_post(slow->loop, slow_freed, slow);
}

static void on_freed(void *context)
{
    *(bool *)context = true;
}

static int set_up(void **state)
{
    struct house *house = memory_new(sizeof *house);
    scene_init(&house->scene);
    house->status = (struct status_source){.keeper = house->scene.keeper, .host = "host-1"};
    house->slow = (struct slow_source){
        .source = {.start = slow_start, .stop = slow_stop}, .loop = &house->scene.loop};
    struct ready_options options = {.main_loop = &house->scene.loop, .status = &house->status};
    house->ready = ready_new(&options);
    ready_add_source(house->ready, ready_known_new(&options));
    ready_add_source(house->ready, &house->slow.source);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    if (!house->freed) {
        ready_free(house->ready, on_freed, &house->freed);
        run_until(&house->scene.loop, is_set, &house->freed);
    }
    scene_fini(&house->scene);
    free(house);
    return 0;
}

static void on_answer(void *context, cJSON *document)
{
    struct heard *heard = context;
    heard->times++;
    heard->document = document;
}

static void assert_heard(struct heard *heard, bool ready)
{
    assert_int_equal(heard->times, 1);
    assert_int_equal(json_bool(heard->document, "ready", !ready), ready);
    cJSON_Delete(heard->document);
    *heard = (struct heard){0};
}

/* Asks, and lets the source end with `status` at once. The caller deletes. */
static cJSON *look(struct house *house, const char *region, enum ready_status status)
{
    struct heard heard = {0};
    ready_ask(house->ready, region, on_answer, &heard);
    if (house->slow.rows)
        slow_end(&house->slow, status);
    assert_int_equal(heard.times, 1);
    return heard.document;
}

/* How many rows of that check and region, whose words or advice hold these words. */
static unsigned count_rows(
    const cJSON *document, const char *check, const char *region, const char *words)
{
    unsigned count = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, json_member(document, "rows"))
    {
        char *text = cJSON_PrintUnformatted(row);
        count += strcmp(json_text(row, "check"), check) == 0 &&
                 strcmp(json_text(row, "region"), region) == 0 && strstr(text, words);
        free(text);
    }
    return count;
}

static void assert_row(
    struct house *house, const char *check, const char *region, bool ready, const char *words)
{
    cJSON *document = look(house, region, READY_PASS);
    if (count_rows(document, check, region, words) != 1) {
        char *text = cJSON_Print(document);
        fail_msg("not one row of %s with \"%s\": %s", check, words, text);
    }
    assert_int_equal(json_bool(document, "ready", !ready), ready);
    cJSON_Delete(document);
}

/* -- sharing -- */

static void who_asks_meanwhile_gets_the_same_run(void **state)
{
    struct house *house = *state;
    struct heard first = {0}, second = {0};
    ready_ask(house->ready, US, on_answer, &first);
    ready_ask(house->ready, NULL, on_answer, &second);
    assert_int_equal(first.times + second.times, 0);
    slow_end(&house->slow, READY_WARN);
    assert_heard(&first, true);
    assert_heard(&second, true);
    assert_int_equal(house->slow.runs, 1);
}

static void what_was_found_is_shown_again_for_a_while(void **state)
{
    struct house *house = *state;
    cJSON_Delete(look(house, US, READY_PASS));
    cJSON_Delete(look(house, EU, READY_PASS));
    assert_int_equal(house->slow.runs, 1);
}

static void after_a_change_of_the_record_it_is_looked_at_afresh(void **state)
{
    struct house *house = *state;
    cJSON_Delete(look(house, US, READY_PASS));
    carry_out(&house->scene, switch_to(US, NULL));
    cJSON_Delete(look(house, EU, READY_PASS));
    assert_int_equal(house->slow.runs, 2);
}

static void who_asks_after_a_change_during_a_run_waits_for_the_next_one(void **state)
{
    struct house *house = *state;
    struct heard before = {0}, after = {0};
    ready_ask(house->ready, US, on_answer, &before);
    carry_out(&house->scene, switch_to(US, NULL));
    ready_ask(house->ready, EU, on_answer, &after);
    slow_end(&house->slow, READY_PASS);
    assert_heard(&before, true);
    assert_int_equal(after.times, 0);
    slow_end(&house->slow, READY_FAIL);
    assert_heard(&after, false);
}

static void a_daemon_that_stops_answers_all_with_nothing(void **state)
{
    struct house *house = *state;
    struct heard now = {0}, later = {0};
    ready_ask(house->ready, US, on_answer, &now);
    carry_out(&house->scene, switch_to(US, NULL));
    ready_ask(house->ready, US, on_answer, &later);
    ready_free(house->ready, on_freed, &house->freed);
    assert_int_equal(now.times + later.times, 2);
    assert_null(now.document);
    assert_null(later.document);
    run_until(&house->scene.loop, is_set, &house->freed);
}

/* -- which rows -- */

static void one_that_fails_makes_it_unfit_and_a_warning_does_not(void **state)
{
    struct house *house = *state;
    struct {
        enum ready_status status;
        bool ready;
    } const cases[] = {{READY_PASS, true}, {READY_WARN, true}, {READY_FAIL, false}};
    for (size_t i = 0; i < 3; i++) {
        cJSON *document = look(house, US, cases[i].status);
        assert_int_equal(json_bool(document, "ready", !cases[i].ready), cases[i].ready);
        cJSON_Delete(document);
        carry_out(&house->scene, switch_to(i % 2 ? EU : US, NULL)); /* or it would be reused */
    }
}

static void without_a_region_it_is_about_those_that_some_group_is_not_active_in(void **state)
{
    struct house *house = *state;
    const char *groups[] = {"data"};
    cJSON *document = look(house, NULL, READY_PASS);
    assert_int_equal(count_rows(document, "replica", US, ""), 1);
    assert_int_equal(count_rows(document, "replica", EU, ""), 0);
    cJSON_Delete(document);
    struct command command = switch_to(US, NULL);
    command.groups = groups;
    command.group_count = 1;
    carry_out(&house->scene, command);
    document = look(house, NULL, READY_PASS);
    assert_int_equal(count_rows(document, "replica", US, ""), 1);
    assert_int_equal(count_rows(document, "replica", EU, ""), 1);
    cJSON_Delete(document);
}

static void rows_have_all_members(void **state)
{
    struct house *house = *state;
    cJSON *document = look(house, US, READY_WARN);
    const cJSON *rows = json_member(document, "rows");
    const cJSON *last = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
    char *text = cJSON_PrintUnformatted(last);
    assert_string_equal(text, "{\"check\":\"replica\",\"endpoint\":\"orders-db\",\"region\":\"" US
                              "\",\"status\":\"warn\",\"words\":\"looked at\",\"advice\":null}");
    free(text);
    cJSON_Delete(document);
}

/* -- what the daemon knows itself -- */

static void a_steady_host_passes_what_it_knows(void **state)
{
    struct house *house = *state;
    assert_row(house, "state", US, true, "\"pass\"");
    assert_row(house, "latch", US, true, "\"pass\"");
    assert_row(house, "target", US, true, "search");
}

static void a_record_that_cannot_be_written_fails(void **state)
{
    struct house *house = *state;
    house->scene.store.write_status = -ENOSPC;
    carry_out(&house->scene, switch_to(US, NULL));
    assert_row(house, "state", US, false, "the record could not be written");
}

static void a_latched_region_fails_until_it_is_readopted(void **state)
{
    struct house *house = *state;
    struct scene *scene = &house->scene;
    struct transition_step promote = {
        .id = "promote", .status = STEP_RUNNING, .promotes = true, .irreversible = true};
    carry_out(scene, driven(COMMAND_BEGIN, NULL));
    struct command step = driven(COMMAND_STEP, NULL);
    step.step = &promote;
    carry_out(scene, driven(COMMAND_FENCE, NULL));
    carry_out(scene, step);
    cJSON *document = look(house, EU, READY_PASS);
    assert_true(count_rows(document, "latch", EU, "pilotlight readopt " EU) > 0);
    assert_false(json_bool(document, "ready", true));
    cJSON_Delete(document);
    assert_row(house, "latch", US, true, "no group is latched");
}

int main(void)
{
#define HOUSE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HOUSE(who_asks_meanwhile_gets_the_same_run),
        HOUSE(what_was_found_is_shown_again_for_a_while),
        HOUSE(after_a_change_of_the_record_it_is_looked_at_afresh),
        HOUSE(who_asks_after_a_change_during_a_run_waits_for_the_next_one),
        HOUSE(a_daemon_that_stops_answers_all_with_nothing),
        HOUSE(one_that_fails_makes_it_unfit_and_a_warning_does_not),
        HOUSE(without_a_region_it_is_about_those_that_some_group_is_not_active_in),
        HOUSE(rows_have_all_members),
        HOUSE(a_steady_host_passes_what_it_knows),
        HOUSE(a_record_that_cannot_be_written_fails),
        HOUSE(a_latched_region_fails_until_it_is_readopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
