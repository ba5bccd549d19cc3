#include "tests/unit/answer_scene.h"

#include <stdio.h>

static struct message message;

static void an_unmanaged_name_has_to_be_fetched_as_it_was_asked(void **state)
{
    struct scene *scene = *state;
    ask(scene, "Else.Test", TYPE_A);
    needs(scene, "else.test");
    assert_memory_equal(scene->answer.need_wire, "\4Else\4Test", 11);
    assert_int_equal(scene->answer.need.type, TYPE_A);
    assert_false(scene->answer.stale_at_hand);
}

static void a_cached_answer_is_passed_on_with_what_is_left_of_its_ttl(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 60, 0xc0000207);
    scene->now_ms += 20999;
    ask(scene, "eLSE.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "eLSE.test. 40 A 192.0.2.7");
    assert_int_equal(scene->answer.source, ANSWER_CACHED);
    assert_null(scene->answer.endpoint);
    scene->now_ms += 39000;
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 1 A 192.0.2.7");
    scene->now_ms += 1;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
}

static void all_sections_are_passed_on_but_the_opt(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR | DNS_AA, "else.test", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    message_a(&message, SECTION_AUTHORITY, "@", 60, 2);
    message_a(&message, SECTION_ADDITIONAL, "@", 60, 3);
    message_opt(&message, 4096, 0, "\0\17\0\2\0\3", 6);
    learn(scene, &message, "else.test", TYPE_A);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 A 0.0.0.1");
    assert_string_equal(section_text(scene, SECTION_AUTHORITY), "else.test. 60 A 0.0.0.2");
    assert_string_equal(section_text(scene, SECTION_ADDITIONAL), "else.test. 60 A 0.0.0.3");
    assert_int_equal(flags_of(scene), DNS_QR | DNS_RD | DNS_RA);
    assert_false(has_ede(scene, EDE_STALE));
    scene->query.edns = false;
    ask(scene, "else.test", TYPE_A);
    assert_int_equal(read_be16(scene->data + 10), 1);
}

static void a_ttl_beyond_all_reason_is_a_day_and_a_negative_one_nothing(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "long.test", 0x7fffffff, 1);
    ask(scene, "long.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "long.test. 86400 A 0.0.0.1");
    learn_a(scene, "minus.test", 0xffffffff, 1);
    ask(scene, "minus.test", TYPE_A);
    needs(scene, "minus.test");
}

static void an_answer_of_ttl_0_serves_the_question_that_fetched_it(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "else.test", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 0, 1);
    fetched(scene, &message, "else.test", TYPE_A);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 0 A 0.0.0.1");
    assert_int_equal(scene->answer.source, ANSWER_FORWARDED);
}

static void what_is_not_worth_keeping_serves_the_question_that_fetched_it(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "else.test", TYPE_A);
    message_cname(&message, "@", 60, "gone.test");
    fetched(scene, &message, "else.test", TYPE_A);
    assert_int_equal(scene->fetched[0]->kind, CACHE_OTHER);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 CNAME gone.test.");
}

static void negative_answers_come_with_their_soa(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR | RCODE_NXDOMAIN, "no.else.test", TYPE_A);
    message_soa(&message, "else.test", 300, DNS_HEADER_SIZE, 60);
    learn(scene, &message, "no.else.test", TYPE_A);
    scene->now_ms += 10000;
    ask(scene, "no.else.test", TYPE_A);
    answers(scene, RCODE_NXDOMAIN, "");
    assert_string_equal(section_text(scene, SECTION_AUTHORITY),
        "else.test. 290 SOA no.else.test. no.else.test. 1 2 3 4 60");
    scene->now_ms += 50000;
    ask(scene, "no.else.test", TYPE_A);
    needs(scene, "no.else.test");
}

static void do_and_cd_are_part_of_what_is_asked(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 60, 1);
    scene->query.dnssec_ok = true;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
    assert_true(scene->answer.need.dnssec_ok);
    scene->query.dnssec_ok = false;
    scene->query.flags |= DNS_CD;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
    assert_true(scene->answer.need.checking_disabled);
    learn_a(scene, "else.test", 60, 2);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 A 0.0.0.2");
    assert_int_equal(flags_of(scene), DNS_QR | DNS_RD | DNS_RA | DNS_CD);
}

static void authentic_data_is_shown_to_those_who_ask(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR | DNS_AD, "else.test", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    learn(scene, &message, "else.test", TYPE_A);
    ask(scene, "else.test", TYPE_A);
    assert_int_equal(flags_of(scene) & DNS_AD, 0);
    scene->query.flags |= DNS_AD;
    ask(scene, "else.test", TYPE_A);
    assert_int_equal(flags_of(scene) & DNS_AD, DNS_AD);
}

static void do_comes_back_in_the_opt(void **state)
{
    struct scene *scene = *state;
    scene->query.dnssec_ok = true;
    ask(scene, "localhost", TYPE_A);
    const uint8_t *opt = scene->data + scene->reply.end;
    assert_int_equal(read_be16(opt + 1), TYPE_OPT);
    assert_int_equal(read_be16(opt + 3), DNS_UDP_SIZE);
    assert_int_equal(read_be32(opt + 5), 0x8000);
}

static void without_rd_what_is_not_cached_is_refused(void **state)
{
    struct scene *scene = *state;
    scene->query.flags = 0;
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_REFUSED, "");
    assert_int_equal(flags_of(scene), DNS_QR | DNS_RA | RCODE_REFUSED);
    learn_a(scene, "else.test", 60, 1);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 A 0.0.0.1");
}

static void stale_data_serves_when_the_upstreams_fail(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 60, 1);
    scene->now_ms += 3600000;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
    assert_true(scene->answer.stale_at_hand);
    failed(scene, "else.test", TYPE_A, EDE_NO_REACHABLE_AUTHORITY);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 30 A 0.0.0.1"); /* RFC 8767 section 4 */
    assert_true(has_ede(scene, EDE_STALE));
    assert_int_equal(scene->answer.source, ANSWER_STALE);
}

static void stale_data_serves_when_nobody_answers_in_time(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 10, 1);
    scene->now_ms += 11000;
    scene->take_stale = true;
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 30 A 0.0.0.1");
    assert_true(has_ede(scene, EDE_STALE));
}

static void stale_data_serves_while_a_failure_is_remembered(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 60, 1);
    scene->now_ms += 61000;
    struct cache_key key = key_of(scene, "else.test", TYPE_A);
    cache_find(scene->cache, &key)->failed_until_ms = scene->now_ms + CACHE_FAILURE_MS;
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 30 A 0.0.0.1");
    scene->now_ms += CACHE_FAILURE_MS;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
}

static void stale_data_has_an_end(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "else.test", 60, 1);
    scene->now_ms += 60000 + SCENE_MAX_STALE_MS;
    scene->take_stale = true;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
    assert_false(scene->answer.stale_at_hand);
    failed(scene, "else.test", TYPE_A, EDE_NETWORK_ERROR);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
}

static void a_failure_says_why_and_holds_for_seconds(void **state)
{
    struct scene *scene = *state;
    struct cache_key key = key_of(scene, "else.test", TYPE_A);
    struct cache_entry *entry =
        cache_entry_new_failure(&key, RCODE_SERVFAIL, EDE_NO_REACHABLE_AUTHORITY, scene->now_ms);
    cache_insert(scene->cache, entry);
    cache_entry_unref(entry);
    ask(scene, "Else.test", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
    assert_true(has_ede(scene, EDE_NO_REACHABLE_AUTHORITY));
    scene->now_ms += 5000;
    ask(scene, "else.test", TYPE_A);
    needs(scene, "else.test");
}

static void any_is_answered_as_rfc_8482_says(void **state)
{
    struct scene *scene = *state;
    static const char *const names[] = {"else.test", "db.shop.internal", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s. 1 HINFO \"RFC8482\" \"\"", names[i]);
        ask(scene, names[i], TYPE_ANY);
        answers(scene, RCODE_NOERROR, text);
    }
}

static void zone_transfers_and_their_like_are_not_implemented(void **state)
{
    struct scene *scene = *state;
    static const uint16_t types[] = {
        TYPE_AXFR, TYPE_IXFR, TYPE_MAILA, TYPE_MAILB, TYPE_TSIG, TYPE_OPT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ask(scene, "else.test", types[i]);
        answers(scene, RCODE_NOTIMP, "");
    }
    scene->query.class = 3;
    ask(scene, "else.test", TYPE_ANY);
    assert_int_equal(scene->answer.rcode, RCODE_NOTIMP);
}

static void special_names_are_answered_here_and_not_kept(void **state)
{
    struct scene *scene = *state;
    ask(scene, "LocalHost", TYPE_A);
    answers(scene, RCODE_NOERROR, "LocalHost. 3600 A 127.0.0.1");
    assert_int_equal(scene->answer.source, ANSWER_LOCAL);
    ask(scene, "a.invalid", TYPE_A);
    answers(scene, RCODE_NXDOMAIN, "");
    scene->query.flags = 0;
    ask(scene, "localhost", TYPE_AAAA);
    answers(scene, RCODE_NOERROR, "localhost. 3600 AAAA ::1");
    assert_int_equal(cache_measure(scene->cache).entries, 0);
}

/* Addresses of else.test, or of what it is an alias of. */
static void learn_many(struct scene *scene, const char *owner, uint32_t count)
{
    message_start(&message, DNS_QR, "else.test", TYPE_A);
    if (*owner != '@')
        message_cname(&message, "@", 60, owner);
    for (uint32_t i = 0; i < count; i++)
        message_a(&message, SECTION_ANSWER, owner, 60, i);
    message_a(&message, SECTION_AUTHORITY, "ns.test", 60, 1);
    learn(scene, &message, "else.test", TYPE_A);
}

static void an_answer_too_large_is_cut_between_rrsets(void **state)
{
    struct scene *scene = *state;
    learn_many(scene, "long.else.test", 100);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 CNAME long.else.test.");
    assert_true(flags_of(scene) & DNS_TC);
    assert_true(scene->reply.edns);
    assert_int_equal(scene->reply.authorities, 0);
    learn_many(scene, "@", 100);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "");
    assert_true(flags_of(scene) & DNS_TC);
    scene->room = DNS_MESSAGE_MAX;
    ask(scene, "else.test", TYPE_A);
    assert_false(flags_of(scene) & DNS_TC);
    assert_int_equal(scene->reply.answers, 100);
    assert_int_equal(scene->reply.authorities, 1);
}

static void what_is_left_out_behind_the_answers_is_no_truncation(void **state)
{
    struct scene *scene = *state;
    learn_many(scene, "@", 29);
    scene->room = DNS_UDP_SIZE_MIN; /* header and question 27, 29 × 16, OPT 11; no 23 more */
    ask(scene, "else.test", TYPE_A);
    assert_false(flags_of(scene) & DNS_TC);
    assert_int_equal(scene->reply.answers, 29);
    assert_int_equal(scene->reply.authorities, 0);
}

static void a_negative_answer_without_its_soa_is_truncated(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "else.test", TYPE_A);
    for (unsigned i = 0; i < 40; i++)
        message_soa(&message, "@", 60, DNS_HEADER_SIZE, 60);
    learn(scene, &message, "else.test", TYPE_A);
    ask(scene, "else.test", TYPE_A);
    assert_true(flags_of(scene) & DNS_TC);
    assert_int_equal(scene->reply.authorities, 0);
    assert_true(scene->reply.edns);
}

static void the_largest_answer_comes_through_a_managed_name_too(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "search-eu.test", TYPE_A);
    for (uint32_t i = 0; i < 4050; i++)
        message_a(&message, SECTION_ANSWER, "@", 60, i);
    learn(scene, &message, "search-eu.test", TYPE_A);
    scene->room = DNS_MESSAGE_MAX;
    ask(scene, "search.internal", TYPE_A);
    assert_int_equal(scene->reply.answers, 4051);
    assert_false(flags_of(scene) & DNS_TC);
    scene->room = DNS_UDP_SIZE_MIN;
    ask(scene, "search.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "search.internal. 1 CNAME search-eu.test.");
    assert_true(flags_of(scene) & DNS_TC);
}

static void what_fits_no_message_is_servfail(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "search-eu.test", TYPE_A);
    while (message.size + 16 <= DNS_MESSAGE_MAX)
        message_a(&message, SECTION_ANSWER, "@", 60, 1);
    learn(scene, &message, "search-eu.test", TYPE_A);
    scene->room = DNS_MESSAGE_MAX;
    ask(scene, "search.internal", TYPE_A);
    assert_int_equal(scene->answer.rcode, RCODE_SERVFAIL);
}

static void a_bare_refusal_repeats_what_is_known(void **state)
{
    struct scene *scene = *state;
    struct query *query = &scene->query;
    uint8_t data[DNS_UDP_SIZE_MIN];
    struct answer answer = {.data = data};
    query->id = MESSAGE_ID;
    query->flags = 0x2000 | DNS_RD;
    answer_refuse_malformed(query, QUERY_NOTIMP, &answer);
    assert_int_equal(answer.size, DNS_HEADER_SIZE);
    assert_int_equal(answer.rcode, RCODE_NOTIMP);
    assert_memory_equal(data, "\x12\x34\xa1\4\0\0\0\0\0\0\0\0", DNS_HEADER_SIZE);

    query->flags = DNS_RD;
    query->type = TYPE_A;
    query->class = CLASS_IN;
    query->name_size = (uint8_t)wire_of("Else.test", query->name);
    answer_refuse_malformed(query, QUERY_BADVERS, &answer);
    assert_int_equal(reply_parse(data, answer.size, MESSAGE_ID, query->name, query->name_size,
                         TYPE_A, CLASS_IN, &scene->reply),
        REPLY_GOOD);
    assert_int_equal(scene->reply.rcode, RCODE_BADVERS);
    assert_int_equal(data[3] & DNS_RCODE, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unmanaged_name_has_to_be_fetched_as_it_was_asked),
        TEST(a_cached_answer_is_passed_on_with_what_is_left_of_its_ttl),
        TEST(all_sections_are_passed_on_but_the_opt),
        TEST(a_ttl_beyond_all_reason_is_a_day_and_a_negative_one_nothing),
        TEST(an_answer_of_ttl_0_serves_the_question_that_fetched_it),
        TEST(what_is_not_worth_keeping_serves_the_question_that_fetched_it),
        TEST(negative_answers_come_with_their_soa),
        TEST(do_and_cd_are_part_of_what_is_asked),
        TEST(authentic_data_is_shown_to_those_who_ask),
        TEST(do_comes_back_in_the_opt),
        TEST(without_rd_what_is_not_cached_is_refused),
        TEST(stale_data_serves_when_the_upstreams_fail),
        TEST(stale_data_serves_when_nobody_answers_in_time),
        TEST(stale_data_serves_while_a_failure_is_remembered),
        TEST(stale_data_has_an_end),
        TEST(a_failure_says_why_and_holds_for_seconds),
        TEST(any_is_answered_as_rfc_8482_says),
        TEST(zone_transfers_and_their_like_are_not_implemented),
        TEST(special_names_are_answered_here_and_not_kept),
        TEST(an_answer_too_large_is_cut_between_rrsets),
        TEST(what_is_left_out_behind_the_answers_is_no_truncation),
        TEST(a_negative_answer_without_its_soa_is_truncated),
        TEST(the_largest_answer_comes_through_a_managed_name_too),
        TEST(what_fits_no_message_is_servfail),
        TEST(a_bare_refusal_repeats_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
