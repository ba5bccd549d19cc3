#include "resolver/explain.h"

#include "tests/unit/engine_scene.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define ADDRESS 0xc0000207 /* 192.0.2.7 */
#define TYPE_HTTPS 65

static cJSON *told;

static void explained(const char *text, uint16_t type)
{
    struct name name;
    assert_true(name_from_text(text, &name));
    cJSON_Delete(told);
    told = explain(&scene.engine, &name, type);
}

/* A member as JSON; NULL: there is none. */
static void has(const char *key, const char *expected)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(told, key);
    if (!expected) {
        assert_null(member);
        return;
    }
    assert_non_null(member);
    char text[1024];
    assert_true(cJSON_PrintPreallocated((cJSON *)member, text, sizeof text, false));
    assert_string_equal(text, expected);
}

static void managed(const char *endpoint, const char *status, const char *region)
{
    char text[64];
    snprintf(text, sizeof text, "\"%s\"", endpoint);
    has("source", "\"managed\"");
    has("endpoint", text);
    has("group", text);
    has("status", status);
    has("region", region);
}

static void learns(const char *name)
{
    int client = udp_client(ALLOWED);
    asks(client, 1, name);
    upstream_tells(name, ADDRESS);
    receives(client);
}

static int teardown(void **unused)
{
    cJSON_Delete(told);
    told = NULL;
    return engine_teardown(unused);
}

static void before_the_first_view_nothing_is_known_but_the_question(void **unused)
{
    (void)unused;
    explained("db.shop.internal", TYPE_A);
    has("name", "\"db.shop.internal\"");
    has("type", "\"A\"");
    has("source", NULL);
}

static void a_managed_name_says_whose_it_is_and_what_it_needs(void **unused)
{
    char upstream[64];
    (void)unused;
    snprintf(
        upstream, sizeof upstream, "[\"127.0.0.1:%u\"]", address_port(&scene.upstream.address));
    explained("Search.Internal", TYPE_A);
    managed("search", "\"open\"", "\"" EU "\"");
    has("name", "\"search.internal\"");
    has("target", "\"search-eu.test\"");
    has("rcode", "null");
    has("needs", "\"search-eu.test\"");
    has("upstreams", upstream);
    has("answer", "[]");
    has("message", "\"search.internal is managed by endpoint search (group search): it answers the "
                   "target of " EU "\"");
}

static void a_managed_name_whose_target_is_cached_says_the_answer(void **unused)
{
    (void)unused;
    learns("search-us.test");
    activate("search", US);
    explained("a.search.internal", TYPE_A);
    managed("search", "\"open\"", "\"" US "\"");
    has("target", "\"search-us.test\"");
    has("rcode", "\"NOERROR\"");
    has("needs", NULL);
    has("answer", "[\"a.search.internal. 5 IN CNAME search-us.test.\","
                  "\"search-us.test. 5 IN A 192.0.2.7\"]");
}

static void a_relayed_name_says_its_relay_and_no_other_type(void **unused)
{
    (void)unused;
    explained("relay.internal", TYPE_A);
    managed("relayed", "\"open\"", "\"" EU "\"");
    has("target", "\"relayed-eu.test:5432\"");
    has("answer", "[\"relay.internal. 5 IN A 127.0.0.54\"]");
    explained("relay.internal", TYPE_HTTPS);
    managed("relayed", "\"open\"", "\"" EU "\"");
    has("type", "\"HTTPS\"");
    has("rcode", "\"NOERROR\"");
    has("answer", "[]");
}

static void a_fenced_database_says_so_and_its_relay_still_answers(void **unused)
{
    (void)unused;
    fence("orders");
    fence("relayed");
    explained("db.shop.internal", TYPE_A);
    managed("orders", "\"fenced\"", "\"" EU "\"");
    has("rcode", "\"SERVFAIL\"");
    has("answer", "[]");
    has("message",
        "\"db.shop.internal is managed by endpoint orders, whose group orders is fenced: "
        "nothing new goes to " EU "\"");
    explained("relay.internal", TYPE_A);
    managed("relayed", "\"fenced\"", "\"" EU "\"");
    has("rcode", "\"NOERROR\"");
    has("answer", "[\"relay.internal. 5 IN A 127.0.0.54\"]");
}

static void an_undecided_name_says_who_has_to_say(void **unused)
{
    (void)unused;
    scene.world.undecided = true;
    look();
    explained("fixed.internal", TYPE_A);
    managed("fixed", "\"undecided\"", "null");
    has("target", "null");
    has("rcode", "\"SERVFAIL\"");
    has("message", "\"fixed.internal is managed by endpoint fixed, whose group fixed is undecided: "
                   "SERVFAIL until an operator says which region holds\"");
}

static void a_name_in_the_middle_of_a_cached_chain_is_found(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    upstream_says_cname(60, "fixed.internal");
    is_told(client, 1, RCODE_NOERROR,
        "else.test. 60 CNAME fixed.internal.; fixed.internal. 5 A 192.0.2.1");
    explained("else.test", TYPE_A);
    managed("fixed", "\"open\"", "\"" EU "\"");
    has("target", "\"192.0.2.1\"");
}

static void a_forwarded_name_says_whom_it_would_go_to_and_asks_nobody(void **unused)
{
    char upstream[64];
    (void)unused;
    snprintf(
        upstream, sizeof upstream, "[\"127.0.0.1:%u\"]", address_port(&scene.upstream.address));
    explained("else.test", TYPE_AAAA);
    has("type", "\"AAAA\"");
    has("source", "\"forward\"");
    has("rcode", "null");
    has("needs", "\"else.test\"");
    has("upstreams", upstream);
    has("endpoint", NULL);
    has("message", "\"else.test is not managed and not cached: it would be forwarded\"");
    assert_true(hears_nothing(&scene.upstream));
    assert_int_equal(scene.engine.question_count, 0);
}

static void a_routed_name_says_its_route(void **unused)
{
    (void)unused;
    explained("host.corp.example", TYPE_A);
    has("source", "\"forward\"");
    has("upstreams", "[\"192.0.2.7:53\",\"tls://192.0.2.8:853#dns.corp.example\"]");
}

static void a_cached_name_says_what_is_left_of_it(void **unused)
{
    (void)unused;
    learns("else.test");
    passes(20000);
    explained("else.test", TYPE_A);
    has("source", "\"cache\"");
    has("rcode", "\"NOERROR\"");
    has("answer", "[\"else.test. 40 IN A 192.0.2.7\"]");
    has("upstreams", NULL);
    has("message", "\"else.test is not managed: it is answered from the cache\"");
    passes(40000);
    explained("else.test", TYPE_A);
    has("source", "\"forward\"");
}

static void stale_data_is_told_apart_while_its_upstreams_fail(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    learns("else.test");
    passes(61000);
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    reply_start(&scene.said, &scene.upstream, RCODE_SERVFAIL);
    says(&scene.upstream, &scene.said);
    is_told(client, 1, RCODE_NOERROR, "else.test. 30 A 192.0.2.7");
    explained("else.test", TYPE_A);
    has("source", "\"stale\"");
    has("answer", "[\"else.test. 30 IN A 192.0.2.7\"]");
}

static void a_name_of_our_own_is_never_forwarded(void **unused)
{
    (void)unused;
    explained("localhost", TYPE_A);
    has("source", "\"local\"");
    has("answer", "[\"localhost. 3600 IN A 127.0.0.1\"]");
    has("message", "\"localhost is answered here and never forwarded\"");
}

#define EXPLAIN_TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            before_the_first_view_nothing_is_known_but_the_question, engine_setup_silent, teardown),
        EXPLAIN_TEST(a_managed_name_says_whose_it_is_and_what_it_needs),
        EXPLAIN_TEST(a_managed_name_whose_target_is_cached_says_the_answer),
        EXPLAIN_TEST(a_relayed_name_says_its_relay_and_no_other_type),
        EXPLAIN_TEST(a_fenced_database_says_so_and_its_relay_still_answers),
        EXPLAIN_TEST(an_undecided_name_says_who_has_to_say),
        EXPLAIN_TEST(a_name_in_the_middle_of_a_cached_chain_is_found),
        EXPLAIN_TEST(a_forwarded_name_says_whom_it_would_go_to_and_asks_nobody),
        EXPLAIN_TEST(a_routed_name_says_its_route),
        EXPLAIN_TEST(a_cached_name_says_what_is_left_of_it),
        EXPLAIN_TEST(stale_data_is_told_apart_while_its_upstreams_fail),
        EXPLAIN_TEST(a_name_of_our_own_is_never_forwarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
