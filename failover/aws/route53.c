/* route53.upsert: records of one zone are as asked, and Route 53's servers know it.
 *
 * On the good day each record is looked at, one batch upserts them all (atomically), and the
 * change is followed until it is INSYNC. The change's id lives in this process alone: after a
 * restart the values are in place already, and nothing that Route 53 lists tells a change that is
 * still PENDING from one that is INSYNC. Then what is listed is the goal. That is safe: the change
 * was accepted, reaches the servers within about a minute, and nothing in a runbook may need it
 * more exactly.
 *
 * Route 53 has one control plane for the world, and it may be the one that is down: steps of this
 * type continue on failure unless the file says otherwise. */
#include "failover/aws/route53.h"

#include "base/json.h"
#include "base/xml.h"
#include "failover/aws/step.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 128
#define LONG_TTL_S                                                                                 \
    300 /* caches keep the old value for longer than people expect a switch to take */
#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"

struct upsert {
    char zone[ROUTE53_ID_MAX + 1];   /* its id, once it is known */
    char change[ROUTE53_ID_MAX + 1]; /* ours, on its way; "": none */
    size_t index;                    /* of the record that is looked at */
    const cJSON *record;
    const cJSON *differs; /* the first one that is not as asked */
    size_t differ_count;
    const cJSON *slow; /* the one that caches keep longest now */
    unsigned long long slow_s;
};

static struct upsert *upsert_of(struct step *step)
{
    return step_memory(step, sizeof(struct upsert));
}

static void get(struct step *step, const char *action, const char *path, const char *query,
    step_replied *replied)
{
    struct aws_request request = {.service = &aws_route53,
        .region = step->region,
        .action = action,
        .method = "GET",
        .path = path,
        .query = query};
    step_call(step, &request, replied);
}

/* Another change of the zone is being made; ours has its turn later. */
static bool is_busy(const struct aws_reply *reply)
{
    return strcmp(reply->code, "PriorRequestNotComplete") == 0 ||
           strcmp(reply->code, "Throttling") == 0;
}

static void refused(struct step *step, const struct aws_reply *reply)
{
    if (is_busy(reply))
        step_wait(step, "Route 53 is busy with another change (%s)", reply->code);
    else
        step_fail(step, reply, "zone %s", step_text(step, "zone"));
}

/* "set www.shop.example CNAME and 2 others in zone Z123". */
static void must(struct step *step, const struct upsert *upsert)
{
    char others[48] = "";
    if (upsert->differ_count > 1)
        snprintf(others, sizeof others, " and %zu others", upsert->differ_count - 1);
    step_must(step, "set %s %s%s in zone %s", json_text(upsert->differs, "name"),
        json_text(upsert->differs, "type"), others, upsert->zone);
}

static void judge(struct step *step, const struct upsert *upsert)
{
    if (step->purpose == STEP_READY && upsert->slow)
        step_wait(step,
            "caches keep %s %s for %llu s: clients follow the switch that much later; "
            "lower its ttl to 60 now",
            json_text(upsert->slow, "name"), json_text(upsert->slow, "type"), upsert->slow_s);
    else if (upsert->differs)
        must(step, upsert);
    else
        step_done(step, "the records are in place in zone %s", upsert->zone);
}

static void look_at_record(struct step *step);

static void compare(struct upsert *upsert, const cJSON *set)
{
    const char *ttl = set ? tree_text(set, "TTL") : NULL;
    unsigned long long seconds = ttl ? strtoull(ttl, NULL, 10) : 0;
    if (seconds > LONG_TTL_S && seconds > upsert->slow_s) {
        upsert->slow = upsert->record;
        upsert->slow_s = seconds;
    }
    if (set && route53_is_equal(set, upsert->record))
        return;
    if (!upsert->differs)
        upsert->differs = upsert->record;
    upsert->differ_count++;
}

static void on_record(struct step *step, const struct aws_reply *reply)
{
    struct upsert *upsert = upsert_of(step);
    if (reply->result != AWS_ANSWERED) {
        refused(step, reply);
        return;
    }
    const cJSON *set = tree_find(reply->body, "ResourceRecordSets/ResourceRecordSet");
    if (set && !route53_is_of(set, upsert->record))
        set = NULL;
    if (set && !route53_is_simple(set)) {
        step_fail(step, NULL,
            "%s %s in zone %s is one of several by a routing policy, and those are not set here: "
            "let the policy's health checks switch it, or make it one simple record",
            json_text(upsert->record, "name"), json_text(upsert->record, "type"), upsert->zone);
        return;
    }
    compare(upsert, set);
    upsert->record = upsert->record->next;
    look_at_record(step);
}

/* Who carries it out sets all as soon as one differs; a plan counts them. */
static void look_at_record(struct step *step)
{
    struct upsert *upsert = upsert_of(step);
    char path[PATH_SIZE];
    if (!upsert->record || (upsert->differs && step->purpose == STEP_CARRY_OUT)) {
        judge(step, upsert);
        return;
    }
    struct text query = {0};
    route53_write_query(&query, upsert->record);
    snprintf(path, sizeof path, "/2013-04-01/hostedzone/%s/rrset", upsert->zone);
    get(step, "ListResourceRecordSets", path, query.data, on_record);
    text_fini(&query);
}

static void look_at_records(struct step *step)
{
    struct upsert *upsert = upsert_of(step);
    const cJSON *records = json_member(step->parameters, "records");
    upsert->record = records->child;
    upsert->differs = upsert->slow = NULL;
    upsert->differ_count = 0;
    upsert->slow_s = 0;
    look_at_record(step);
}

static void copy_id(char to[ROUTE53_ID_MAX + 1], const char *id)
{
    snprintf(to, ROUTE53_ID_MAX + 1, "%.*s", ROUTE53_ID_MAX, id);
}

static bool is_private(const cJSON *zone)
{
    const char *text = tree_text(zone, "Config/PrivateZone");
    return text && strcmp(text, "true") == 0;
}

/* Of the zones that Route 53 lists from the name on: those of the name itself. */
static size_t count_zones(const cJSON *list, const char *name, const cJSON *ret[2])
{
    size_t count = 0;
    const cJSON *zone;
    cJSON_ArrayForEach(zone, list)
    {
        const char *own = tree_text(zone, "Name"), *id = tree_text(zone, "Id");
        if (own && id && route53_same_name(own, name) && route53_zone_id(id)) {
            ret[count > 0] = zone;
            count++;
        }
    }
    return count;
}

static void on_zones(struct step *step, const struct aws_reply *reply)
{
    const char *name = step_text(step, "zone");
    const cJSON *zones[2] = {NULL};
    if (reply->result != AWS_ANSWERED) {
        refused(step, reply);
        return;
    }
    size_t count = count_zones(tree_find(reply->body, "HostedZones"), name, zones);
    if (count == 0) {
        step_fail(step, NULL, "there is no zone %s in this account", name);
    } else if (count > 1) {
        step_fail(step, NULL,
            "several zones are named %s, such as %s (%s) and %s (%s): give the id", name,
            route53_zone_id(tree_text(zones[0], "Id")), is_private(zones[0]) ? "private" : "public",
            route53_zone_id(tree_text(zones[1], "Id")),
            is_private(zones[1]) ? "private" : "public");
    } else {
        copy_id(upsert_of(step)->zone, route53_zone_id(tree_text(zones[0], "Id")));
        look_at_records(step);
    }
}

static void find_zone(struct step *step)
{
    struct text query = {0};
    route53_write_zone_query(&query, step_text(step, "zone"));
    get(step, "ListHostedZonesByName", "/2013-04-01/hostedzonesbyname", query.data, on_zones);
    text_fini(&query);
}

static void on_change(struct step *step, const struct aws_reply *reply)
{
    struct upsert *upsert = upsert_of(step);
    const char *status = NULL;
    if (reply->result == AWS_ANSWERED)
        status = tree_text(reply->body, "ChangeInfo/Status");
    else if (strcmp(reply->code, "NoSuchChange") == 0)
        upsert->change[0] = '\0'; /* the next look goes by the records */
    else if (!is_busy(reply)) {
        step_fail(step, reply, "change %s", upsert->change);
        return;
    }
    if (status && strcmp(status, "INSYNC") == 0)
        step_done(step, "in zone %s, on all of its servers", upsert->zone);
    else
        step_wait(step, "change %s is %s", upsert->change, status ? status : "not known yet");
}

static void look_at_change(struct step *step)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/2013-04-01/change/%s", upsert_of(step)->change);
    get(step, "GetChange", path, NULL, on_change);
}

static void look(struct step *step)
{
    struct upsert *upsert = upsert_of(step);
    const char *id = route53_zone_id(step_text(step, "zone"));
    if (id)
        copy_id(upsert->zone, id);
    if (upsert->change[0])
        look_at_change(step);
    else if (upsert->zone[0])
        look_at_records(step);
    else
        find_zone(step);
}

static void on_changed(struct step *step, const struct aws_reply *reply)
{
    struct upsert *upsert = upsert_of(step);
    if (reply->result != AWS_ANSWERED) {
        refused(step, reply);
        return;
    }
    static const char prefix[] = "/change/";
    const char *id = tree_text(reply->body, "ChangeInfo/Id");
    if (id && strncmp(id, prefix, sizeof prefix - 1) == 0)
        id += sizeof prefix - 1;
    size_t size = id ? strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") : 0;
    if (size > 0 && size <= ROUTE53_ID_MAX && !id[size])
        copy_id(upsert->change, id);
    step_acted(step, "change %s in zone %s", upsert->change, upsert->zone);
}

/* All records in one batch: Route 53 makes all of them or none. */
static void act(struct step *step)
{
    struct upsert *upsert = upsert_of(step);
    char path[PATH_SIZE];
    const cJSON *record;
    struct aws_request request = {.service = &aws_route53,
        .region = step->region,
        .action = "ChangeResourceRecordSets",
        .method = "POST",
        .path = path,
        .acts = true,
        .repeatable = true};
    assert(upsert->zone[0]); /* a look came first */
    snprintf(path, sizeof path, "/2013-04-01/hostedzone/%s/rrset/", upsert->zone);
    text_put(&request.body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                            "<ChangeResourceRecordSetsRequest xmlns=\"" NAMESPACE "\">"
                            "<ChangeBatch><Changes>");
    cJSON_ArrayForEach(record, json_member(step->parameters, "records"))
    {
        text_put(&request.body, "<Change><Action>UPSERT</Action>");
        route53_write(&request.body, record);
        text_put(&request.body, "</Change>");
    }
    text_put(&request.body, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
    step_call(step, &request, on_changed);
}

static const struct step_permission permissions[] = {
    {"route53:ListHostedZonesByName", "{zone_search}"},
    {"route53:ListResourceRecordSets", "arn:{partition}:route53:::hostedzone/{zone_id}"},
    {"route53:ChangeResourceRecordSets", "arn:{partition}:route53:::hostedzone/{zone_id}"},
    {"route53:GetChange", "arn:{partition}:route53:::change/*"},
    {0},
};

const struct step_kind step_route53_upsert = {.type = "route53.upsert",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = 10 * 60 * 1000};
