/* A call to one of AWS's control planes: signed, sent, sent again while that is safe, understood.
 *
 * On the good day a request goes to its service in its region, and a tree comes back. What does not
 * answer (no connection, a throttle, a 5xx) is asked again with jittered exponential backoff until
 * the call's budget is used up. A request that changes something is only sent again where AWS said
 * that it did nothing (a throttle, an expired signature) or where a token makes a second one
 * harmless: otherwise its outcome is not known, and the caller looks.
 *
 * Services are called at AWS_ENDPOINT_URL_<SERVICE>, `aws.endpoint_url`, AWS_ENDPOINT_URL, or AWS's
 * own host of the region, in this order. The server's `Date` corrects our clock's skew. Action,
 * region, AWS's code and request id go to the log; secrets and signatures never. */
#pragma once

#include "base/credentials.h"
#include "base/http_client.h"
#include "base/text.h"
#include "config/config.h"

#include <cjson/cJSON.h>

enum aws_protocol {
    AWS_QUERY,   /* a form goes in, XML comes back: RDS, Auto Scaling, EC2, … */
    AWS_JSON,    /* JSON 1.1 with X-Amz-Target: ECS, CodeDeploy, SSM */
    AWS_REST_XML /* method and path, XML both ways: Route 53, S3 */
};

struct aws_service {
    const char *name;         /* the endpoint's: "rds" in rds.us-west-2.amazonaws.com */
    const char *signing_name; /* in the signature's scope */
    const char *variable;     /* "RDS": AWS_ENDPOINT_URL_RDS */
    enum aws_protocol protocol;
    const char *version; /* AWS_QUERY: "2014-10-31"; AWS_JSON: the target's prefix */
    bool global;         /* one host for all regions, signed for us-east-1 */
};

extern const struct aws_service aws_rds, aws_cloudwatch, aws_autoscaling, aws_ec2, aws_elbv2,
    aws_ecs, aws_cloudformation, aws_codedeploy, aws_ssm, aws_route53, aws_s3, aws_sts, aws_iam;

/* What a reply in pages says of the next one; pages are put together into the first page's tree. */
struct aws_paging {
    const char *token;     /* where the reply has it: "Marker", "NextToken" */
    const char *parameter; /* what the next request calls it */
    const char *list;      /* path of the list that goes on */
};

struct aws_request {
    const struct aws_service *service;
    const char *region; /* whose */
    const char *action; /* "DescribeDBInstances"; of REST: for the log */
    struct text body;   /* a form without Action and Version, JSON, or XML; the call takes it */
    const char *method; /* AWS_REST_XML */
    const char *path;   /* AWS_REST_XML: raw, "/2013-04-01/hostedzone/Z1/rrset"; copied */
    const char *query;  /* AWS_REST_XML: raw, or NULL; copied */
    bool acts;          /* it changes something */
    bool repeatable;    /* a second one changes nothing more (a token, an upsert) */
    const struct aws_paging *paging; /* NULL: no pages; constant */
    const char *endpoint; /* a URL instead of the service's own; NULL: that one; copied */
    const char *resolve;  /* as in http_client_request; NULL: the system says; copied */
};

/* Adds "Name=Value" to a form, percent-encoded. */
void aws_form(struct text *form, const char *name, const char *value);
void aws_form_format(struct text *form, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum aws_result {
    AWS_ANSWERED,
    AWS_REFUSED, /* AWS said no, and did nothing */
    AWS_TROUBLE  /* no answer to go by, budget used up. One that acts may have acted */
};

/* Everything in it is gone after the call of `done`. */
struct aws_reply {
    enum aws_result result;
    unsigned status;        /* HTTP's; 0 when there was none */
    const cJSON *body;      /* AWS_ANSWERED: below <ActionResponse><ActionResult>; may be NULL */
    const char *code;       /* AWS_REFUSED: "DBInstanceNotFound", never NULL then */
    const char *message;    /* AWS's own words, or NULL */
    const char *request_id; /* or NULL */
    uint64_t date_s;        /* by AWS's clock, since 1970; 0: it did not say */
    const char *words; /* not AWS_ANSWERED: for people, with action, region, code, request id */
};

struct aws;
struct aws_call;
typedef void aws_done(void *context, const struct aws_reply *reply);

/* For runbooks of `region`: credentials are had by way of that region's STS, so that the failed one
 * is never needed. `client` outlives it; the configuration is referenced. */
struct aws *aws_new(
    struct loop *loop, struct http_client *client, struct config *config, const char *region);

/* By these credentials and no others; copied. */
struct aws *aws_new_as(struct loop *loop, struct http_client *client, struct config *config,
    const struct credential *credential);
void aws_free(struct aws *aws, loop_call *freed, void *context); /* NULL accepted */

/* Where a service is: "https://rds.us-west-2.amazonaws.com"; the caller's. */
char *aws_endpoint(const struct aws *aws, const struct aws_service *service, const char *region);

/* `done` runs later, exactly once, unless it is cancelled. Waits for credentials that are still
 * being looked for. `budget_ms`: for all tries together; 0: AWS_BUDGET_MS. The request's body is
 * taken, the rest copied. */
#define AWS_BUDGET_MS 20000
struct aws_call *aws_start(struct aws *aws, struct aws_request *request, unsigned budget_ms,
    aws_done *done, void *context);
void aws_cancel(struct aws_call *call); /* NULL accepted; an act may have happened */
