/* A host at a moment, for tests of decisions: its configuration, its record, what it knows. */
#pragma once

#include "failover/decide.h"
#include "tests/unit/sample_config.h"
#include "tests/unit/unit.h"

struct scene {
    struct config *config;
    struct state *state; /* in force */
    struct world world;
    struct decision decision; /* the last one; its `next` is in force when it was to be written */
};

/* Everything at home in eu-west-1, nothing written yet, no runbook, no sidecar. For cmocka. */
int scene_setup(void **ret_scene);
int scene_teardown(void **scene);

#define EU "eu-west-1"
#define US "us-west-2"
#define AP "ap-south-1"

/* COMMAND(FAILOVER, .region = US, .switch_only = true, GROUPS("data")) */
#define COMMAND(command_kind, ...)                                                                 \
    (&(const struct command){                                                                      \
        .kind = COMMAND_##command_kind, .by = "alice", .id = "t-1", __VA_ARGS__})
#define GROUPS(...)                                                                                \
    .groups = (const char *[]){__VA_ARGS__},                                                       \
    .group_count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)
#define STEP(step_id, ...)                                                                         \
    COMMAND(STEP, .step = &(const struct transition_step){.id = step_id, __VA_ARGS__})

/* The command is decided, and what must hold for every decision is checked. */
void changes(struct scene *scene, const struct command *command); /* and comes into force */
void changes_nothing(struct scene *scene, const struct command *command);
/* Refused, with `words` somewhere in the text. */
void is_refused(
    struct scene *scene, const struct command *command, unsigned force_word, const char *words);
void is_wrong_usage(struct scene *scene, const struct command *command, const char *words);

void is_at(const struct scene *scene, const char *group, const char *region); /* and open */
void is_fenced_at(const struct scene *scene, const char *group, const char *region);
void fences_first(const struct scene *scene, const char *groups); /* "data legacy", in order */
const struct transition *last_of_history(const struct scene *scene);
void passes(struct scene *scene, uint64_t milliseconds);
