#include "tests/unit/lookup_scene.h"

static void a_lookup_brings_both_families_to_the_loop_that_asked(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "Else.Test");
    upstream_hears("else.test", TYPE_A);
    say_a(0xc0000207);
    upstream_hears("else.test", TYPE_AAAA);
    engine_has_begun();
    assert_int_equal(scene.asker.calls, 0);
    say_aaaa(7);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, 0);
    assert_int_equal(scene.asker.answer.count, 2);
    assert_false(scene.asker.answer.stale);
    has_address(&scene.asker, 0, "192.0.2.7");
    has_address(&scene.asker, 1, "2001:db8::7");
}

static void lookups_of_one_name_are_asked_once_and_the_next_from_the_cache(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "else.test");
    look_up(&scene.asker, "else.test");
    engine_has_begun();
    upstream_hears("else.test", TYPE_A);
    say_a(0xc0000207);
    upstream_hears("else.test", TYPE_AAAA);
    say_code(RCODE_NOERROR);
    is_told(&scene.asker, 2);
    look_up(&scene.asker, "ELSE.test");
    is_told(&scene.asker, 3);
    has_address(&scene.asker, 0, "192.0.2.7");
    assert_true(hears_nothing(&scene.upstream));
}

static void no_such_name_and_no_address_are_told_as_such(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "gone.test");
    upstream_hears("gone.test", TYPE_A);
    say_code(RCODE_NXDOMAIN);
    upstream_hears("gone.test", TYPE_AAAA);
    say_code(RCODE_NXDOMAIN);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, UV_EAI_NONAME);
    look_up(&scene.asker, "text.test");
    upstream_hears("text.test", TYPE_A);
    say_code(RCODE_NOERROR);
    upstream_hears("text.test", TYPE_AAAA);
    say_code(RCODE_NOERROR);
    is_told(&scene.asker, 2);
    assert_int_equal(scene.asker.status, UV_EAI_NONAME);
    assert_int_equal(scene.asker.answer.count, 0);
}

static void when_upstreams_fail_it_is_for_now_and_one_family_is_enough(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "down.test");
    upstream_hears("down.test", TYPE_A);
    say_code(RCODE_SERVFAIL);
    upstream_hears("down.test", TYPE_AAAA);
    say_code(RCODE_SERVFAIL);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, UV_EAI_AGAIN);
    assert_int_equal(scene.asker.answer.count, 0);
    look_up(&scene.asker, "half.test");
    upstream_hears("half.test", TYPE_A);
    say_code(RCODE_SERVFAIL);
    upstream_hears("half.test", TYPE_AAAA);
    say_aaaa(1);
    is_told(&scene.asker, 2);
    assert_int_equal(scene.asker.status, 0);
    has_address(&scene.asker, 0, "2001:db8::1");
}

/* That there is no A says nothing of the AAAA. */
static void no_address_of_one_family_and_a_failure_of_the_other_is_for_now(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "half.test");
    upstream_hears("half.test", TYPE_A);
    say_code(RCODE_NOERROR);
    upstream_hears("half.test", TYPE_AAAA);
    say_code(RCODE_SERVFAIL);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, UV_EAI_AGAIN);
}

static void before_the_first_view_there_is_no_answer_for_now(void **unused)
{
    (void)unused;
    start_engines();
    look_up(&scene.asker, "else.test");
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, UV_EAI_AGAIN);
    assert_true(hears_nothing(&scene.upstream));
}

static void who_dials_gets_past_the_managed_names(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "db.shop.internal");
    upstream_hears("db.shop.internal", TYPE_A);
    state_find_group(scene.state, "default")->fenced = true;
    look();
    say_a(0xc0000207);
    upstream_hears("db.shop.internal", TYPE_AAAA);
    say_code(RCODE_NOERROR);
    is_told(&scene.asker, 1);
    has_address(&scene.asker, 0, "192.0.2.7");
    explain_it("db.shop.internal", TYPE_A);
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(scene.other.explanation, "status");
    assert_string_equal(cJSON_GetStringValue(status), "fenced");
}

static void of_a_chain_the_addresses_at_its_end_are_taken(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "else.test");
    upstream_hears("else.test", TYPE_A);
    reply_start(&scene.said, &scene.upstream, 0);
    message_cname(&scene.said, "@", 60, "next.test");
    message_a(&scene.said, SECTION_ANSWER, "next.test", 60, 0xc0000207);
    says(&scene.upstream, &scene.said);
    upstream_hears("else.test", TYPE_AAAA);
    say_code(RCODE_NOERROR);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.answer.count, 1);
    has_address(&scene.asker, 0, "192.0.2.7");
}

static void of_a_long_answer_as_many_addresses_are_taken_as_fit(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "many.test");
    upstream_hears("many.test", TYPE_A);
    reply_start(&scene.said, &scene.upstream, 0);
    for (uint32_t i = 0; i < LOOKUP_ADDRESSES_MAX - 2; i++)
        message_a(&scene.said, SECTION_ANSWER, "@", 60, 0x0a000000 + i);
    says(&scene.upstream, &scene.said);
    upstream_hears("many.test", TYPE_AAAA);
    reply_start(&scene.said, &scene.upstream, 0);
    for (uint8_t i = 1; i <= 4; i++)
        add_aaaa(i);
    says(&scene.upstream, &scene.said);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.answer.count, LOOKUP_ADDRESSES_MAX);
}

static void stale_addresses_are_better_than_none_and_called_so(void **unused)
{
    (void)unused;
    learn(0, "else.test", TYPE_A, 0);
    learn(0, "else.test", TYPE_AAAA, engines_now_ms());
    serve();
    look_up(&scene.asker, "else.test");
    upstream_hears("else.test", TYPE_A);
    say_code(RCODE_SERVFAIL);
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, 0);
    assert_true(scene.asker.answer.stale);
    assert_int_equal(scene.asker.answer.count, 2);
}

static void a_flush_goes_through_every_engine(void **unused)
{
    (void)unused;
    learn(0, "a.test", TYPE_A, engines_now_ms());
    learn(0, "a.test", TYPE_AAAA, engines_now_ms());
    learn(1, "a.test", TYPE_A, engines_now_ms());
    learn(1, "b.test", TYPE_A, engines_now_ms());
    serve();
    assert_int_equal(flush("A.test"), 3);
    assert_int_equal(flush("a.test"), 0);
    assert_int_equal(scene.resolver->engines[1]->counters.cache_entries, 1);
    assert_int_equal(flush(NULL), 1);
    assert_int_equal(scene.resolver->engines[1]->counters.cache_entries, 0);
}

static void a_lookup_under_way_at_the_end_is_told_so_once(void **unused)
{
    (void)unused;
    serve();
    look_up(&scene.asker, "else.test");
    upstream_hears("else.test", TYPE_A);
    resolver_free(scene.resolver);
    scene.resolver = NULL;
    is_told(&scene.asker, 1);
    assert_int_equal(scene.asker.status, UV_EAI_AGAIN);
    settle(&scene.home.uv);
    assert_int_equal(scene.asker.calls, 1);
}

static void a_type_is_its_name_or_its_number(void **unused)
{
    uint16_t type;
    (void)unused;
    assert_true(scene.lookup->parse_type("A", &type));
    assert_int_equal(type, TYPE_A);
    assert_true(scene.lookup->parse_type("aaaa", &type));
    assert_int_equal(type, TYPE_AAAA);
    assert_true(scene.lookup->parse_type("TYPE65", &type));
    assert_int_equal(type, 65);
    assert_true(scene.lookup->parse_type("TYPE65535", &type));
    assert_int_equal(type, 65535);
    assert_false(scene.lookup->parse_type("nonsense", &type));
    assert_false(scene.lookup->parse_type("", &type));
}

#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, lookup_setup, lookup_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOKUP_TEST(a_lookup_brings_both_families_to_the_loop_that_asked),
        LOOKUP_TEST(lookups_of_one_name_are_asked_once_and_the_next_from_the_cache),
        LOOKUP_TEST(no_such_name_and_no_address_are_told_as_such),
        LOOKUP_TEST(when_upstreams_fail_it_is_for_now_and_one_family_is_enough),
        LOOKUP_TEST(no_address_of_one_family_and_a_failure_of_the_other_is_for_now),
        LOOKUP_TEST(before_the_first_view_there_is_no_answer_for_now),
        LOOKUP_TEST(who_dials_gets_past_the_managed_names),
        LOOKUP_TEST(of_a_chain_the_addresses_at_its_end_are_taken),
        LOOKUP_TEST(of_a_long_answer_as_many_addresses_are_taken_as_fit),
        LOOKUP_TEST(stale_addresses_are_better_than_none_and_called_so),
        LOOKUP_TEST(a_flush_goes_through_every_engine),
        LOOKUP_TEST(a_lookup_under_way_at_the_end_is_told_so_once),
        LOOKUP_TEST(a_type_is_its_name_or_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
