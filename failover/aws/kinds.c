/* All types of steps that there are. */
#include "failover/aws/step.h"

extern const struct step_kind autoscaling_refresh;
extern const struct step_kind autoscaling_scale;
extern const struct step_kind cloudformation_deploy;
extern const struct step_kind cloudwatch_wait;
extern const struct step_kind codedeploy_deploy;
extern const struct step_kind ec2_start;
extern const struct step_kind ecs_scale;
extern const struct step_kind elbv2_wait_healthy;
extern const struct step_kind rds_create_read_replica;
extern const struct step_kind rds_failover_global_cluster;
extern const struct step_kind rds_fence_old_primary;
extern const struct step_kind rds_modify;
extern const struct step_kind rds_promote_read_replica;
extern const struct step_kind rds_switchover_global_cluster;
extern const struct step_kind rds_wait_caught_up;
extern const struct step_kind ssm_run;
extern const struct step_kind step_approve;
extern const struct step_kind step_exec;
extern const struct step_kind step_fence;
extern const struct step_kind step_route53_upsert;
extern const struct step_kind step_s3_check_replication;
extern const struct step_kind step_s3_put_replication;
extern const struct step_kind step_switch;

const struct step_kind *const step_kinds[] = {
    &autoscaling_refresh,
    &autoscaling_scale,
    &cloudformation_deploy,
    &cloudwatch_wait,
    &codedeploy_deploy,
    &ec2_start,
    &ecs_scale,
    &elbv2_wait_healthy,
    &rds_create_read_replica,
    &rds_failover_global_cluster,
    &rds_fence_old_primary,
    &rds_modify,
    &rds_promote_read_replica,
    &rds_switchover_global_cluster,
    &rds_wait_caught_up,
    &ssm_run,
    &step_approve,
    &step_exec,
    &step_fence,
    &step_route53_upsert,
    &step_s3_check_replication,
    &step_s3_put_replication,
    &step_switch,
    NULL,
};
