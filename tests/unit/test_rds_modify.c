/* rds.modify: classes, zones, pending values, and capacity that is sold out now or later. */
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LARGE "db.r6g.large"
#define XLARGE "db.r6g.xlarge"
#define MICRO "db.t4g.micro"
#define CLASSES "{\"instance\": \"orders\", \"class\": [\"" XLARGE "\", \"" LARGE "\"]}"
#define SOLD_OUT "InsufficientDBInstanceCapacity"

static int begin(void **state)
{
    *state = rds_scene_new("rds.modify", CLASSES);
    return 0;
}

static int begin_with_zones(void **state)
{
    *state = rds_scene_new(
        "rds.modify", "{\"instance\": \"orders\", \"class\": \"" LARGE "\", \"multi_az\": true}");
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(
    struct rds_scene *scene, const char *class, const char *status, const char *more)
{
    rds_scene_answer(scene, rds_scene_instance("orders", class, status, more));
    return rds_scene_look(scene);
}

static enum step_end look_and_hear(
    struct rds_scene *scene, const char *category, int ago_s, const char *message)
{
    char xml[2048], when[32];
    struct tm utc;
    time_t at = time(NULL) - ago_s;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S.123Z", gmtime_r(&at, &utc));
    snprintf(xml, sizeof xml,
        "<DescribeEventsResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
        "<DescribeEventsResult><Events><Event><Date>2020-01-01T00:00:00.000Z</Date>"
        "<Message>insufficient capacity, once</Message></Event><Event><Date>%s</Date>"
        "<Message>%s</Message><EventCategories><EventCategory>%s</EventCategory>"
        "</EventCategories></Event></Events></DescribeEventsResult></DescribeEventsResponse>",
        when, message, category);
    rds_scene_answer(scene, rds_scene_instance("orders", MICRO, "available", ""));
    rds_scene_answer(scene, xml);
    return rds_scene_look(scene);
}

static void accept_act(struct rds_scene *scene)
{
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
}

static void any_class_of_the_list_is_done(void **state)
{
    assert_int_equal(look_at(*state, XLARGE, "available", ""), STEP_END_DONE);
    assert_int_equal(look_at(*state, LARGE, "storage-optimization", ""), STEP_END_DONE);
    assert_int_equal(((struct rds_scene *)*state)->step.kind->confirm, 3);
}

static void the_first_class_is_asked_for_at_once_not_in_the_window(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_assert_words(scene, "make orders (" MICRO ") " XLARGE);
    accept_act(scene);
    assert_string_equal(scene->asked[0], "ModifyDBInstance us-west-2 DBInstanceIdentifier=orders"
                                         "&ApplyImmediately=true&DBInstanceClass=" XLARGE);
    assert_int_equal(look_at(scene, MICRO, "modifying", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, XLARGE, "modifying", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, XLARGE, "available", ""), STEP_END_DONE);
}

static void what_is_pending_is_not_done(void **state)
{
    static const char pending[] = "<PendingModifiedValues><DBInstanceClass>" XLARGE
                                  "</DBInstanceClass></PendingModifiedValues>";
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, LARGE, "available", pending), STEP_END_WAIT);
    assert_int_equal(look_at(scene, MICRO, "available", pending), STEP_END_MUST);
    accept_act(scene);
    assert_int_equal(look_at(scene, MICRO, "available", pending), STEP_END_WAIT);
    rds_scene_assert_words(scene, "DBInstanceClass pending");
    assert_int_equal(look_at(scene, XLARGE, "available",
                         "<PendingModifiedValues><EngineVersion>16.4</EngineVersion>"
                         "</PendingModifiedValues>"),
        STEP_END_WAIT);
    rds_scene_assert_words(scene, "EngineVersion pending");
}

static void zones_and_class_are_asked_for_together(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", "<MultiAZ>false</MultiAZ>"), STEP_END_MUST);
    rds_scene_assert_words(scene, LARGE ", Multi-AZ");
    accept_act(scene);
    rds_scene_assert_asked(scene, 0, "&DBInstanceClass=" LARGE "&MultiAZ=true");
    assert_int_equal(look_at(scene, LARGE, "available", "<MultiAZ>true</MultiAZ>"), STEP_END_DONE);
}

static void only_what_differs_is_asked_for(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, LARGE, "available", "<MultiAZ>false</MultiAZ>"), STEP_END_MUST);
    accept_act(scene);
    assert_null(strstr(scene->asked[0], "DBInstanceClass="));
    rds_scene_assert_asked(scene, 0, "MultiAZ=true");
}

static void a_class_that_is_sold_out_gives_way_to_the_next(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_refuse(scene, SOLD_OUT, "Insufficient capacity for db.r6g.xlarge");
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "DBInstanceClass=" XLARGE);
    rds_scene_assert_asked(scene, 1, "DBInstanceClass=" LARGE);
}

static void a_list_that_is_sold_out_fails_with_the_code(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_refuse(scene, SOLD_OUT, "Insufficient capacity");
    rds_scene_refuse(scene, SOLD_OUT, "Insufficient capacity");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, SOLD_OUT);
    rds_scene_assert_words(scene, "no capacity in us-west-2 for orders as " LARGE);
}

static void a_class_that_proves_to_be_sold_out_later_gives_way_too(void **state)
{
    struct rds_scene *scene = *state;
    static const char message[] = "Unable to modify the DB instance class: insufficient capacity";
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    accept_act(scene);
    assert_int_equal(look_and_hear(scene, "notification", 0, message), STEP_END_MUST);
    rds_scene_assert_asked(scene, 1, "DescribeEvents us-west-2 SourceIdentifier=orders");
    rds_scene_assert_words(scene, LARGE);
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST); /* not once more */
    rds_scene_assert_words(scene, LARGE);
    accept_act(scene);
    rds_scene_assert_asked(scene, 0, "DBInstanceClass=" LARGE);
    assert_int_equal(look_and_hear(scene, "notification", 0, message), STEP_END_FAIL);
    rds_scene_assert_words(scene, "insufficient capacity");
}

static void an_event_of_before_says_nothing_about_this_act(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    accept_act(scene);
    assert_int_equal(look_and_hear(scene, "failure", 60, "insufficient capacity"), STEP_END_WAIT);
    rds_scene_assert_words(scene, XLARGE);
}

static void storage_has_a_capacity_too(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    accept_act(scene);
    assert_int_equal(look_and_hear(scene, "notification", 0, "Storage capacity is 20 percent used"),
        STEP_END_WAIT);
    rds_scene_assert_words(scene, XLARGE);
}

static void a_failure_that_only_an_event_tells_fails_in_its_words(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    accept_act(scene);
    assert_int_equal(
        look_and_hear(scene, "failure", 0, "The DB instance is in a bad way"), STEP_END_FAIL);
    rds_scene_assert_words(scene, "in a bad way");
}

static void an_invalid_state_is_looked_at_again(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "backing-up", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_refuse(scene, "InvalidDBInstanceState", "not in the available state");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_assert_words(scene, "InvalidDBInstanceState");
}

static void a_reply_that_is_lost_is_looked_for(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    assert_int_equal(look_at(scene, XLARGE, "available", ""), STEP_END_DONE);
}

static void what_cannot_be_had_fails_with_the_code(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, MICRO, "available", ""), STEP_END_MUST);
    rds_scene_refuse(scene, "InvalidParameterCombination", "RDS does not support this class");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "InvalidParameterCombination");
    assert_int_equal(look_at(scene, MICRO, "incompatible-parameters", ""), STEP_END_FAIL);
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders not found.");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "us-west-2");
}

static void offer(struct rds_scene *scene, const char *options)
{
    char xml[512];
    snprintf(xml, sizeof xml,
        "<DescribeOrderableDBInstanceOptionsResponse><DescribeOrderableDBInstanceOptionsResult>"
        "<OrderableDBInstanceOptions>%s</OrderableDBInstanceOptions>"
        "</DescribeOrderableDBInstanceOptionsResult></DescribeOrderableDBInstanceOptionsResponse>",
        options);
    rds_scene_answer(scene, xml);
}

static void ready_asks_whether_any_class_is_offered(void **state)
{
    static const char version[] = "<EngineVersion>16.4</EngineVersion>";
    struct rds_scene *scene = *state;
    scene->step.purpose = STEP_READY;
    rds_scene_answer(scene, rds_scene_instance("orders", MICRO, "available", version));
    offer(scene, "");
    offer(scene, "<OrderableDBInstanceOption><DBInstanceClass>" LARGE
                 "</DBInstanceClass></OrderableDBInstanceOption>");
    assert_int_equal(rds_scene_look(scene), STEP_END_MUST);
    rds_scene_assert_asked(scene, 1,
        "DescribeOrderableDBInstanceOptions us-west-2 Engine=postgres&EngineVersion=16.4"
        "&DBInstanceClass=" XLARGE "&MaxRecords=20");
    rds_scene_assert_asked(scene, 2, "DBInstanceClass=" LARGE);
    rds_scene_assert_words(scene, "make orders " LARGE);
}

static void ready_fails_where_no_class_is_offered(void **state)
{
    static const char version[] = "<EngineVersion>16.4</EngineVersion>";
    struct rds_scene *scene = *state;
    scene->step.purpose = STEP_READY;
    rds_scene_answer(scene, rds_scene_instance("orders", MICRO, "available", version));
    offer(scene, "");
    offer(scene, "");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "us-west-2 offers postgres 16.4 neither as " LARGE);
}

#define MODIFY(test) cmocka_unit_test_setup_teardown(test, begin, finish)
#define ZONES(test) cmocka_unit_test_setup_teardown(test, begin_with_zones, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODIFY(any_class_of_the_list_is_done),
        MODIFY(the_first_class_is_asked_for_at_once_not_in_the_window),
        MODIFY(what_is_pending_is_not_done),
        ZONES(zones_and_class_are_asked_for_together),
        ZONES(only_what_differs_is_asked_for),
        MODIFY(a_class_that_is_sold_out_gives_way_to_the_next),
        MODIFY(a_list_that_is_sold_out_fails_with_the_code),
        MODIFY(a_class_that_proves_to_be_sold_out_later_gives_way_too),
        MODIFY(an_event_of_before_says_nothing_about_this_act),
        MODIFY(storage_has_a_capacity_too),
        MODIFY(a_failure_that_only_an_event_tells_fails_in_its_words),
        MODIFY(an_invalid_state_is_looked_at_again),
        MODIFY(a_reply_that_is_lost_is_looked_for),
        MODIFY(what_cannot_be_had_fails_with_the_code),
        MODIFY(ready_asks_whether_any_class_is_offered),
        MODIFY(ready_fails_where_no_class_is_offered),
    };
    return cmocka_run_group_tests_name("rds_modify", tests, NULL, NULL);
}
