/* The runbooks' steps: what every step takes, and what each type takes besides
 * (pilotlight.json(5), Steps). Parameters are checked here and stay JSON: who acts reads them. */
#include "config/check.h"

static const struct option text_element[] = {{"", OPTION_TEXT}, {0}};
static const struct option any_text_element[] = {{"", OPTION_TEXT, .least = "0"}, {0}};
static const struct option id_element[] = {{"", OPTION_ID}, {0}};

static const struct choice occasions[] = {{"failover", 0}, {"switchover", 1}, {"both", 2}, {0}};
static const struct choice reactions[] = {{"stop", 0}, {"continue", 1}, {0}};

const struct option config_step_options[] = {
    {"id", OPTION_ID, .required = true, INTO(struct config_step, id)},
    {"step", OPTION_TEXT, .required = true, INTO(struct config_step, type)},
    {"needs", OPTION_LIST, .most = "512", .members = id_element, .read = check_step_needs},
    {"groups", OPTION_LIST, .least = "1", .most = "64", .members = id_element,
        .read = check_step_groups},
    {"when", OPTION_CHOICE, JSON("both"), .choices = occasions},
    {"timeout", OPTION_DURATION, .least = "1ms", .most = "30d",
        INTO(struct config_step, timeout_ms)},
    {"on_failure", OPTION_CHOICE, .choices = reactions},
    {0},
};

static const struct option no_options[] = {{0}};

static const struct option approve_options[] = {{"message", OPTION_TEXT}, {0}};

static const struct option exec_options[] = {
    {"command", OPTION_LIST, .least = "1", .most = "1024", .required = true,
        .members = any_text_element},
    {"env", OPTION_MAP, .most = "1024", .members = any_text_element},
    {"once", OPTION_BOOLEAN, JSON(false)},
    {"promotes", OPTION_BOOLEAN, JSON(false)},
    {"reversible", OPTION_BOOLEAN, JSON(false)},
    {0},
};

static const struct option wait_caught_up_options[] = {
    {"instance", OPTION_TEXT, .required = true},
    {"max_lag", OPTION_DURATION, JSON("0s"), "0s", "30d"},
    {0},
};

static const struct option promote_read_replica_options[] = {
    {"instance", OPTION_TEXT, .required = true},
    {"backup_retention_days", OPTION_INTEGER, .least = "0", .most = "35"},
    {0},
};

static const struct option classes[] = {
    {"", OPTION_TEXT},
    {"", OPTION_LIST, .least = "1", .most = "64", .members = text_element},
    {0},
};

static const struct option modify_options[] = {
    {"instance", OPTION_TEXT, .required = true},
    {"class", OPTION_EITHER, .members = classes},
    {"multi_az", OPTION_BOOLEAN},
    {0},
};
static const char *const modify_some[] = {"class", "multi_az", NULL};

static const struct option create_read_replica_options[] = {
    {"source", OPTION_TEXT, .required = true},
    {"instance", OPTION_TEXT, .required = true},
    {"class", OPTION_TEXT},
    {"source_region", OPTION_REGION},
    {0},
};

static const struct option fence_old_primary_options[] = {
    {"instance", OPTION_TEXT, .required = true},
    {"region", OPTION_REGION},
    {"security_group", OPTION_TEXT},
    {0},
};

static const struct option global_cluster_options[] = {
    {"global_cluster", OPTION_TEXT, .required = true},
    {"target", OPTION_TEXT, .required = true},
    {0},
};

static const struct option autoscaling_scale_options[] = {
    {"group", OPTION_TEXT, .required = true},
    {"min", OPTION_INTEGER, .least = "0", .most = "100000"},
    {"desired", OPTION_INTEGER, .least = "0", .most = "100000"},
    {"max", OPTION_INTEGER, .least = "0", .most = "100000"},
    {0},
};
static const char *const autoscaling_scale_some[] = {"min", "desired", "max", NULL};

static const struct option autoscaling_refresh_options[] = {
    {"group", OPTION_TEXT, .required = true},
    {0},
};

static const struct option ec2_start_options[] = {
    {"instances", OPTION_LIST, .least = "1", .most = "1000", .members = text_element},
    {"tags", OPTION_MAP, .least = "1", .most = "50", .members = text_element},
    {0},
};
static const char *const ec2_start_one[] = {"instances", "tags", NULL};

static const struct option wait_healthy_options[] = {
    {"target_group", OPTION_TEXT, .required = true},
    {"count", OPTION_INTEGER, JSON(1), "1", "100000"},
    {0},
};

static const struct option ecs_scale_options[] = {
    {"cluster", OPTION_TEXT, JSON("default")},
    {"service", OPTION_TEXT, .required = true},
    {"desired", OPTION_INTEGER, .least = "0", .most = "100000", .required = true},
    {0},
};

static const struct option cloudformation_options[] = {
    {"stack", OPTION_TEXT, .required = true},
    {"template_url", OPTION_URL},
    {"parameters", OPTION_MAP, .most = "200", .members = any_text_element},
    {0},
};

static const struct option revision_options[] = {
    {"bucket", OPTION_TEXT, .required = true},
    {"key", OPTION_TEXT, .required = true},
    {"bundle_type", OPTION_TEXT},
    {"version", OPTION_TEXT},
    {"etag", OPTION_TEXT},
    {0},
};

static const struct option revisions[] = {
    {"", OPTION_TEXT},
    {"", OPTION_OBJECT, .members = revision_options},
    {0},
};

static const struct option codedeploy_options[] = {
    {"application", OPTION_TEXT, .required = true},
    {"deployment_group", OPTION_TEXT, .required = true},
    {"revision", OPTION_EITHER, .members = revisions},
    {0},
};

static const struct option ssm_target_options[] = {
    {"key", OPTION_TEXT, .required = true},
    {"values", OPTION_LIST, .least = "1", .most = "50", .required = true, .members = text_element},
    {0},
};
static const struct option ssm_target[] = {
    {"", OPTION_TEXT},
    {"", OPTION_OBJECT, .members = ssm_target_options},
    {0},
};
static const struct option ssm_target_element[] = {
    {"", OPTION_EITHER, .members = ssm_target},
    {0},
};
static const struct option ssm_values[] = {
    {"", OPTION_TEXT, .least = "0"},
    {"", OPTION_LIST, .most = "1000", .members = any_text_element},
    {0},
};
static const struct option ssm_values_element[] = {
    {"", OPTION_EITHER, .members = ssm_values},
    {0},
};

static const struct option ssm_options[] = {
    {"document", OPTION_TEXT, .required = true},
    {"targets", OPTION_LIST, .least = "1", .most = "50", .required = true,
        .members = ssm_target_element},
    {"parameters", OPTION_MAP, .most = "200", .members = ssm_values_element},
    {0},
};

/* Route 53 counts in seconds; the rest of the file writes durations. Both are understood. */
static const struct option record_ttl[] = {
    {"", OPTION_INTEGER, .least = "0", .most = "2147483647"},
    {"", OPTION_SECONDS, .least = "0s", .most = "30d"},
    {0},
};
static const struct option record_options[] = {
    {"name", OPTION_TEXT, .required = true},
    {"type", OPTION_TEXT, .required = true},
    {"ttl", OPTION_EITHER, .required = true, .members = record_ttl},
    {"values", OPTION_LIST, .least = "1", .most = "400", .required = true, .members = text_element},
    {0},
};
static const struct option record_element[] = {
    {"", OPTION_OBJECT, .members = record_options},
    {0},
};

static const struct option route53_options[] = {
    {"zone", OPTION_TEXT, .required = true},
    {"records", OPTION_LIST, .least = "1", .most = "1000", .required = true,
        .members = record_element},
    {0},
};

static const struct option s3_options[] = {
    {"bucket", OPTION_TEXT, .required = true},
    {"rule", OPTION_TEXT},
    {0},
};

static const struct option metric_options[] = {
    {"namespace", OPTION_TEXT, .required = true},
    {"name", OPTION_TEXT, .required = true},
    {"dimensions", OPTION_MAP, .most = "30", .members = text_element},
    {"statistic", OPTION_TEXT},
    {"period", OPTION_DURATION, .least = "1s", .most = "1d"},
    {0},
};
static const struct option metrics[] = {
    {"", OPTION_TEXT},
    {"", OPTION_OBJECT, .members = metric_options},
    {0},
};

static const struct option cloudwatch_options[] = {
    {"metric", OPTION_EITHER, .required = true, .members = metrics},
    {"below", OPTION_NUMBER},
    {"above", OPTION_NUMBER},
    {0},
};
static const char *const cloudwatch_one[] = {"below", "above", NULL};

const struct step_type config_step_types[] = {
    {"fence", no_options},
    {"switch", no_options},
    {"approve", approve_options},
    {"exec", exec_options},
    {"rds.wait_caught_up", wait_caught_up_options},
    {"rds.promote_read_replica", promote_read_replica_options, .promotes = true},
    {"rds.modify", modify_options, .some_of = modify_some},
    {"rds.create_read_replica", create_read_replica_options},
    {"rds.fence_old_primary", fence_old_primary_options},
    {"rds.failover_global_cluster", global_cluster_options, .promotes = true},
    {"rds.switchover_global_cluster", global_cluster_options, .promotes = true},
    {"autoscaling.scale", autoscaling_scale_options, .some_of = autoscaling_scale_some},
    {"autoscaling.refresh", autoscaling_refresh_options},
    {"ec2.start", ec2_start_options, .one_of = ec2_start_one},
    {"elbv2.wait_healthy", wait_healthy_options},
    {"ecs.scale", ecs_scale_options},
    {"cloudformation.deploy", cloudformation_options},
    {"codedeploy.deploy", codedeploy_options},
    {"ssm.run", ssm_options},
    {"route53.upsert", route53_options, .continues = true},
    {"s3.check_replication", s3_options},
    {"s3.put_replication", s3_options},
    {"cloudwatch.wait", cloudwatch_options, .one_of = cloudwatch_one},
    {0},
};
