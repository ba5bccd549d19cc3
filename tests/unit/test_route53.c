/* route53.upsert, against what Route 53 answers. */
#include "tests/unit/acting_step.h"

#include "failover/aws/route53.h"

#include <string.h>

extern const struct step_kind step_route53_upsert;

#define NS " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\""
#define SETS(sets)                                                                                 \
    "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse" NS "><ResourceRecordSets>" sets     \
    "</ResourceRecordSets><IsTruncated>true</IsTruncated><MaxItems>1</MaxItems>"                   \
    "</ListResourceRecordSetsResponse>"
#define SET(name, type, ttl, values)                                                               \
    SETS("<ResourceRecordSet><Name>" name "</Name><Type>" type "</Type><TTL>" ttl                  \
         "</TTL><ResourceRecords>" values "</ResourceRecords></ResourceRecordSet>")
#define VALUE(value) "<ResourceRecord><Value>" value "</Value></ResourceRecord>"
#define CHANGE(status)                                                                             \
    "<ChangeResourceRecordSetsResponse" NS                                                         \
    "><ChangeInfo><Id>/change/C2682N5HXP0BZ4</Id><Status>" status                                  \
    "</Status><SubmittedAt>2026-11-23T07:00:00Z</SubmittedAt></ChangeInfo>"                        \
    "</ChangeResourceRecordSetsResponse>"
#define ZONES(zones)                                                                               \
    "<ListHostedZonesByNameResponse" NS "><HostedZones>" zones                                     \
    "</HostedZones><DNSName>shop.example.</DNSName><IsTruncated>false</IsTruncated>"               \
    "</ListHostedZonesByNameResponse>"
#define ZONE(id, name, private)                                                                    \
    "<HostedZone><Id>/hostedzone/" id "</Id><Name>" name                                           \
    "</Name><Config><PrivateZone>" private "</PrivateZone></Config></HostedZone>"

#define WWW                                                                                        \
    "{\"name\": \"www.shop.example\", \"type\": \"CNAME\", \"ttl\": 60,"                           \
    " \"values\": [\"web.us-west-2.elb.amazonaws.com\"]}"
#define WWW_NOW(ttl, target) SET("www.shop.example.", "CNAME", ttl, VALUE(target))
#define IN_PLACE WWW_NOW("60", "Web.us-west-2.elb.amazonaws.com.")
#define IN_EUROPE WWW_NOW("60", "web.eu-west-1.elb.amazonaws.com")

static struct acting_step acting;

static void begin(const char *zone, const char *records)
{
    char parameters[2048];
    snprintf(parameters, sizeof parameters, "{\"zone\": \"%s\", \"records\": [%s]}", zone, records);
    acting_init(&acting, &step_route53_upsert, parameters);
}

static int teardown(void **unused)
{
    (void)unused;
    acting_fini(&acting);
    return 0;
}

static void records_in_place_are_done_without_a_change(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting_look(&acting);
    acting_asks(&acting, "ListResourceRecordSets", "/2013-04-01/hostedzone/Z123/rrset");
    acting_asks(&acting, "ListResourceRecordSets", "name=www.shop.example.&type=CNAME&maxitems=1");
    acting_answers(&acting, IN_PLACE);
    acting_ends(&acting, STEP_END_DONE, "in place in zone Z123");
}

static void a_change_is_made_and_followed_until_it_is_insync(void **unused)
{
    (void)unused;
    begin("/hostedzone/Z123", WWW);
    acting_look(&acting);
    acting_answers(&acting, IN_EUROPE);
    acting_ends(&acting, STEP_END_MUST, "set www.shop.example CNAME in zone Z123");
    acting_act(&acting);
    acting_asks(&acting, "ChangeResourceRecordSets",
        "<ChangeBatch><Changes><Change><Action>UPSERT</Action><ResourceRecordSet>"
        "<Name>www.shop.example</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords>"
        "<ResourceRecord><Value>web.us-west-2.elb.amazonaws.com</Value></ResourceRecord>"
        "</ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>");
    assert_true(acting.request.acts && acting.request.repeatable);
    assert_string_equal(acting.path, "/2013-04-01/hostedzone/Z123/rrset/");
    acting_answers(&acting, CHANGE("PENDING"));
    acting_ends(&acting, STEP_END_ACTED, "C2682N5HXP0BZ4");

    acting_look(&acting);
    acting_asks(&acting, "GetChange", "/2013-04-01/change/C2682N5HXP0BZ4");
    acting_answers(&acting, CHANGE("PENDING"));
    acting_ends(&acting, STEP_END_WAIT, "PENDING");
    acting_look(&acting);
    acting_answers(&acting, CHANGE("INSYNC"));
    acting_ends(&acting, STEP_END_DONE, "all of its servers");
}

static void a_change_that_nobody_knows_is_forgotten(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting_look(&acting);
    acting_answers(&acting, IN_EUROPE);
    acting_act(&acting);
    acting_answers(&acting, CHANGE("PENDING"));
    acting_look(&acting);
    acting_refuses(&acting, "NoSuchChange");
    acting_ends(&acting, STEP_END_WAIT, "");
    acting_look(&acting);
    acting_asks(&acting, "ListResourceRecordSets", "");
    acting_answers(&acting, IN_PLACE);
    acting_ends(&acting, STEP_END_DONE, "");
}

static void all_records_are_one_batch(void **unused)
{
    (void)unused;
    begin("Z123", WWW ", {\"name\": \"shop.example.\", \"type\": \"a\", \"ttl\": \"2m\","
                      " \"values\": [\"192.0.2.1\", \"192.0.2.2\"]}");
    acting_look(&acting);
    acting_answers(&acting, IN_PLACE);
    acting_asks(&acting, "ListResourceRecordSets", "name=shop.example.&type=A");
    acting_answers(&acting, SETS("")); /* nothing at or after this name */
    acting_ends(&acting, STEP_END_MUST, "set shop.example. a in zone");
    acting_act(&acting);
    acting_asks(&acting, "ChangeResourceRecordSets", "<Name>www.shop.example</Name>");
    acting_asks(&acting, "ChangeResourceRecordSets",
        "<Type>A</Type><TTL>120</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>"
        "</ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord>");
    acting_refuses(&acting, "PriorRequestNotComplete");
    acting_ends(&acting, STEP_END_WAIT, "PriorRequestNotComplete");
}

static void a_plan_counts_what_differs(void **unused)
{
    (void)unused;
    begin("Z123", WWW ", {\"name\": \"x.shop.example\", \"type\": \"A\", \"ttl\": 60,"
                      " \"values\": [\"192.0.2.1\"]}");
    acting.step.purpose = STEP_PLAN;
    acting_look(&acting);
    acting_answers(&acting, SETS(""));
    acting_answers(&acting, SETS(""));
    acting_ends(&acting, STEP_END_MUST, "set www.shop.example CNAME and 1 others in zone Z123");
}

static void the_next_name_in_the_list_is_another_record(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting_look(&acting);
    acting_answers(&acting,
        SET("www2.shop.example.", "CNAME", "60", VALUE("web.us-west-2.elb.amazonaws.com")));
    acting_ends(&acting, STEP_END_MUST, "set www.shop.example");
}

static void an_alias_is_replaced(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting_look(&acting);
    acting_answers(&acting,
        SETS("<ResourceRecordSet><Name>www.shop.example.</Name><Type>CNAME</Type><AliasTarget>"
             "<HostedZoneId>Z1</HostedZoneId><DNSName>x.example.</DNSName>"
             "<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
             "</ResourceRecordSet>"));
    acting_ends(&acting, STEP_END_MUST, "");
}

static void a_record_of_a_routing_policy_is_left_alone(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting_look(&acting);
    acting_answers(&acting,
        SETS("<ResourceRecordSet><Name>www.shop.example.</Name><Type>CNAME</Type>"
             "<SetIdentifier>eu</SetIdentifier><Weight>1</Weight><TTL>60</TTL><ResourceRecords>"
             "<ResourceRecord><Value>a.example</Value></ResourceRecord></ResourceRecords>"
             "</ResourceRecordSet>"));
    acting_ends(&acting, STEP_END_FAIL, "routing policy");
}

static void ready_warns_of_what_caches_keep_for_long(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    acting.step.purpose = STEP_READY;
    acting_look(&acting);
    acting_answers(&acting, WWW_NOW("86400", "web.eu-west-1.elb.amazonaws.com"));
    acting_ends(&acting, STEP_END_WAIT, "86400 s");
    acting_look(&acting);
    acting_answers(&acting, WWW_NOW("300", "web.eu-west-1.elb.amazonaws.com"));
    acting_ends(&acting, STEP_END_MUST, "");
}

static void a_zone_is_found_by_its_name_once(void **unused)
{
    (void)unused;
    begin("Shop.example", WWW);
    acting_look(&acting);
    acting_asks(&acting, "ListHostedZonesByName", "dnsname=shop.example.&maxitems=10");
    acting_answers(&acting,
        ZONES(ZONE("Z77", "shop.example.", "false") ZONE("Z78", "shop2.example.", "false")));
    acting_asks(&acting, "ListResourceRecordSets", "/hostedzone/Z77/rrset");
    acting_answers(&acting, IN_PLACE);
    acting_look(&acting);
    acting_asks(&acting, "ListResourceRecordSets", "/hostedzone/Z77/rrset");
    acting_answers(&acting, IN_PLACE);
}

static void a_name_of_two_zones_is_ambiguous(void **unused)
{
    (void)unused;
    begin("shop.example.", WWW);
    acting_look(&acting);
    acting_answers(
        &acting, ZONES(ZONE("Z1", "shop.example.", "false") ZONE("Z2", "shop.example.", "true")));
    acting_ends(&acting, STEP_END_FAIL, "Z1 (public) and Z2 (private): give the id");
}

static void a_zone_that_is_missing_fails_in_words(void **unused)
{
    (void)unused;
    begin("shop.example", WWW);
    acting_look(&acting);
    acting_answers(&acting, ZONES(ZONE("Z1", "shop.example.org.", "false")));
    acting_ends(&acting, STEP_END_FAIL, "no zone shop.example");
    acting_look(&acting);
    acting_refuses(&acting, "AccessDenied");
    acting_ends(&acting, STEP_END_FAIL, "AccessDenied");
}

/* Whether a set with these values is what the record asks for. */
static bool is_equal(const char *type, const char *values_now, const char *values)
{
    char record[512];
    snprintf(record, sizeof record,
        "{\"name\": \"x.example\", \"type\": \"%s\", \"ttl\": \"60s\", \"values\": [%s]}", type,
        values);
    begin("Z123", record);
    acting_look(&acting);
    char reply[1024];
    snprintf(reply, sizeof reply, SET("x.example.", "%s", "60", "%s"), type, values_now);
    acting_answers(&acting, reply);
    bool equal = acting.end == STEP_END_DONE;
    acting_fini(&acting);
    return equal;
}

static void values_are_compared_as_route_53_writes_them(void **unused)
{
    (void)unused;
    assert_true(is_equal(
        "A", VALUE("192.0.2.2") VALUE("192.0.2.1"), "\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.1\""));
    assert_false(is_equal("A", VALUE("192.0.2.2") VALUE("192.0.2.1"), "\"192.0.2.1\""));
    assert_true(is_equal("AAAA", VALUE("2001:db8:0:0::1"), "\"2001:DB8::1\""));
    assert_true(is_equal("TXT", VALUE("\"a &#34;b\""), "\"\\\"a \\\"b\\\"\""));
    assert_true(is_equal("TXT", VALUE("\"v=spf1 -all\""), "\"v=spf1 -all\""));
    assert_false(is_equal("TXT", VALUE("\"V=spf1 -all\""), "\"v=spf1 -all\""));
    assert_true(is_equal("MX", VALUE("10 mail.example."), "\"10 Mail.example\""));
    begin("Z123", WWW);
}

static void a_long_text_is_sent_in_parts(void **unused)
{
    (void)unused;
    char record[512], xs[301] = "", expected[400];
    memset(xs, 'x', 300);
    snprintf(record, sizeof record,
        "{\"name\": \"*.x.example\", \"type\": \"TXT\", \"ttl\": 60, \"values\": [\"%s\"]}", xs);
    begin("Z123", record);
    acting_look(&acting);
    acting_asks(&acting, "ListResourceRecordSets", "name=%2A.x.example.&type=TXT");
    acting_answers(&acting, SETS(""));
    acting_act(&acting);
    snprintf(expected, sizeof expected, "<Value>&#34;%.255s&#34; &#34;%.45s&#34;</Value>", xs, xs);
    acting_asks(&acting, "ChangeResourceRecordSets", expected);
    acting_answers(&acting, CHANGE("PENDING"));
    acting_ends(&acting, STEP_END_ACTED, "");
}

static void names_are_compared_as_route_53_writes_them(void **unused)
{
    (void)unused;
    begin("Z123", WWW);
    assert_true(route53_same_name("*.Shop.Example", "\\052.shop.example."));
    assert_true(route53_same_name("a\\055b.example", "a-b.example"));
    assert_false(route53_same_name("a.example", "b.example"));
    assert_false(route53_same_name("a\\05", "a\\055"));
    assert_string_equal(route53_zone_id("Z0123456789ABC"), "Z0123456789ABC");
    assert_string_equal(route53_zone_id("/hostedzone/Z1"), "Z1");
    assert_null(route53_zone_id("shop.example"));
    assert_null(route53_zone_id("internal"));
    assert_null(route53_zone_id("/hostedzone/"));
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_in_place_are_done_without_a_change),
        TEST(a_change_is_made_and_followed_until_it_is_insync),
        TEST(a_change_that_nobody_knows_is_forgotten),
        TEST(all_records_are_one_batch),
        TEST(a_plan_counts_what_differs),
        TEST(the_next_name_in_the_list_is_another_record),
        TEST(an_alias_is_replaced),
        TEST(a_record_of_a_routing_policy_is_left_alone),
        TEST(ready_warns_of_what_caches_keep_for_long),
        TEST(a_zone_is_found_by_its_name_once),
        TEST(a_name_of_two_zones_is_ambiguous),
        TEST(a_zone_that_is_missing_fails_in_words),
        TEST(values_are_compared_as_route_53_writes_them),
        TEST(a_long_text_is_sent_in_parts),
        TEST(names_are_compared_as_route_53_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
