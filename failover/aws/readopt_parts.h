/* What the files of readopt share.
 *
 *     readopt.c        who is to be the replica of whom, one after the other, the rows
 *     readopt_pair.c   one pair of instances: look, rename, create
 *     readopt_global.c a global cluster of Aurora: look */
#pragma once

#include "failover/aws/readopt.h"

#define READOPT_BUDGET_MS 10000
#define READOPT_ID_SIZE 64 /* RDS: 63 letters, digits and hyphens */

/* What is primary now, and what is to be its replica. Names are the configuration's. */
struct readopt_pair {
    const struct state_group *group;
    const char *primary, *replica;    /* instances, or clusters' ARNs; NULL: not known */
    const char *global;               /* the global cluster that both are of; NULL: instances */
    char old[READOPT_ID_SIZE];        /* what an old primary in the replica's place is renamed to */
    char *primary_arn;                /* found out meanwhile */
    cJSON *old_instance;              /* the renamed one, as RDS shows it; NULL: there is none */
    const char *status;               /* of its row */
    char words[STATE_DETAIL_MAX + 1]; /* likewise */
};

struct readopt {
    struct readopt_options options;
    char *region;
    struct config *config;
    struct state *state; /* as it was */
    readopted *done;
    void *context;
    struct readopt_pair *pairs;
    size_t count, current;
    struct aws_call *call;
    uv_timer_t timer; /* to the next pair, and out of the caller's stack */
};

/* The current pair's. Ends with readopt_end. */
void readopt_look_at_pair(struct readopt *readopt);
void readopt_look_at_global(struct readopt *readopt);

struct readopt_pair *readopt_current(struct readopt *readopt);
void readopt_call(struct readopt *readopt, struct aws_request *request, aws_done *replied);
/* Ends the current pair, with AWS's words after ours where `reply` is given. */
void readopt_end(struct readopt *readopt, const char *status, const struct aws_reply *reply,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
