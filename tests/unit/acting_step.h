/* A step whose host the test plays: it sees each call, answers it in AWS's own words, and sees how
 * the look or act ends. */
#pragma once

#include "failover/aws/step.h"

#include "tests/unit/unit.h"

#define ENDED_NOT (-1)

struct acting_step {
    struct step_host host;
    struct step step;
    struct config *config;
    struct config_step given;
    cJSON *parameters;
    /* The call that is under way. */
    step_replied *replied;
    struct aws_request request; /* path, query and body are copies */
    char path[256], query[512];
    char *body;
    unsigned calls;
    /* How it ended. */
    int end; /* enum step_end, or ENDED_NOT */
    char words[1024];
};

/* Of the runbook of us-west-2; `parameters`: the step as JSON. */
void acting_init(struct acting_step *acting, const struct step_kind *kind, const char *parameters);
void acting_fini(struct acting_step *acting);

void acting_look(struct acting_step *acting);
void acting_act(struct acting_step *acting);

/* The call is for this; its body, path or query has `part` somewhere. */
void acting_asks(struct acting_step *acting, const char *action, const char *part);
void acting_answers(struct acting_step *acting, const char *xml);
void acting_refuses(struct acting_step *acting, const char *code);
void acting_ends(struct acting_step *acting, enum step_end end, const char *words);
