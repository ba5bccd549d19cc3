/* A step whose host is the test: it says what AWS answers, in order, and sees what was asked and
 * how the look or act ended. */
#pragma once

#include "failover/aws/step.h"

#define RDS_SCENE_CALLS 8

struct rds_scene {
    struct step_host host;
    struct step step;
    struct config_step given;
    cJSON *parameters;

    /* What AWS answers next. */
    struct rds_scene_answer {
        enum aws_result result;
        cJSON *tree;
        const char *code, *message;
    } answers[RDS_SCENE_CALLS];
    unsigned answer_count, answered;

    /* What was asked of it: "ACTION REGION FORM", the form as it goes out. */
    char asked[RDS_SCENE_CALLS][1024];
    unsigned asked_count;
    uint64_t date_s; /* AWS's clock; 0: its replies do not say */
    step_replied *pending;

    bool ended;
    enum step_end end;
    char words[STATE_DETAIL_MAX + 1];
    char code[64];  /* AWS's, where the end had it */
    int64_t lag_ms; /* -1: not set */
};

/* A step of `type` in us-west-2's runbook, in a failover away from eu-west-1. */
struct rds_scene *rds_scene_new(const char *type, const char *parameters);
void rds_scene_free(struct rds_scene *scene);

void rds_scene_answer(struct rds_scene *scene, const char *xml);
void rds_scene_refuse(struct rds_scene *scene, const char *code, const char *message);
void rds_scene_silence(struct rds_scene *scene); /* trouble: no answer, budget used up */

/* All answers must be used up; how it ended. */
enum step_end rds_scene_look(struct rds_scene *scene);
enum step_end rds_scene_act(struct rds_scene *scene);

/* Whether call `number` (from 0) of the last look or act has that in it. */
void rds_scene_assert_asked(struct rds_scene *scene, unsigned number, const char *part);
void rds_scene_assert_words(struct rds_scene *scene, const char *part);

/* DescribeDBInstances' reply of one. `more` are elements besides those of every instance. */
const char *rds_scene_instance(
    const char *id, const char *class, const char *status, const char *more);
#define REPLICA_OF(source, status, normal)                                                         \
    "<ReadReplicaSourceDBInstanceIdentifier>" source "</ReadReplicaSourceDBInstanceIdentifier>"    \
    "<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>"                 \
    "<Status>" status "</Status><Normal>" normal "</Normal></DBInstanceStatusInfo></StatusInfos>"

/* GetMetricStatistics' reply. */
struct rds_scene_lag {
    int64_t ago_s; /* when the minute began */
    const char *maximum, *minimum;
};
const char *rds_scene_lags(const struct rds_scene_lag *lags, size_t count);

extern const char rds_scene_accepted[]; /* an act's reply */
