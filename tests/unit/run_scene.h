/* A step that is carried out: its kind says what the test wants, its daemon is the test's. */
#pragma once

#include "failover/aws/run.h"

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#include <string.h>

#define MOST 64

struct said {
    char method[16], status[24], detail[256];
    uint64_t attempt;
    bool irreversible;
    run_replied *replied;
    void *context;
    bool answered;
};

struct scene {
    struct loop loop;
    struct config *config;
    struct state *state;
    struct run *run;
    struct said said[MOST]; /* to the daemon */
    size_t said_count;
    int daemon; /* its exit status for what is asked now; -1: it keeps silent */
    bool over;
    enum step_end looks[MOST]; /* the last one for ever */
    size_t look, look_count;
    enum step_end act;
    unsigned acts, cancels;
    bool hangs;     /* a look does not end */
    bool act_hangs; /* nor does an act */
};

/* Looks late, as AWS does; never late; never twice; only done after three looks. */
extern const struct step_kind run_late, run_prompt, run_unrepeatable, run_careful;

int run_scene_setup(void **ret);
int run_scene_teardown(void **state);

/* Of us's runbook: "safe" (reversible, 300 ms), "final" (not reversible), "aws". */
struct run *run_scene_start(
    struct scene *scene, const struct step_kind *kind, const char *id, struct run_gate *gate);
void run_scene_begin(struct scene *scene, const struct step_kind *kind, const char *id,
    const enum step_end *looks, size_t count);
#define BEGIN(scene, kind, id, ...)                                                                \
    do {                                                                                           \
        const enum step_end list[] = {__VA_ARGS__};                                                \
        run_scene_begin((scene), (kind), (id), list, sizeof list / sizeof *list);                  \
    } while (0)

void run_scene_answer(void *said);                     /* by the daemon, as it is now */
void run_scene_turn(struct scene *scene, uint64_t ms); /* until it is over, at most */
struct transition_step *run_scene_recorded(struct scene *scene, const char *id);
const struct said *run_scene_last(const struct scene *scene);
