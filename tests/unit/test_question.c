#include "resolver/question.h"

#include "resolver/fetch.h"
#include "tests/unit/engine_scene.h"

#include <stdio.h>

#define ADDRESS 0xc0000207 /* 192.0.2.7 */

static struct engine *const engine = &scene.engine;

static uint64_t counted(enum transport transport, enum answer_source source, unsigned rcode)
{
    return engine->counters.answers[transport][source][rcode];
}

/* A question of the house itself, and what it was told. */
struct inner {
    struct query query;
    unsigned calls;
    bool given_up;
    unsigned rcode;
};

static void on_inner(void *context, const struct answer *answer)
{
    struct inner *inner = context;
    inner->calls++;
    inner->given_up = answer == NULL;
    inner->rcode = answer ? answer->rcode : 0;
}

static void ask_inside(struct inner *inner, const char *name)
{
    struct query *query = &inner->query;
    *query = (struct query){.flags = DNS_RD, .type = TYPE_A, .class = CLASS_IN};
    query->name_size = (uint8_t)wire_of(name, query->name);
    memcpy(query->lower, query->name, query->name_size);
    struct answer answer = {.data = engine->out, .room = DNS_MESSAGE_MAX};
    struct origin origin = {
        .kind = ORIGIN_INTERNAL, .internal = {.sink = on_inner, .context = inner}};
    assert_false(question_try(engine, query, true, &answer));
    question_keep(engine, query, &origin, uv_hrtime(), &answer);
    assert_false(answer.ready);
}

static void one_question_of_many_clients_is_asked_once(void **unused)
{
    int first = udp_client(ALLOWED), second = udp_client(ALLOWED), third = tcp_client(ALLOWED);
    (void)unused;
    asks(first, 1, "Else.Test");
    upstream_hears("Else.Test");
    asks(second, 2, "eLSE.test");
    asks(third, 3, "else.test");
    comes_to_rest();
    assert_int_equal(engine->question_count, 3);
    upstream_says_a(60, ADDRESS);
    is_told(first, 1, RCODE_NOERROR, "Else.Test. 60 A 192.0.2.7");
    is_told(second, 2, RCODE_NOERROR, "eLSE.test. 60 A 192.0.2.7");
    is_told(third, 3, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_true(hears_nothing(&scene.upstream));
    assert_int_equal(engine->question_count, 0);
}

static void a_question_with_another_type_or_flag_is_asked_for_itself(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    write_question(2, "else.test", TYPE_AAAA);
    sends_question(client);
    upstream_hears("else.test");
    write_question(3, "else.test", TYPE_A);
    write_be16(scene.question.data + 2, DNS_RD | DNS_CD);
    sends_question(client);
    upstream_hears("else.test");
    write_question(4, "else.test", TYPE_A);
    message_opt(&scene.question, 1232, 0x8000, "", 0);
    sends_question(client);
    upstream_hears("else.test");
    upstream_says_a(60, ADDRESS);
    is_told(client, 4, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_true(is_told_nothing(client));
}

static void an_answer_is_counted_for_each_who_asked_by_transport(void **unused)
{
    int udp = udp_client(ALLOWED), tcp = tcp_client(ALLOWED);
    struct inner inner = {0};
    (void)unused;
    asks(udp, 1, "else.test");
    asks(tcp, 2, "else.test");
    comes_to_rest();
    ask_inside(&inner, "else.test");
    upstream_tells("else.test", ADDRESS);
    receives(udp);
    receives(tcp);
    assert_int_equal(inner.calls, 1);
    assert_int_equal(counted(TRANSPORT_UDP, ANSWER_FORWARDED, 0), 1);
    assert_int_equal(counted(TRANSPORT_TCP, ANSWER_FORWARDED, 0), 1);
    asks(udp, 3, "else.test");
    receives(udp);
    assert_int_equal(counted(TRANSPORT_UDP, ANSWER_CACHED, 0), 1);
}

static void what_waits_follows_a_switch_and_not_the_old_regions_answer(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "search.internal");
    upstream_hears("search-eu.test");
    struct played old = scene.upstream;
    activate("search", US);
    upstream_hears("search-us.test");
    reply_a(&scene.said, &old, 0x01010101);
    says(&old, &scene.said);
    assert_true(is_told_nothing(client));
    upstream_says_a(60, ADDRESS);
    is_told(client, 1, RCODE_NOERROR,
        "search.internal. 5 CNAME search-us.test.; search-us.test. 5 A 192.0.2.7");
    assert_true(is_told_nothing(client));
}

static void what_waits_is_answered_at_once_when_the_new_target_is_cached(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    upstream_says_cname(60, "one.internal");
    upstream_hears("one-eu.test");
    asks(client, 2, "one-us.test");
    upstream_tells("one-us.test", ADDRESS);
    is_told(client, 2, RCODE_NOERROR, "one-us.test. 60 A 192.0.2.7");
    activate("one", US);
    is_told(client, 1, RCODE_NOERROR,
        "else.test. 60 CNAME one.internal.; one.internal. 5 CNAME one-us.test.; "
        "one-us.test. 5 A 192.0.2.7");
}

static void what_waits_for_a_database_is_refused_at_once_by_its_fence(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, "db.shop.internal", TYPE_A);
    message_opt(&scene.question, 1232, 0, "", 0);
    sends_question(client);
    upstream_hears("orders-eu.test");
    fence("orders");
    is_told(client, 1, RCODE_SERVFAIL, "");
    assert_true(has_ede(EDE_NOT_READY));
    upstream_says_a(60, ADDRESS);
    assert_true(is_told_nothing(client));
}

static void what_waits_for_another_name_is_not_asked_again_by_a_new_view(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    activate("search", US);
    assert_true(hears_nothing(&scene.upstream));
    upstream_says_a(60, ADDRESS);
    is_told(client, 1, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
}

/* An answer that its TTL forbids to keep serves the question that fetched it, through new views. */
static void what_a_question_fetched_stays_in_its_hand(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    upstream_says_cname(0, "search.internal");
    upstream_hears("search-eu.test");
    activate("search", US);
    upstream_tells("search-us.test", ADDRESS);
    is_told(client, 1, RCODE_NOERROR,
        "else.test. 0 CNAME search.internal.; search.internal. 5 CNAME search-us.test.; "
        "search-us.test. 5 A 192.0.2.7");
    assert_true(hears_nothing(&scene.upstream));
}

static void a_question_causes_so_many_fetches_and_no_more(void **unused)
{
    static const char *const names[] = {
        "else.test", "search-eu.test", "one-eu.test", "two-eu.test"};
    static const char *const next[] = {
        "search.internal", "one.internal", "two.internal", "three.internal"};
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, names[0], TYPE_A);
    message_opt(&scene.question, 1232, 0, "", 0);
    sends_question(client);
    for (unsigned i = 0; i < ANSWER_FETCHED_MAX; i++) {
        upstream_hears(names[i]);
        upstream_says_cname(60, next[i]);
    }
    is_told(client, 1, RCODE_SERVFAIL, "");
    assert_true(has_ede(EDE_NO_REACHABLE_AUTHORITY));
    assert_true(hears_nothing(&scene.upstream));
}

/* Two fetches, each well within its own time, would keep the client waiting beyond its own. */
static void a_question_is_given_up_before_its_client_gives_up(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    passes(700);
    passes(1000);
    upstream_hears("else.test");
    upstream_says_cname(60, "search.internal");
    upstream_hears("search-eu.test");
    passes(1700);
    assert_true(is_told_nothing(client));
    passes(1200);
    is_told(client, 1, RCODE_SERVFAIL, "");
}

static void an_upstreams_silence_becomes_servfail_and_says_so(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    write_question(1, "else.test", TYPE_A);
    message_opt(&scene.question, 1232, 0, "", 0);
    sends_question(client);
    upstream_hears("else.test");
    passes(2000);
    assert_true(is_told_nothing(client));
    passes(2000);
    is_told(client, 1, RCODE_SERVFAIL, "");
    assert_true(has_ede(EDE_NO_REACHABLE_AUTHORITY));
    assert_int_equal(engine->question_count, 0);
}

static void expire_else_test(int client)
{
    asks(client, 1, "else.test");
    upstream_tells("else.test", ADDRESS);
    receives(client);
    passes(61000);
}

static void stale_data_is_the_answer_when_the_fetch_takes_long(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    expire_else_test(client);
    asks(client, 2, "else.test");
    upstream_hears("else.test");
    passes(FETCH_STALE_AFTER_MS - 1);
    assert_true(is_told_nothing(client));
    passes(1);
    is_told(client, 2, RCODE_NOERROR, "else.test. 30 A 192.0.2.7");
    assert_int_equal(counted(TRANSPORT_UDP, ANSWER_STALE, 0), 1);
}

static void stale_data_is_the_answer_at_once_when_a_fetch_takes_long_already(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    expire_else_test(client);
    asks(client, 2, "else.test");
    passes(FETCH_STALE_AFTER_MS);
    receives(client);
    asks(client, 3, "else.test");
    is_told(client, 3, RCODE_NOERROR, "else.test. 30 A 192.0.2.7");
    assert_int_equal(engine->question_count, 0);
}

static void beyond_the_bound_of_questions_one_is_refused_at_once(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    expire_else_test(client);
    engine->question_count += ENGINE_QUESTIONS_MAX;
    write_question(2, "other.test", TYPE_A);
    message_opt(&scene.question, 1232, 0, "", 0);
    sends_question(client);
    is_told(client, 2, RCODE_SERVFAIL, "");
    assert_true(has_ede(EDE_NETWORK_ERROR));
    asks(client, 3, "else.test");
    is_told(client, 3, RCODE_NOERROR, "else.test. 30 A 192.0.2.7");
    assert_int_equal(engine->counters.questions_refused, 2);
    assert_true(hears_nothing(&scene.upstream));
    engine->question_count -= ENGINE_QUESTIONS_MAX;
}

static void beyond_the_bound_of_fetches_a_question_is_refused_at_once(void **unused)
{
    int client = udp_client(ALLOWED);
    char name[32];
    (void)unused;
    expire_else_test(client);
    for (unsigned i = 0; i < SCENE_FETCHES_MAX; i++) {
        snprintf(name, sizeof name, "n%u.test", i);
        asks(client, (uint16_t)(100 + i), name);
        upstream_hears(name);
    }
    asks(client, 1, "n0.test");
    assert_true(is_told_nothing(client));
    asks(client, 2, "other.test");
    is_told(client, 2, RCODE_SERVFAIL, "");
    asks(client, 3, "else.test");
    is_told(client, 3, RCODE_NOERROR, "else.test. 30 A 192.0.2.7");
    assert_int_equal(engine->question_count, SCENE_FETCHES_MAX + 1);
}

static void a_question_of_the_house_goes_past_the_managed_names(void **unused)
{
    struct inner inner = {0};
    (void)unused;
    ask_inside(&inner, "db.shop.internal");
    upstream_hears("db.shop.internal");
    fence("orders");
    assert_int_equal(inner.calls, 0);
    upstream_says_a(60, ADDRESS);
    comes_to_rest();
    assert_int_equal(inner.calls, 1);
    assert_false(inner.given_up);
    assert_int_equal(inner.rcode, RCODE_NOERROR);
}

static void a_question_of_the_house_is_told_when_it_is_given_up(void **unused)
{
    struct inner inner = {0};
    (void)unused;
    ask_inside(&inner, "else.test");
    questions_drop(engine, NULL);
    assert_int_equal(inner.calls, 1);
    assert_true(inner.given_up);
    upstream_tells("else.test", ADDRESS);
    comes_to_rest();
    assert_int_equal(inner.calls, 1);
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(one_question_of_many_clients_is_asked_once),
        ENGINE_TEST(a_question_with_another_type_or_flag_is_asked_for_itself),
        ENGINE_TEST(an_answer_is_counted_for_each_who_asked_by_transport),
        ENGINE_TEST(what_waits_follows_a_switch_and_not_the_old_regions_answer),
        ENGINE_TEST(what_waits_is_answered_at_once_when_the_new_target_is_cached),
        ENGINE_TEST(what_waits_for_a_database_is_refused_at_once_by_its_fence),
        ENGINE_TEST(what_waits_for_another_name_is_not_asked_again_by_a_new_view),
        ENGINE_TEST(what_a_question_fetched_stays_in_its_hand),
        ENGINE_TEST(a_question_causes_so_many_fetches_and_no_more),
        ENGINE_TEST(a_question_is_given_up_before_its_client_gives_up),
        ENGINE_TEST(an_upstreams_silence_becomes_servfail_and_says_so),
        ENGINE_TEST(stale_data_is_the_answer_when_the_fetch_takes_long),
        ENGINE_TEST(stale_data_is_the_answer_at_once_when_a_fetch_takes_long_already),
        ENGINE_TEST(beyond_the_bound_of_questions_one_is_refused_at_once),
        ENGINE_TEST(beyond_the_bound_of_fetches_a_question_is_refused_at_once),
        ENGINE_TEST(a_question_of_the_house_goes_past_the_managed_names),
        ENGINE_TEST(a_question_of_the_house_is_told_when_it_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
