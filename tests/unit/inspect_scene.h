/* An inspection whose types of steps and whose AWS the test plays.
 *
 * Types: fence tells (which it must not), switch and autoscaling.refresh look without a call,
 * approve asks, rds.fence_old_primary and ecs.scale call "Describe". None of them may act. */
#pragma once

#include "failover/aws/inspect.h"

#include "base/json.h"
#include "tests/unit/sample.h"

#define CONFIG(steps)                                                                              \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {" SAMPLE_ENDPOINTS "},"         \
    " \"runbooks\": {\"us-west-2\": {\"steps\": [" steps "]}}}"
#define STEP(id, type, more) "{\"id\": \"" id "\", \"step\": \"" type "\"" more "}"
#define SWITCHES                                                                                   \
    STEP("s", "switch", ", \"groups\": [\"data\", \"relayed\"], \"needs\": [\"f\"]")               \
    "," STEP("f", "fence", ", \"groups\": [\"data\", \"relayed\"]")

#define SCALE(id) STEP(id, "ecs.scale", ", \"service\": \"" id "\", \"desired\": 1")

struct aws_call {
    aws_done *done;
    void *context;
    char action[64], body[2048];
    bool cancelled, answered;
};

struct inspect_scene {
    struct loop loop;
    struct config *config;
    struct inspection *inspection;
    cJSON *result;
    bool is_inspected, without_aws;
    unsigned look_ms, all_ms;
    struct aws_call calls[64]; /* all that were made */
    size_t call_count;
    unsigned cancelled, looking, most_looking;
};
extern struct inspect_scene scene;

int scene_setup(void **unused);
int scene_teardown(void **unused);
void begin(const char *config, enum step_purpose purpose);
void finish(void);

/* The first call for this that has no answer yet. */
struct aws_call *find_call(const char *action);
void answers(const char *action, const char *xml);
void refuses(const char *action, const char *words);
void has_trouble(const char *action);

const cJSON *step_row(int index);
void is_step(int index, const char *id, const char *status, const char *words);
/* There is a row of `ready` of this check with these words, and it has this status. */
void is_row(const char *check, const char *status, const char *words);

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
