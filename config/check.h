/* Inside config/: a check under way, the words it has collected, and the readers that the option
 * table names. Nobody outside this folder includes this. */
#pragma once

#include "config/config.h"
#include "config/options.h"

#define CHECK_NOTES_MAX 1000

struct check_note {
    const cJSON *where;
    char *key; /* a key of `where` that is missing; NULL: `where` itself */
    char *words;
};

struct check {
    struct config *config; /* being filled; of no use once there is a note */
    const cJSON *root;
    struct check_note *notes;
    size_t note_count;
    size_t left_out; /* notes beyond CHECK_NOTES_MAX */
};

/* Fills check->config from the tree and notes everything that is wrong with it. */
void check_all(struct check *check);
void check_fini(struct check *check); /* not the configuration */

/* A value that is wrong. The same words about the same value are noted once. */
void check_wrong(struct check *check, const cJSON *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A key that `object` should have. */
void check_missing(struct check *check, const cJSON *object, const char *key);

/* One value, and all of an object: unknown, repeated, missing keys, each value, the defaults.
 * `object` NULL is one that was left out: only defaults. */
void check_value(struct check *check, const struct option *option, const cJSON *value, void *base);
void check_object(struct check *check, const cJSON *object, const struct option *table, void *base);

/* Each element of a list or value of a map, where nothing is kept of them. */
void check_elements(struct check *check, const struct option *option, const cJSON *value);

/* The text of a value that must be a string; NULL is noted. */
const char *check_string(struct check *check, const cJSON *value);

/* The two halves of check_object, for objects whose keys stand in two tables (`more` may be NULL).
 * `of` says whose keys they are: "", or " of a step \"exec\"". */
void check_keys(struct check *check, const cJSON *object, const struct option *table,
    const struct option *more, const char *of);
void check_options(
    struct check *check, const cJSON *object, const struct option *table, void *base);

/* A region's index; CONFIG_NONE is noted, with the region that was probably meant (not where the
 * regions themselves are wrong). */
size_t check_region(struct check *check, const cJSON *where, const char *id);

option_reader check_regions, check_upstreams, check_routes;                /* lists.c */
option_reader check_allow, check_s3_endpoints, check_clients;              /* lists.c */
option_reader check_endpoints, check_endpoint_group, check_endpoint_names; /* endpoints.c */
option_reader check_endpoint_targets, check_endpoint_buckets;              /* endpoints.c */
option_reader check_endpoint_relay, check_on_switch;                       /* relay.c */
option_reader check_runbooks, check_steps;                                 /* runbook.c */
option_reader check_step_needs, check_step_groups;                         /* runbook.c */

/* Whether the regions' buckets are different ones (endpoints.c). */
void check_buckets(struct check *check);

/* What one endpoint's names and targets mean for all the others (names.c). */
void check_names(struct check *check);

/* No two servers on one address, no upstream or target that is ourselves (listeners.c). */
void check_listeners(struct check *check);

/* Whether a step calls a region that is not the runbook's (runbook.c). */
bool check_step_is_elsewhere(
    const struct check *check, const struct config_runbook *runbook, const cJSON *step);

/* Who must need whom in a runbook (pilotlight.json(5), Runbooks; graph.c). */
void check_graph(struct check *check, const struct config_runbook *runbook, const cJSON *steps);
