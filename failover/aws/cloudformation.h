/* What the parts of cloudformation.deploy share. */
#pragma once

#include "failover/aws/compute.h"

#define STACK_TOKEN "stack"

typedef void stack_known(struct step *step);

enum stack_result { STACK_UNKNOWN, STACK_BEGUN, STACK_SUCCEEDED, STACK_FAILED };

struct stack {
    bool exists;
    bool up_to_date;     /* AWS said that nothing is to be updated */
    bool accepted;       /* AWS took our operation */
    bool whole;          /* no operation failed, and its parameters are as asked */
    bool tells;          /* its events say whose they are */
    unsigned silent;     /* looks since then in which they do not */
    bool too_many;       /* names of parameters for `kept` */
    char kept[16 << 10]; /* names of the stack's parameters that the step does not give, each with
                            its NUL, an empty one at the end */
    size_t kept_size;

    enum step_end end; /* what the stack itself says: done, must or fail, */
    char words[400];   /* with these words */

    /* What its events say of our operation. */
    enum stack_result result;
    char first_failure[300]; /* "Web (AWS::AutoScaling::AutoScalingGroup): no capacity", or "" */
    unsigned pages;
    stack_known *known; /* what goes on then */
};

/* Reads the events of our operation into the step's memory, then goes on. */
void stack_read_events(struct step *step, stack_known *known);
/* CreateStack or UpdateStack. */
void stack_act(struct step *step);
