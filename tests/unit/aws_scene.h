/* Somebody who calls an AWS that the test plays. */
#pragma once

#include "failover/aws/call.h"

#include "tests/unit/played_http.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define SCENE_REGION "us-west-2"

struct aws_scene {
    struct loop loop;
    struct http_client *client;
    struct config *config;
    struct aws *aws;
    struct played_http *server;
    unsigned done, freed;
    enum aws_result result;
    unsigned status;
    char code[128], message[512], request_id[128], words[2048];
    cJSON *body; /* a copy */
};

int aws_scene_set_up(void **state);
int aws_scene_tear_down(void **state);

/* A server with this script; from here on it is every service's endpoint. */
void aws_scene_play(struct aws_scene *scene, const struct played_answer *answers, size_t count);

struct aws_call *aws_scene_start(
    struct aws_scene *scene, struct aws_request request, unsigned budget_ms);

/* Until one more call is done, or more than one. */
void aws_scene_run(struct aws_scene *scene);
/* Both. */
void aws_scene_call(struct aws_scene *scene, struct aws_request request, unsigned budget_ms);

/* Until the server was asked so many times. */
void aws_scene_wait_asked(struct aws_scene *scene, size_t count);

/* A query that reads, and one that acts. */
struct aws_request aws_scene_read(void);
struct aws_request aws_scene_act(void);

#define AWS_TEST(name) cmocka_unit_test_setup_teardown(name, aws_scene_set_up, aws_scene_tear_down)
