#include "tests/unit/answer_scene.h"

#include <stdio.h>

static struct message message;

static void a_managed_name_is_a_cname_and_its_targets_records(void **state)
{
    struct scene *scene = *state;
    ask(scene, "db.shop.internal", TYPE_A);
    needs(scene, "orders.eu.rds.test");
    learn_a(scene, "orders.eu.rds.test", 60, 0xc0000205);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "db.shop.internal. 1 CNAME orders.eu.rds.test.; orders.eu.rds.test. 1 A 192.0.2.5");
    assert_int_equal(scene->answer.source, ANSWER_MANAGED);
    assert_string_equal(scene->answer.endpoint->config->id, "orders");
}

static void a_switch_changes_the_answer_and_no_other_cached_entry(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "orders.eu.rds.test", 60, 0xc0000205);
    learn_a(scene, "orders.us.rds.test", 60, 0xc0000206);
    learn_a(scene, "else.test", 60, 0xc0000207);
    activate(scene, "orders", US);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "db.shop.internal. 1 CNAME orders.us.rds.test.; orders.us.rds.test. 1 A 192.0.2.6");
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_int_equal(cache_measure(scene->cache).entries, 3);
}

static void owners_repeat_the_clients_letter_case(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "orders.eu.rds.test", 60, 0xc0000205);
    ask(scene, "dB.SHOP.Internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "dB.SHOP.Internal. 1 CNAME orders.eu.rds.test.; orders.eu.rds.test. 1 A 192.0.2.5");
    ask(scene, "FIXED.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "FIXED.internal. 1 A 192.0.2.1");
}

static void the_targets_own_chain_comes_along_with_its_pointers_moved(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "orders.eu.rds.test", TYPE_A);
    size_t target = message_begin(&message, SECTION_ANSWER, "@", TYPE_CNAME, 60);
    message_put(&message, "\3ec2", 4);
    message_put_pointer(&message, DNS_HEADER_SIZE + 10); /* "rds.test" */
    message_end(&message, target);
    message_put_pointer(&message, target);
    message_put(&message, "\0\1\0\1\0\0\0\36\0\4\300\0\2\1", 14);
    message_count(&message, SECTION_ANSWER);
    learn(scene, &message, "orders.eu.rds.test", TYPE_A);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "db.shop.internal. 1 CNAME orders.eu.rds.test.; "
        "orders.eu.rds.test. 1 CNAME ec2.rds.test.; ec2.rds.test. 1 A 192.0.2.1");
}

static void pointers_inside_rdata_are_moved_too(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "search-eu.test", 15 /* MX */);
    size_t data = message_begin(&message, SECTION_ANSWER, "@", 15, 60);
    message_put(&message, "\0\5\4mail", 7);
    message_put_pointer(&message, DNS_HEADER_SIZE);
    message_end(&message, data);
    data = message_begin(&message, SECTION_ANSWER, "@", 15, 60);
    message_put(&message, "\0\11\3alt", 6);
    message_put_pointer(&message, data - 12 - 7); /* "mail" of the record before */
    message_end(&message, data);
    learn(scene, &message, "search-eu.test", 15);
    ask(scene, "search.internal", 15);
    answers(scene, RCODE_NOERROR,
        "search.internal. 1 CNAME search-eu.test.; "
        "search-eu.test. 1 MX 5 mail.search-eu.test.; "
        "search-eu.test. 1 MX 9 alt.mail.search-eu.test.");
}

static void a_missing_type_is_nodata_with_the_targets_soa(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR, "orders.eu.rds.test", TYPE_AAAA);
    message_soa(&message, "rds.test", 300, DNS_HEADER_SIZE + 7, 60);
    learn(scene, &message, "orders.eu.rds.test", TYPE_AAAA);
    ask(scene, "db.shop.internal", TYPE_AAAA);
    answers(scene, RCODE_NOERROR, "db.shop.internal. 1 CNAME orders.eu.rds.test.");
    assert_string_equal(section_text(scene, SECTION_AUTHORITY),
        "rds.test. 1 SOA eu.rds.test. eu.rds.test. 1 2 3 4 60");
}

static void the_rcode_is_the_last_hops(void **state)
{
    struct scene *scene = *state;
    message_start(&message, DNS_QR | RCODE_NXDOMAIN, "orders.eu.rds.test", TYPE_A);
    message_soa(&message, "test", 300, DNS_HEADER_SIZE, 60);
    learn(scene, &message, "orders.eu.rds.test", TYPE_A);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NXDOMAIN, "db.shop.internal. 1 CNAME orders.eu.rds.test.");
}

static void the_question_for_the_cname_gets_it_alone(void **state)
{
    struct scene *scene = *state;
    ask(scene, "db.shop.internal", TYPE_CNAME);
    answers(scene, RCODE_NOERROR, "db.shop.internal. 1 CNAME orders.eu.rds.test.");
}

static void an_address_is_answered_for_its_family_alone(void **state)
{
    struct scene *scene = *state;
    static const uint16_t others[] = {TYPE_AAAA, TYPE_CNAME, 16, 65};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ask(scene, "fixed.internal", others[i]);
        answers(scene, RCODE_NOERROR, "");
        assert_string_equal(section_text(scene, SECTION_AUTHORITY),
            "fixed.internal. 1 SOA fixed.internal. nobody.invalid. 1 3600 600 86400 1");
    }
    activate(scene, "fixed", US);
    ask(scene, "fixed.internal", TYPE_AAAA);
    answers(scene, RCODE_NOERROR, "fixed.internal. 1 AAAA 2001:db8::2");
    ask(scene, "fixed.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "");
}

static void a_relays_name_answers_where_it_listens(void **state)
{
    struct scene *scene = *state;
    ask(scene, "relay.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "relay.internal. 1 A 127.0.0.54");
    ask(scene, "relay.internal", TYPE_AAAA);
    answers(scene, RCODE_NOERROR, "relay.internal. 1 AAAA ::1");
    ask(scene, "narrow.internal", TYPE_AAAA);
    answers(scene, RCODE_NOERROR, "");
    assert_int_equal(scene->reply.authorities, 1);
    ask(scene, "relay.internal", 65 /* HTTPS */);
    answers(scene, RCODE_NOERROR, "");
    ask(scene, "relay.internal", TYPE_CNAME);
    answers(scene, RCODE_NOERROR, "");
}

static void is_not_ready(struct scene *scene, const char *name, uint16_t type)
{
    ask(scene, name, type);
    answers(scene, RCODE_SERVFAIL, "");
    assert_int_equal(scene->reply.authorities, 0);
    assert_true(has_ede(scene, EDE_NOT_READY));
    assert_int_equal(flags_of(scene) & DNS_AA, 0);
}

static void a_fenced_database_is_servfail_for_nobody_to_keep(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "orders.eu.rds.test", 60, 0xc0000205);
    fence(scene, "orders");
    is_not_ready(scene, "db.shop.internal", TYPE_A);
    is_not_ready(scene, "db.shop.internal", TYPE_CNAME);
    ask(scene, "orders.eu.rds.test", TYPE_A); /* not one of its names */
    answers(scene, RCODE_NOERROR, "orders.eu.rds.test. 60 A 192.0.2.5");
}

static void a_fence_changes_no_relays_name_and_no_plain_one(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "search-eu.test", 60, 0xc0000205);
    fence(scene, "relayed");
    fence(scene, "search");
    ask(scene, "relay.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "relay.internal. 1 A 127.0.0.54");
    ask(scene, "search.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "search.internal. 1 CNAME search-eu.test.; search-eu.test. 1 A 192.0.2.5");
}

static void an_undecided_host_answers_servfail_for_all_managed_names(void **state)
{
    struct scene *scene = *state;
    undecide(scene);
    is_not_ready(scene, "db.shop.internal", TYPE_A);
    is_not_ready(scene, "relay.internal", TYPE_A);
    is_not_ready(scene, "fixed.internal", TYPE_A);
    is_not_ready(scene, "any.search.internal", TYPE_A);
    is_not_ready(scene, "own.test", TYPE_A);
    learn_a(scene, "else.test", 60, 0xc0000207);
    ask(scene, "else.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
}

static void a_managed_name_in_the_middle_of_a_chain_is_switched_there(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "www.test", "db.shop.internal");
    learn_a(scene, "orders.us.rds.test", 60, 0xc0000206);
    activate(scene, "orders", US);
    ask(scene, "WWW.test", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "WWW.test. 300 CNAME db.shop.internal.; db.shop.internal. 1 CNAME orders.us.rds.test.; "
        "orders.us.rds.test. 1 A 192.0.2.6");
    assert_int_equal(scene->answer.source, ANSWER_MANAGED);
    fence(scene, "orders");
    is_not_ready(scene, "www.test", TYPE_A);
}

static void a_managed_name_behind_another_targets_chain_is_switched_there(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "search-eu.test", "fixed.internal");
    ask(scene, "a.search.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "a.search.internal. 1 CNAME search-eu.test.; search-eu.test. 1 CNAME fixed.internal.; "
        "fixed.internal. 1 A 192.0.2.1");
}

static void a_chain_that_was_free_of_managed_names_is_looked_at_again_in_a_new_view(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "www.test", "own.test"); /* its own active target: nothing to switch */
    learn_a(scene, "other.test", 60, 0xc0000208);
    ask(scene, "www.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "www.test. 300 CNAME own.test.; own.test. 300 A 192.0.2.99");
    activate(scene, "own", US);
    ask(scene, "www.test", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "www.test. 300 CNAME own.test.; own.test. 1 CNAME other.test.; other.test. 1 A 192.0.2.8");
}

static void a_buckets_name_is_left_alone_in_the_middle(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "www.test", "assets.internal");
    ask(scene, "www.test", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "www.test. 300 CNAME assets.internal.; assets.internal. 300 A 192.0.2.99");
}

static void the_active_target_that_is_an_own_name_is_resolved_upstream(void **state)
{
    struct scene *scene = *state;
    ask(scene, "own.test", TYPE_A);
    needs(scene, "own.test");
    learn_a(scene, "own.test", 60, 0xc0000205);
    learn_a(scene, "other.test", 60, 0xc0000206);
    ask(scene, "Own.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "Own.test. 60 A 192.0.2.5");
    ask(scene, "alias.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "alias.internal. 1 CNAME own.test.; own.test. 1 A 192.0.2.5");
    activate(scene, "own", US);
    ask(scene, "own.test", TYPE_A);
    answers(scene, RCODE_NOERROR, "own.test. 1 CNAME other.test.; other.test. 1 A 192.0.2.6");
}

static void a_target_that_leads_back_is_servfail(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "orders.eu.rds.test", "db.shop.internal");
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
    learn_cname(scene, "www.test", "db.shop.internal");
    ask(scene, "www.test", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
    ask(scene, "orders.eu.rds.test", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
}

static void a_circle_through_two_endpoints_is_servfail(void **state)
{
    struct scene *scene = *state;
    learn_cname(scene, "orders.eu.rds.test", "search.internal");
    learn_cname(scene, "search-eu.test", "db.shop.internal");
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "");
}

static void the_whole_chain_has_a_bound(void **state)
{
    struct scene *scene = *state;
    for (unsigned hops = DNS_CHAIN_MAX - 1; hops <= DNS_CHAIN_MAX; hops++) {
        char owner[16] = "@", target[16];
        message_start(&message, DNS_QR, "search-eu.test", TYPE_A);
        for (unsigned i = 0; i < hops; i++) {
            snprintf(target, sizeof target, "n%u", i);
            message_cname(&message, owner, 60, target);
            memcpy(owner, target, sizeof owner);
        }
        message_a(&message, SECTION_ANSWER, owner, 60, 1);
        learn(scene, &message, "search-eu.test", TYPE_A);
        ask(scene, "search.internal", TYPE_A);
        bool fits = hops < DNS_CHAIN_MAX;
        assert_int_equal(scene->answer.rcode, fits ? RCODE_NOERROR : RCODE_SERVFAIL);
        assert_int_equal(scene->reply.answers, fits ? DNS_CHAIN_MAX + 1 : 0);
    }
}

static void whoever_dials_resolves_past_the_managed_names(void **state)
{
    struct scene *scene = *state;
    scene->past_managed = true;
    ask(scene, "db.shop.internal", TYPE_A);
    needs(scene, "db.shop.internal");
    learn_cname(scene, "orders.eu.rds.test", "db.shop.internal");
    ask(scene, "orders.eu.rds.test", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "orders.eu.rds.test. 300 CNAME db.shop.internal.; db.shop.internal. 300 A 192.0.2.99");
}

static void other_classes_are_not_managed(void **state)
{
    struct scene *scene = *state;
    scene->query.class = 3;
    ask(scene, "db.shop.internal", 16);
    needs(scene, "db.shop.internal");
    assert_int_equal(scene->answer.need.class, 3);
}

static void authority_is_claimed_only_where_configured(void **state)
{
    struct scene *scene = *state;
    ask(scene, "fixed.internal", TYPE_A);
    assert_int_equal(flags_of(scene), DNS_QR | DNS_RD | DNS_RA);
    scene->config->resolver.authoritative = true;
    ask(scene, "fixed.internal", TYPE_A);
    assert_int_equal(flags_of(scene), DNS_QR | DNS_AA | DNS_RD | DNS_RA);
    learn_a(scene, "else.test", 60, 0xc0000207);
    ask(scene, "else.test", TYPE_A);
    assert_int_equal(flags_of(scene) & DNS_AA, 0);
}

static void what_was_put_together_is_never_authentic(void **state)
{
    struct scene *scene = *state;
    scene->query.flags |= DNS_AD;
    scene->query.dnssec_ok = true;
    message_start(&message, DNS_QR | DNS_AD, "orders.eu.rds.test", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    learn(scene, &message, "orders.eu.rds.test", TYPE_A);
    ask(scene, "db.shop.internal", TYPE_A);
    assert_int_equal(flags_of(scene) & DNS_AD, 0);
    assert_true(has_ede(scene, EDE_FORGED));
    ask(scene, "orders.eu.rds.test", TYPE_A);
    assert_int_equal(flags_of(scene) & DNS_AD, DNS_AD);
    assert_false(has_ede(scene, EDE_FORGED));
}

static void without_rd_a_managed_name_answers_what_is_known(void **state)
{
    struct scene *scene = *state;
    scene->query.flags = DNS_CD;
    ask(scene, "fixed.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "fixed.internal. 1 A 192.0.2.1");
    assert_int_equal(flags_of(scene), DNS_QR | DNS_RA | DNS_CD);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NOERROR, "db.shop.internal. 1 CNAME orders.eu.rds.test.");
}

static void stale_records_stand_behind_the_current_cname(void **state)
{
    struct scene *scene = *state;
    learn_a(scene, "orders.us.rds.test", 60, 0xc0000206);
    activate(scene, "orders", US);
    scene->now_ms += 61000;
    ask(scene, "db.shop.internal", TYPE_A);
    needs(scene, "orders.us.rds.test");
    assert_true(scene->answer.stale_at_hand);
    failed(scene, "orders.us.rds.test", TYPE_A, EDE_NO_REACHABLE_AUTHORITY);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_NOERROR,
        "db.shop.internal. 1 CNAME orders.us.rds.test.; orders.us.rds.test. 1 A 192.0.2.6");
    assert_true(has_ede(scene, EDE_STALE));
    assert_int_equal(scene->answer.source, ANSWER_STALE);
}

static void a_target_that_nobody_can_resolve_is_servfail_and_why(void **state)
{
    struct scene *scene = *state;
    failed(scene, "orders.eu.rds.test", TYPE_A, EDE_NETWORK_ERROR);
    ask(scene, "db.shop.internal", TYPE_A);
    answers(scene, RCODE_SERVFAIL, "db.shop.internal. 1 CNAME orders.eu.rds.test.");
    assert_true(has_ede(scene, EDE_NETWORK_ERROR));
    assert_false(has_ede(scene, EDE_NOT_READY));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_managed_name_is_a_cname_and_its_targets_records),
        TEST(a_switch_changes_the_answer_and_no_other_cached_entry),
        TEST(owners_repeat_the_clients_letter_case),
        TEST(the_targets_own_chain_comes_along_with_its_pointers_moved),
        TEST(pointers_inside_rdata_are_moved_too),
        TEST(a_missing_type_is_nodata_with_the_targets_soa),
        TEST(the_rcode_is_the_last_hops),
        TEST(the_question_for_the_cname_gets_it_alone),
        TEST(an_address_is_answered_for_its_family_alone),
        TEST(a_relays_name_answers_where_it_listens),
        TEST(a_fenced_database_is_servfail_for_nobody_to_keep),
        TEST(a_fence_changes_no_relays_name_and_no_plain_one),
        TEST(an_undecided_host_answers_servfail_for_all_managed_names),
        TEST(a_managed_name_in_the_middle_of_a_chain_is_switched_there),
        TEST(a_managed_name_behind_another_targets_chain_is_switched_there),
        TEST(a_chain_that_was_free_of_managed_names_is_looked_at_again_in_a_new_view),
        TEST(a_buckets_name_is_left_alone_in_the_middle),
        TEST(the_active_target_that_is_an_own_name_is_resolved_upstream),
        TEST(a_target_that_leads_back_is_servfail),
        TEST(a_circle_through_two_endpoints_is_servfail),
        TEST(the_whole_chain_has_a_bound),
        TEST(whoever_dials_resolves_past_the_managed_names),
        TEST(other_classes_are_not_managed),
        TEST(authority_is_claimed_only_where_configured),
        TEST(what_was_put_together_is_never_authentic),
        TEST(without_rd_a_managed_name_answers_what_is_known),
        TEST(stale_records_stand_behind_the_current_cname),
        TEST(a_target_that_nobody_can_resolve_is_servfail_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
