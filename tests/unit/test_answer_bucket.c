/* What a bucket's names answer, with and without a gateway. */
#include "tests/unit/answer_scene.h"

#include <stdio.h>

#define EU_NAME "assets-eu.s3.eu-west-1.amazonaws.com"
#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, scene_setup, scene_teardown)

static void open_gateway(struct scene *scene)
{
    scene->gateway_answers = true;
    scene_look(scene);
}

static void without_a_gateway_its_names_are_left_to_the_upstreams(void **state)
{
    struct scene *scene = *state;
    ask(scene, EU_NAME, TYPE_A);
    needs(scene, EU_NAME);
    ask(scene, "assets.internal", TYPE_A);
    needs(scene, "assets.internal");
}

static void its_names_answer_where_the_gateway_listens_whichever_region_is_active(void **state)
{
    static const char *const names[] = {EU_NAME, "assets-us.s3.us-west-2.amazonaws.com",
        "assets-us.s3.dualstack.us-west-2.amazonaws.com", "assets-eu.s3.amazonaws.com",
        "assets-eu.s3-us-west-2.amazonaws.com", "assets.internal"};
    struct scene *scene = *state;
    open_gateway(scene);
    for (int switched = 0; switched < 2; switched++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char text[256];
            ask(scene, names[i], TYPE_A);
            snprintf(text, sizeof text, "%s. 1 A 127.0.0.80", names[i]);
            answers(scene, RCODE_NOERROR, text);
        }
        activate(scene, "assets", US);
    }
}

static void other_types_are_nodata_with_a_soa(void **state)
{
    static const uint16_t types[] = {TYPE_AAAA, TYPE_CNAME, 16, 65};
    struct scene *scene = *state;
    open_gateway(scene);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ask(scene, EU_NAME, types[i]);
        answers(scene, RCODE_NOERROR, "");
        assert_non_null(strstr(section_text(scene, SECTION_AUTHORITY), " SOA "));
    }
}

static void its_names_answer_nothing_while_no_region_is_known(void **state)
{
    struct scene *scene = *state;
    open_gateway(scene);
    undecide(scene);
    ask(scene, EU_NAME, TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
}

static void in_the_middle_of_a_chain_they_are_left_alone(void **state)
{
    struct scene *scene = *state;
    open_gateway(scene);
    learn_cname(scene, "cdn.test", EU_NAME);
    ask(scene, "cdn.test", TYPE_A);
    answers(
        scene, RCODE_NOERROR, "cdn.test. 300 CNAME " EU_NAME ".; " EU_NAME ". 300 A 192.0.2.99");
}

static void who_dials_for_the_gateway_finds_the_real_ones(void **state)
{
    struct scene *scene = *state;
    open_gateway(scene);
    scene->past_managed = true;
    ask(scene, EU_NAME, TYPE_A);
    needs(scene, EU_NAME);
}

static void other_buckets_and_regions_own_hosts_are_nobodys(void **state)
{
    struct scene *scene = *state;
    open_gateway(scene);
    ask(scene, "other.s3.eu-west-1.amazonaws.com", TYPE_A);
    needs(scene, "other.s3.eu-west-1.amazonaws.com");
    ask(scene, "s3.eu-west-1.amazonaws.com", TYPE_A);
    needs(scene, "s3.eu-west-1.amazonaws.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_gateway_its_names_are_left_to_the_upstreams),
        TEST(its_names_answer_where_the_gateway_listens_whichever_region_is_active),
        TEST(other_types_are_nodata_with_a_soa),
        TEST(its_names_answer_nothing_while_no_region_is_known),
        TEST(in_the_middle_of_a_chain_they_are_left_alone),
        TEST(who_dials_for_the_gateway_finds_the_real_ones),
        TEST(other_buckets_and_regions_own_hosts_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
