/* A step on machines or deployments, with a host that the test plays: it hears the step's calls,
 * answers in AWS's own texts, and sees how each look or act ends. */
#pragma once

#include "failover/aws/step.h"
#include "tests/unit/unit.h"

extern const struct step_kind autoscaling_refresh, autoscaling_scale, cloudformation_deploy,
    codedeploy_deploy, ec2_start, ecs_scale, elbv2_wait_healthy, ssm_run;

struct compute_scene {
    struct step_host host;
    struct step step;
    struct config config;
    struct config_runbook runbook;
    struct config_step given[2]; /* the step, and one that it may need */
    cJSON *parameters;

    const char *action; /* of the call under way; NULL: none */
    char *body;
    bool acts, repeatable;
    const struct aws_paging *paging;
    step_replied *replied;

    bool ended;
    enum step_end end;
    char words[STATE_DETAIL_MAX + 1];
    char code[64], request_id[64]; /* that the record gets */
};

/* In us-west-2, carried out, attempt 1 since 2026-11-23T07:00:00Z. */
void compute_scene_init(
    struct compute_scene *scene, const struct step_kind *kind, const char *parameters);
void compute_scene_fini(struct compute_scene *scene);
void restart(struct compute_scene *scene); /* a new process, which knows what is in the record */
void need_a_stack(struct compute_scene *scene); /* that an earlier step makes */
const char *token_of(struct compute_scene *scene, const char *what); /* static */

void look(struct compute_scene *scene);
void act(struct compute_scene *scene);

/* The call under way, its body has `part`; what AWS says to it. */
void hear(struct compute_scene *scene, const char *action, const char *part);
void hear_not(struct compute_scene *scene, const char *part);
void answer(struct compute_scene *scene, const char *text); /* XML or JSON */
__attribute__((format(printf, 2, 3))) void answer_format(
    struct compute_scene *scene, const char *format, ...);
void refuse(struct compute_scene *scene, const char *code, const char *message);
void lose(struct compute_scene *scene); /* no reply: the host ends it, the step hears nothing */

void assert_end(struct compute_scene *scene, enum step_end end, const char *part);
void assert_says(struct compute_scene *scene, const char *part);
