/* Which services there are, and where.
 *
 * On the good day a service is at its own host in the region. Others' hosts (a test's, a VPC
 * endpoint's) come before, the most particular first, as in the SDKs. */
#include "failover/aws/call_parts.h"

#include "base/memory.h"

#include <stdlib.h>

const struct aws_service aws_rds = {"rds", "rds", "RDS", AWS_QUERY, "2014-10-31", false};
const struct aws_service aws_cloudwatch = {
    "monitoring", "monitoring", "CLOUDWATCH", AWS_QUERY, "2010-08-01", false};
const struct aws_service aws_autoscaling = {
    "autoscaling", "autoscaling", "AUTO_SCALING", AWS_QUERY, "2011-01-01", false};
const struct aws_service aws_ec2 = {"ec2", "ec2", "EC2", AWS_QUERY, "2016-11-15", false};
const struct aws_service aws_elbv2 = {"elasticloadbalancing", "elasticloadbalancing",
    "ELASTIC_LOAD_BALANCING_V2", AWS_QUERY, "2015-12-01", false};
const struct aws_service aws_ecs = {
    "ecs", "ecs", "ECS", AWS_JSON, "AmazonEC2ContainerServiceV20141113", false};
const struct aws_service aws_cloudformation = {
    "cloudformation", "cloudformation", "CLOUDFORMATION", AWS_QUERY, "2010-05-15", false};
const struct aws_service aws_codedeploy = {
    "codedeploy", "codedeploy", "CODEDEPLOY", AWS_JSON, "CodeDeploy_20141006", false};
const struct aws_service aws_ssm = {"ssm", "ssm", "SSM", AWS_JSON, "AmazonSSM", false};
const struct aws_service aws_route53 = {
    "route53", "route53", "ROUTE_53", AWS_REST_XML, "2013-04-01", true};
const struct aws_service aws_s3 = {"s3", "s3", "S3", AWS_REST_XML, "2006-03-01", false};
const struct aws_service aws_sts = {"sts", "sts", "STS", AWS_QUERY, "2011-06-15", false};
const struct aws_service aws_iam = {"iam", "iam", "IAM", AWS_QUERY, "2010-05-08", true};

/* "AWS service endpoints" and "Regions, Availability Zones and partitions" of the General
 * Reference: where the global ones are, and for which region they want to be signed for. */
static const struct {
    const char *regions; /* how the partition's begin */
    const struct aws_service *service;
    const char *host, *signing_region;
} global_hosts[] = {
    {"cn-", &aws_route53, "route53.amazonaws.com.cn", "cn-northwest-1"},
    {"cn-", &aws_iam, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
    {"us-gov-", &aws_route53, "route53.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-gov-", &aws_iam, "iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"", &aws_route53, "route53.amazonaws.com", "us-east-1"},
    {"", &aws_iam, "iam.amazonaws.com", "us-east-1"},
};

static size_t global_of(const struct aws_service *service, const char *region)
{
    size_t i = 0;
    while (global_hosts[i].service != service ||
           strncmp(region, global_hosts[i].regions, strlen(global_hosts[i].regions)) != 0)
        i++;
    return i;
}

const char *aws_signing_region(const struct aws_service *service, const char *region)
{
    return service->global ? global_hosts[global_of(service, region)].signing_region : region;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *given_endpoint(const struct aws *aws, const struct aws_service *service)
{
    char *variable = memory_format("AWS_ENDPOINT_URL_%s", service->variable);
    const char *given = environment(variable);
    free(variable);
    if (!given)
        given = aws->config->aws.endpoint_url;
    return given ? given : environment("AWS_ENDPOINT_URL");
}

char *aws_endpoint(const struct aws *aws, const struct aws_service *service, const char *region)
{
    const char *given = given_endpoint(aws, service);
    if (given)
        return memory_text(given);
    if (service->global)
        return memory_format("https://%s", global_hosts[global_of(service, region)].host);
    return memory_format("https://%s.%s.amazonaws.com%s", service->name, region,
        strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}
