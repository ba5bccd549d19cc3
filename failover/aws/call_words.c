/* What people and the log hear of a call.
 *
 *     rds PromoteReadReplica in us-west-2: InvalidDBInstanceState: … (request 4f…)
 *     rds in us-west-2 does not answer: connection timed out after 20 s */
#include "failover/aws/call_parts.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

static uint64_t elapsed_ms(const struct aws_call *call)
{
    return clock_boot_ms() - call->started_ms;
}

/* AWS gave a reason, or somebody gave a status. */
static void say_reason(const struct aws_call *call, const char *doubt, char ret[AWS_WORDS_SIZE])
{
    const struct aws_wanted *wanted = &call->wanted;
    const struct aws_understood *last = &call->last;
    snprintf(ret, AWS_WORDS_SIZE, "%s %s in %s: %s%s%s%s%s%s%s", wanted->service->name,
        wanted->action, wanted->region, *last->code ? last->code : last->trouble,
        *last->code && *last->message ? ": " : "", *last->code ? last->message : "", doubt,
        *last->request_id ? " (request " : "", last->request_id, *last->request_id ? ")" : "");
}

static void say_silence(const struct aws_call *call, const char *doubt, char ret[AWS_WORDS_SIZE])
{
    const struct aws_wanted *wanted = &call->wanted;
    const struct aws_understood *last = &call->last;
    char after[32] = "";
    if (last->meaning != AWS_MEANS_HOPELESS)
        snprintf(after, sizeof after, " after %u s", (unsigned)((elapsed_ms(call) + 500) / 1000));
    if (*doubt)
        snprintf(ret, AWS_WORDS_SIZE, "%s %s in %s: %s%s%s", wanted->service->name, wanted->action,
            wanted->region, last->trouble, after, doubt);
    else
        snprintf(ret, AWS_WORDS_SIZE, "%s in %s does not answer: %s%s", wanted->service->name,
            wanted->region, last->trouble, after);
}

void aws_words(const struct aws_call *call, enum aws_result result, char ret[AWS_WORDS_SIZE])
{
    const struct aws_wanted *wanted = &call->wanted;
    const char *doubt = call->is_doubtful && result == AWS_TROUBLE ? "; it may have been done" : "";
    if (call->sent == 0)
        snprintf(ret, AWS_WORDS_SIZE, "%s %s in %s is not asked: %s", wanted->service->name,
            wanted->action, wanted->region, call->last.trouble);
    else if (call->last.status > 0)
        say_reason(call, doubt, ret);
    else
        say_silence(call, doubt, ret);
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

void aws_log(const struct aws_call *call, enum aws_result result)
{
    static const char *const outcomes[] = {"answered", "refused", "trouble"};
    const struct aws_understood *last = &call->last;
    log_event(result == AWS_TROUBLE ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "aws",
        LOG_TEXT("service", call->wanted.service->name), LOG_TEXT("action", call->wanted.action),
        LOG_TEXT("region", call->wanted.region), LOG_TEXT("outcome", outcomes[result]),
        LOG_NUMBER("status", last->status), LOG_TEXT("code", or_null(last->code)),
        LOG_TEXT("request", or_null(last->request_id)), LOG_TEXT("why", or_null(last->trouble)),
        LOG_NUMBER("tries", call->sent), LOG_NUMBER("ms", elapsed_ms(call)));
}
