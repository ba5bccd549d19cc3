/* On the good day both buckets are there and keep versions, an enabled rule carries what is written
 * in the active region to the other, and another one back after a switch.
 *
 * What fails is what a switch would show the users: a bucket that is not there, or one that nothing
 * came to. What could not be seen from here (a right is missing, a store that is not AWS's, an
 * active region that is lost) is a warning: it makes the standby no less fit. */
#include "failover/aws/bucket_rule.h"

#include "base/memory.h"
#include "base/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY "(contrib/iam/gateway.json has the policy)"

void bucket_seen_fini(struct bucket_seen *seen)
{
    free(seen->there.words);
    free(seen->versioning.words);
    free(seen->replication.words);
    cJSON_Delete(seen->rules);
    *seen = (struct bucket_seen){.bucket = NULL};
}

/* -- replies -- */

static bool is_code(const struct aws_reply *reply, const char *code)
{
    return reply->code && strcmp(reply->code, code) == 0;
}

/* S3's "Error responses"; other stores have the status alone, or their own codes for it. */
static enum bucket_answer answer_of(const struct aws_reply *reply)
{
    bool is_redirect = reply->status >= 300 && reply->status < 400;
    if (reply->result == AWS_ANSWERED)
        return BUCKET_YES;
    if (reply->status == 501 || reply->status == 405 || is_code(reply, "NotImplemented") ||
        is_code(reply, "MethodNotAllowed"))
        return BUCKET_UNTOLD;
    if (reply->result == AWS_TROUBLE)
        return BUCKET_SILENT;
    if (is_redirect || is_code(reply, "AuthorizationHeaderMalformed"))
        return BUCKET_ELSEWHERE;
    return reply->status == 403 ? BUCKET_FORBIDDEN : BUCKET_ODD;
}

static void take(struct bucket_fact *fact, enum bucket_answer answer, const char *words)
{
    free(fact->words);
    *fact = (struct bucket_fact){.answer = answer, .words = memory_text(words)};
}

/* About the bucket itself, whatever was asked. */
static bool take_there(struct bucket_seen *seen, const struct aws_reply *reply)
{
    enum bucket_answer answer = answer_of(reply);
    if (is_code(reply, "NoSuchBucket"))
        answer = BUCKET_NO;
    else if (answer != BUCKET_ELSEWHERE && answer != BUCKET_SILENT)
        return true;
    take(&seen->there, answer, reply->words);
    return false;
}

bool bucket_take_versioning(struct bucket_seen *seen, const struct aws_reply *reply)
{
    enum bucket_answer answer = answer_of(reply);
    if (!take_there(seen, reply))
        return false;
    if (answer == BUCKET_YES) {
        const char *status = reply->body ? tree_text(reply->body, "Status") : NULL;
        if (!status || strcmp(status, "Enabled") != 0)
            answer = BUCKET_NO;
    }
    take(&seen->versioning, answer, reply->words);
    return true;
}

bool bucket_take_head(struct bucket_seen *seen, const struct aws_reply *reply)
{
    bool is_missing = reply->result == AWS_REFUSED && reply->status == 404;
    enum bucket_answer answer = is_missing ? BUCKET_NO : answer_of(reply);
    take(&seen->there, answer, reply->words);
    return answer != BUCKET_NO && answer != BUCKET_ELSEWHERE && answer != BUCKET_SILENT;
}

bool bucket_take_replication(struct bucket_seen *seen, const struct aws_reply *reply)
{
    enum bucket_answer answer = answer_of(reply);
    if (is_code(reply, "ReplicationConfigurationNotFoundError"))
        answer = BUCKET_NO;
    take(&seen->replication, answer, reply->words);
    if (answer == BUCKET_YES && reply->body)
        seen->rules = cJSON_Duplicate(reply->body, true);
    return answer == BUCKET_YES;
}

bool bucket_take_silence(struct bucket_seen *seen, const char *words)
{
    take(&seen->there, BUCKET_SILENT, words);
    return false;
}

/* -- rules -- */

bool bucket_rule_is_enabled(const cJSON *rule)
{
    const char *status = tree_text(rule, "Status");
    return status && strcmp(status, "Enabled") == 0;
}

const char *bucket_rule_id(const cJSON *rule)
{
    const char *id = tree_text(rule, "ID");
    return id ? id : "";
}

/* "arn:aws:s3:::assets-us" */
static bool is_to(const cJSON *rule, const char *destination)
{
    const char *arn = tree_text(rule, "Destination/Bucket"),
               *colon = arn ? strrchr(arn, ':') : NULL;
    return colon && strcmp(colon + 1, destination) == 0;
}

const cJSON *bucket_rule_to(const struct bucket_seen *seen, const char *destination)
{
    const cJSON *element, *found = NULL;
    cJSON_ArrayForEach(element, seen->rules)
    {
        if (!element->string || strcmp(element->string, "Rule") != 0 ||
            !is_to(element, destination))
            continue;
        if (!found || (!bucket_rule_is_enabled(found) && bucket_rule_is_enabled(element)))
            found = element;
    }
    return found;
}

/* -- verdicts -- */

__attribute__((format(printf, 3, 4))) static void say(
    struct bucket_verdict *verdict, enum ready_status status, const char *format, ...)
{
    va_list arguments;
    verdict->status = status;
    *verdict->advice = '\0';
    va_start(arguments, format);
    vsnprintf(verdict->words, sizeof verdict->words, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void advise(
    struct bucket_verdict *verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->advice, sizeof verdict->advice, format, arguments);
    va_end(arguments);
}

static const char *words_of(const struct bucket_fact *fact)
{
    return fact->words ? fact->words : "no reason was given";
}

/* A question that was neither answered with yes nor with no. `what` completes "whether …". */
static void say_unknown(const struct bucket_fact *fact, const char *what, const char *bucket,
    const char *right, struct bucket_verdict *ret)
{
    switch (fact->answer) {
    case BUCKET_NOT_ASKED:
        say(ret, READY_WARN, "nobody looked whether %s: there was no time left", what);
        advise(ret, "ask again");
        break;
    case BUCKET_FORBIDDEN:
        say(ret, READY_WARN, "this host's credentials may not see whether %s: %s", what,
            words_of(fact));
        advise(ret, "allow them %s on bucket %s " POLICY, right, bucket);
        break;
    case BUCKET_UNTOLD:
        say(ret, READY_WARN, "this store cannot tell whether %s", what);
        advise(ret, "look at it by the store's own means");
        break;
    default:
        say(ret, READY_WARN, "whether %s is not known: %s", what, words_of(fact));
        advise(ret, "see to what it says, and ask again");
        break;
    }
}

void bucket_judge_there(const struct bucket_seen *seen, struct bucket_verdict *ret)
{
    char what[384];
    switch (seen->there.answer) {
    case BUCKET_YES:
        say(ret, READY_PASS, "bucket %s is there in %s", seen->bucket, seen->region);
        break;
    case BUCKET_NO:
        say(ret, READY_FAIL, "there is no bucket %s in %s", seen->bucket, seen->region);
        advise(ret, "create it, or name the right one in the endpoint's buckets");
        break;
    case BUCKET_ELSEWHERE:
        say(ret, READY_FAIL, "bucket %s is not in %s: %s", seen->bucket, seen->region,
            words_of(&seen->there));
        advise(ret, "name a bucket of %s in the endpoint's buckets", seen->region);
        break;
    case BUCKET_SILENT:
        say(ret, READY_FAIL, "bucket %s could not be looked at: %s", seen->bucket,
            words_of(&seen->there));
        advise(ret, "see to S3 in %s and to the route there", seen->region);
        break;
    default:
        snprintf(what, sizeof what, "bucket %s is there in %s", seen->bucket, seen->region);
        say_unknown(&seen->there, what, seen->bucket, "s3:ListBucket", ret);
    }
}

/* It is not there, or nothing was heard of it: its first row says it. */
static bool is_out_of_sight(const struct bucket_seen *seen)
{
    enum bucket_answer there = seen->there.answer;
    return there == BUCKET_NO || there == BUCKET_ELSEWHERE || there == BUCKET_SILENT ||
           (there == BUCKET_NOT_ASKED && seen->versioning.answer == BUCKET_NOT_ASKED);
}

bool bucket_judge_versioning(const struct bucket_seen *seen, struct bucket_verdict *ret)
{
    char what[384];
    if (is_out_of_sight(seen))
        return false;
    snprintf(what, sizeof what, "versioning of bucket %s is enabled", seen->bucket);
    if (seen->versioning.answer == BUCKET_YES) {
        say(ret, READY_PASS, "%s", what);
    } else if (seen->versioning.answer == BUCKET_NO) {
        say(ret, READY_FAIL,
            "versioning of bucket %s is not enabled, and S3 replicates nothing "
            "from or to it",
            seen->bucket);
        advise(ret, "enable versioning on bucket %s in %s", seen->bucket, seen->region);
    } else {
        say_unknown(&seen->versioning, what, seen->bucket, "s3:GetBucketVersioning", ret);
    }
    return true;
}

static void judge_rule(const struct bucket_seen *from, const struct bucket_seen *to,
    const cJSON *rule, struct bucket_verdict *ret)
{
    if (!rule) {
        say(ret, READY_FAIL, "no replication rule of bucket %s leads to bucket %s", from->bucket,
            to->bucket);
        advise(ret,
            "add a rule in %s that replicates to arn:aws:s3:::%s; what is there already "
            "needs S3 Batch Replication",
            from->region, to->bucket);
    } else if (!bucket_rule_is_enabled(rule)) {
        say(ret, READY_FAIL, "replication rule \"%s\" from bucket %s to bucket %s is not enabled",
            bucket_rule_id(rule), from->bucket, to->bucket);
        advise(ret, "enable it; what was written meanwhile needs S3 Batch Replication");
    } else {
        say(ret, READY_PASS, "replication rule \"%s\" from bucket %s to bucket %s is enabled",
            bucket_rule_id(rule), from->bucket, to->bucket);
    }
}

static void judge_lag(const char *lag, bool is_behind, struct bucket_verdict *ret)
{
    if (ret->status != READY_PASS)
        return;
    if (lag)
        say(ret, is_behind ? READY_WARN : READY_PASS, "%s", lag);
    else
        snprintf(strchr(ret->words, '\0'), 64, "; what is pending is not known");
    if (is_behind)
        advise(ret, "until it has caught up, a switch leaves the last writes behind: see the "
                    "bucket's replication metrics and its failed operations");
}

void bucket_judge_replication(const struct bucket_seen *active, const struct bucket_seen *to,
    const char *lag, bool is_behind, struct bucket_verdict *ret)
{
    char what[640];
    snprintf(what, sizeof what, "bucket %s replicates to bucket %s", active->bucket, to->bucket);
    if (is_out_of_sight(active)) {
        say(ret, READY_WARN, "whether %s could not be looked at: %s", what,
            active->there.words ? active->there.words : "there was no time left");
        advise(ret,
            "ask again when bucket %s answers; after a switch without it, the last writes "
            "may be missing in %s",
            active->bucket, to->region);
    } else if (active->versioning.answer == BUCKET_NO) {
        say(ret, READY_FAIL, "bucket %s does not replicate: its versioning is not enabled",
            active->bucket);
        advise(ret, "enable versioning on bucket %s in %s, then add a rule to arn:aws:s3:::%s",
            active->bucket, active->region, to->bucket);
    } else if (active->replication.answer == BUCKET_YES ||
               active->replication.answer == BUCKET_NO) {
        judge_rule(active, to, bucket_rule_to(active, to->bucket), ret);
        judge_lag(lag, is_behind, ret);
    } else {
        say_unknown(
            &active->replication, what, active->bucket, "s3:GetReplicationConfiguration", ret);
    }
}

bool bucket_judge_failback(
    const struct bucket_seen *from, const struct bucket_seen *active, struct bucket_verdict *ret)
{
    char what[640];
    if (is_out_of_sight(from) || from->versioning.answer == BUCKET_NO)
        return false;
    snprintf(what, sizeof what, "bucket %s would replicate back to bucket %s", from->bucket,
        active->bucket);
    if (from->replication.answer == BUCKET_YES || from->replication.answer == BUCKET_NO) {
        judge_rule(from, active, bucket_rule_to(from, active->bucket), ret);
        if (ret->status == READY_FAIL)
            advise(ret,
                "for the way home, add or enable a rule from bucket %s to "
                "arn:aws:s3:::%s with replica modification sync",
                from->bucket, active->bucket);
        if (ret->status == READY_FAIL)
            ret->status = READY_WARN;
    } else {
        say_unknown(&from->replication, what, from->bucket, "s3:GetReplicationConfiguration", ret);
    }
    return true;
}
