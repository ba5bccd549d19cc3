/* What the kinds of RDS share: one instance as DescribeDBInstances shows it, and what its status
 * means for somebody who waits.
 *
 * On the good day an instance is found, its status is one that it can work in, and the kind
 * compares the rest with its goal. An instance that is not there, or whose status it will not leave
 * by itself, ends the step in words. */
#pragma once

#include "failover/aws/step.h"

enum rds_status {
    RDS_READY,   /* available, or as good */
    RDS_PASSING, /* on its way: wait */
    RDS_LOST     /* nobody waits it out */
};
enum rds_status rds_status(const char *status);

/* Borrowed from the reply. */
struct rds_instance {
    const char *id, *arn, *class, *engine;
    const char *status_text; /* never NULL */
    enum rds_status status;
    const char *source; /* a replica's: an id, or an ARN across regions; NULL: it is none */
    bool multi_az;
    const char *trouble;         /* a replica's replication has ended: what it is instead; NULL */
    const char *trouble_message; /* AWS's words for it, or NULL */
    bool idle; /* a replica that RDS says does not replicate, ended or not begun */
    const cJSON *tree;
};

#define RDS_NOT_FOUND "DBInstanceNotFound"
#define RDS_EXISTS "DBInstanceAlreadyExists"
#define RDS_INVALID_STATE "InvalidDBInstanceState"
#define RDS_NO_CAPACITY "InsufficientDBInstanceCapacity"

/* DescribeDBInstances of one. `id` may be an ARN. */
struct aws_request rds_describe_request(const char *region, const char *id);
/* CreateDBInstanceReadReplica in `region`. `class` NULL: the source's. */
struct aws_request rds_create_replica_request(
    const char *region, const char *id, const char *source, const char *class);
/* Whether a refusal of it is about the source, and stays: it has no backups. */
bool rds_wants_backups(const struct aws_reply *reply);

void rds_describe(struct step *step, const char *region, const char *id, step_replied *replied);

/* False when the reply shows none; `ret->status_text` is "" then. */
bool rds_read(const struct aws_reply *reply, struct rds_instance *ret);

/* The same for a look of instance `id`: where there is none, or AWS refused to say, the step has
 * failed in words and false is returned. */
bool rds_found(struct step *step, const struct aws_reply *reply, const char *region, const char *id,
    struct rds_instance *ret);

/* Whether it can be waited for: an instance that is lost fails the step. */
bool rds_lives(struct step *step, const struct rds_instance *instance, const char *region);

/* Whether it stands alone; the members of an Aurora or Multi-AZ cluster fail the step. */
bool rds_is_single(struct step *step, const struct rds_instance *instance);

/* In a rehearsal, whether the region would be failed over to: the groups are known to be elsewhere.
 */
bool rds_is_standby(const struct step *step);

/* An act that RDS accepted is under way, however long it does not show: before some minutes are
 * over nobody asks for it again. `accepted_ms`: on the boot clock; 0: it was not, as far as is
 * known. */
bool rds_is_under_way(uint64_t accepted_ms);

bool rds_refused(const struct aws_reply *reply, const char *code);

/* Whether two names, each an id in its region or an ARN, are of the same instance. */
bool rds_is_same(const char *a, const char *a_region, const char *b, const char *b_region);

/* "orders" of "orders" and of "arn:aws:rds:eu-west-1:123456789012:db:orders". */
const char *rds_name(const char *id_or_arn);
/* The region of an ARN into `ret`; false when it is none. */
bool rds_arn_region(const char *arn, char *ret, size_t size);
