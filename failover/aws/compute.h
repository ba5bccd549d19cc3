/* What the steps on machines and deployments have in common: requests in JSON, numbers and times in
 * replies, lists for people, and what is missing but may still come. */
#pragma once

#include "failover/aws/step.h"

/* The request's body; `object` is taken. */
void compute_json(struct text *body, cJSON *object);

/* A whole number of a reply, written as text (XML) or as a number (JSON). */
uint64_t compute_number(const cJSON *tree, const char *path, uint64_t fallback);

/* Seconds since 1970, of a time in XML ("2026-11-23T07:00:00Z") or JSON (1795417200.25). False when
 * there is none. */
bool compute_time(const cJSON *tree, const char *path, uint64_t *ret_s);

/* When this attempt began, less a minute in which AWS's clock and ours may differ. */
bool compute_began(const struct step *step, uint64_t *ret_s);

/* Whether AWS refused with this code. */
bool compute_refused(const struct aws_reply *reply, const char *code);
/* … and these words are in its message. */
bool compute_says(const struct aws_reply *reply, const char *words);

/* What the step is about is not there. When it is carried out that is a failure; before, an earlier
 * step may be what makes it. `reply` may be NULL. */
void compute_missing(struct step *step, const struct aws_reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "i-1 is pending, i-2 is pending and 7 more": as much as people read. Zero it to begin. */
struct compute_list {
    char text[256];
    unsigned left_out;
};
void compute_list_add(struct compute_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *compute_list_text(struct compute_list *list);
