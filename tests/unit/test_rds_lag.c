/* rds.wait_caught_up, the gate before a promotion, and cloudwatch.wait. */
#include "failover/decide.h"
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOURCE "arn:aws:rds:eu-west-1:123456789012:db:orders"
#define REPLICATING REPLICA_OF(SOURCE, "replicating", "true")
#define FENCED_AGO_S 200

/* Fenced in this boot, by a wall clock that was right. */
static void fence(struct rds_scene *scene, int64_t ago_s)
{
    struct tm utc;
    time_t wall = time(NULL) - (time_t)ago_s;
    scene->step.fenced = true;
    scene->step.fenced_at = clock_now();
    scene->step.fenced_at.boot_ms -= (uint64_t)ago_s * 1000;
    strftime(scene->step.fenced_at.wall, sizeof scene->step.fenced_at.wall,
        "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&wall, &utc));
}

static int begin(void **state)
{
    struct rds_scene *scene = rds_scene_new("rds.wait_caught_up", "{\"instance\": \"orders\"}");
    fence(scene, FENCED_AGO_S);
    *state = scene;
    return 0;
}

static int begin_with_bound(void **state)
{
    struct rds_scene *scene =
        rds_scene_new("rds.wait_caught_up", "{\"instance\": \"orders\", \"max_lag\": \"5s\"}");
    fence(scene, FENCED_AGO_S);
    *state = scene;
    return 0;
}

static int begin_metric(void **state)
{
    *state =
        rds_scene_new("cloudwatch.wait", "{\"metric\": \"AWS/SQS/OldestMessage\", \"below\": 10}");
    return 0;
}

static int begin_metric_above(void **state)
{
    *state = rds_scene_new("cloudwatch.wait",
        "{\"metric\": {\"namespace\": \"Orders\", \"name\": \"Workers\", \"dimensions\": "
        "{\"Stack\": \"a b\"}, \"statistic\": \"Maximum\", \"period\": \"5m\"}, \"above\": 2.5}");
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(
    struct rds_scene *scene, const struct rds_scene_lag *lags, size_t count)
{
    rds_scene_answer(scene, rds_scene_instance("orders", "db.t4g.micro", "available", REPLICATING));
    rds_scene_answer(scene, rds_scene_lags(lags, count));
    return rds_scene_look(scene);
}

static void two_low_minutes_after_the_fence_are_enough(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag lags[] = {{300, "40.0", "30.0"}, {60, "0.0", "0.0"}, {120, "0.0", "0.0"}};
    assert_int_equal(look_at(scene, lags, 3), STEP_END_DONE);
    rds_scene_assert_asked(scene, 1, "GetMetricStatistics us-west-2 Namespace=AWS%2FRDS");
    rds_scene_assert_asked(scene, 1,
        "Period=60&Statistics.member.1=Maximum"
        "&Statistics.member.2=Minimum");
}

static void a_minute_that_began_before_the_fence_does_not_count(void **state)
{
    struct rds_scene_lag lags[] = {{60, "0.0", "0.0"}, {FENCED_AGO_S + 1, "0.0", "0.0"}};
    assert_int_equal(look_at(*state, lags, 2), STEP_END_WAIT);
    rds_scene_assert_words(*state, "1 of 2 datapoints");
    lags[1].ago_s = FENCED_AGO_S - 2;
    assert_int_equal(look_at(*state, lags, 2), STEP_END_DONE);
}

static void a_clock_that_was_set_back_makes_no_minute_count(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag lags[] = {{60, "0.0", "0.0"}, {120, "0.0", "0.0"}};
    scene->step.fenced_at.boot_ms = clock_now().boot_ms; /* just now, whatever the wall says */
    assert_int_equal(look_at(scene, lags, 2), STEP_END_WAIT);
    fence(scene, FENCED_AGO_S);
    strcpy(scene->step.fenced_at.wall, "2999-01-01T00:00:00.000Z");
    assert_int_equal(look_at(scene, lags, 2), STEP_END_WAIT);
}

/* The minutes are AWS's, whose clock may be another than ours. */
static void by_a_clock_that_is_behind_no_minute_before_the_fence_counts(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag lags[] = {{60, "0.0", "0.0"}, {120, "0.0", "0.0"}};
    scene->date_s = (uint64_t)time(NULL) + 100; /* the fence was 100 s ago, as they count */
    assert_int_equal(look_at(scene, lags, 2), STEP_END_WAIT);
    rds_scene_assert_words(scene, "1 of 2 datapoints");
    scene->date_s = (uint64_t)time(NULL);
    assert_int_equal(look_at(scene, lags, 2), STEP_END_DONE);
}

static void without_a_fence_no_minute_counts(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag lags[] = {{60, "0.0", "0.0"}, {120, "0.0", "0.0"}};
    scene->step.fenced = false;
    assert_int_equal(look_at(scene, lags, 2), STEP_END_WAIT);
    rds_scene_assert_words(scene, "once the databases are fenced");
}

static void a_lag_above_the_bound_waits(void **state)
{
    struct rds_scene_lag lags[] = {{60, "1.0", "0.0"}, {120, "0.0", "0.0"}};
    assert_int_equal(look_at(*state, lags, 2), STEP_END_WAIT);
    rds_scene_assert_words(*state, "--force=lag");
    struct rds_scene_lag before[] = {{60, "0.0", "0.0"}, {120, "1.0", "0.0"}};
    assert_int_equal(look_at(*state, before, 2), STEP_END_WAIT);
}

static void the_bound_is_the_runbooks(void **state)
{
    struct rds_scene_lag lags[] = {{60, "5.0", "1.0"}, {120, "4.9", "1.0"}};
    assert_int_equal(look_at(*state, lags, 2), STEP_END_DONE);
    lags[1].maximum = "5.1";
    assert_int_equal(look_at(*state, lags, 2), STEP_END_WAIT);
}

static void inactive_is_not_low(void **state)
{
    struct rds_scene_lag lags[] = {{60, "-1.0", "-1.0"}, {120, "-1.0", "-1.0"}};
    assert_int_equal(look_at(*state, lags, 2), STEP_END_WAIT);
    rds_scene_assert_words(*state, "not active (ReplicaLag -1)");
    rds_scene_assert_words(*state, "--force=lag");
    struct rds_scene_lag partly[] = {{60, "0.0", "0.0"}, {120, "0.0", "-1.0"}};
    assert_int_equal(look_at(*state, partly, 2), STEP_END_WAIT);
}

static void missing_is_not_low(void **state)
{
    assert_int_equal(look_at(*state, NULL, 0), STEP_END_WAIT);
    rds_scene_assert_words(*state, "shows no lag");
    rds_scene_assert_words(*state, "--force=lag");
    struct rds_scene_lag no_number[] = {{60, "NaN", "0"}, {120, "", "0"}};
    assert_int_equal(look_at(*state, no_number, 2), STEP_END_WAIT);
}

static void force_passes_it_in_words_and_asks_nobody(void **state)
{
    struct rds_scene *scene = *state;
    scene->step.force = FORCE_FLAP;
    assert_int_equal(look_at(scene, NULL, 0), STEP_END_WAIT);
    scene->step.force = FORCE_LAG;
    assert_int_equal(rds_scene_look(scene), STEP_END_DONE);
    rds_scene_assert_words(scene, "--force=lag");
    assert_int_equal(scene->asked_count, 0);
}

static void what_was_promoted_already_has_nothing_to_catch_up_with(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_answer(scene, rds_scene_instance("orders", "db.t4g.micro", "available", ""));
    assert_int_equal(rds_scene_look(scene), STEP_END_DONE);
}

static void refusals_fail(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders not found.");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "us-west-2");
    rds_scene_answer(scene, rds_scene_instance("orders", "db.t4g.micro", "available", REPLICATING));
    rds_scene_refuse(scene, "AccessDenied", "no cloudwatch:GetMetricStatistics");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "AccessDenied");
}

static void ready_tells_how_it_stands_without_a_fence(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag low = {60, "0.0", "0.0"}, high = {60, "77.0", "1.0"},
                         inactive = {60, "-1", "-1"};
    scene->step.purpose = STEP_READY;
    scene->step.fenced = false;
    assert_int_equal(look_at(scene, &low, 1), STEP_END_DONE);
    assert_int_equal(look_at(scene, &high, 1), STEP_END_WAIT);
    rds_scene_assert_words(scene, "77 s behind");
    assert_int_equal(look_at(scene, &inactive, 1), STEP_END_FAIL);
    assert_int_equal(look_at(scene, NULL, 0), STEP_END_UNKNOWN);
    scene->step.purpose = STEP_PLAN;
    assert_int_equal(look_at(scene, &low, 1), STEP_END_WAIT);
}

static enum step_end hear(struct rds_scene *scene, const char *datapoints)
{
    char xml[1024];
    snprintf(xml, sizeof xml,
        "<GetMetricStatisticsResponse><GetMetricStatisticsResult><Datapoints>%s</Datapoints>"
        "</GetMetricStatisticsResult></GetMetricStatisticsResponse>",
        datapoints);
    rds_scene_answer(scene, xml);
    return rds_scene_look(scene);
}

#define POINT(minute, statistic, value)                                                            \
    "<member><Timestamp>2026-11-23T07:" minute ":00Z</Timestamp><" statistic ">" value             \
    "</" statistic "></member>"

static void a_metric_is_judged_by_its_newest_datapoint(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(
        hear(scene, POINT("03", "Average", "9.5") POINT("02", "Average", "70")), STEP_END_DONE);
    rds_scene_assert_asked(scene, 0,
        "GetMetricStatistics us-west-2 Namespace=AWS%2FSQS&MetricName=OldestMessage&StartTime=");
    rds_scene_assert_asked(scene, 0, "Period=60&Statistics.member.1=Average");
    assert_int_equal(
        hear(scene, POINT("02", "Average", "1") POINT("03", "Average", "10")), STEP_END_WAIT);
    rds_scene_assert_words(scene, "OldestMessage is 10, not below 10");
}

static void a_metric_without_datapoints_waits(void **state)
{
    assert_int_equal(hear(*state, ""), STEP_END_WAIT);
    rds_scene_assert_words(*state, "no datapoint of AWS/SQS OldestMessage");
}

static void a_metric_may_be_refused(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InvalidParameterValue", "Namespace");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "InvalidParameterValue");
}

static void a_metric_has_dimensions_statistic_and_period(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(hear(scene, POINT("05", "Maximum", "3")), STEP_END_DONE);
    rds_scene_assert_asked(
        scene, 0, "&Dimensions.member.1.Name=Stack&Dimensions.member.1.Value=a%20b&");
    rds_scene_assert_asked(scene, 0, "Period=300&Statistics.member.1=Maximum");
    assert_int_equal(hear(scene, POINT("05", "Maximum", "2.5")), STEP_END_WAIT);
    rds_scene_assert_words(scene, "not above 2.5");
}

#define LAG(test) cmocka_unit_test_setup_teardown(test, begin, finish)
#define METRIC(test) cmocka_unit_test_setup_teardown(test, begin_metric, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAG(two_low_minutes_after_the_fence_are_enough),
        LAG(a_minute_that_began_before_the_fence_does_not_count),
        LAG(a_clock_that_was_set_back_makes_no_minute_count),
        LAG(by_a_clock_that_is_behind_no_minute_before_the_fence_counts),
        LAG(without_a_fence_no_minute_counts),
        LAG(a_lag_above_the_bound_waits),
        cmocka_unit_test_setup_teardown(the_bound_is_the_runbooks, begin_with_bound, finish),
        LAG(inactive_is_not_low),
        LAG(missing_is_not_low),
        LAG(force_passes_it_in_words_and_asks_nobody),
        LAG(what_was_promoted_already_has_nothing_to_catch_up_with),
        LAG(refusals_fail),
        LAG(ready_tells_how_it_stands_without_a_fence),
        METRIC(a_metric_is_judged_by_its_newest_datapoint),
        METRIC(a_metric_without_datapoints_waits),
        METRIC(a_metric_may_be_refused),
        cmocka_unit_test_setup_teardown(
            a_metric_has_dimensions_statistic_and_period, begin_metric_above, finish),
    };
    return cmocka_run_group_tests_name("rds_lag", tests, NULL, NULL);
}
