/* A client that signs (auth_scene.h), two stores of one's own (path-style, plain HTTP), and the
 * plan for its request. It is 2026-11-23T12:00:00Z. */
#pragma once

#include "tests/unit/auth_scene.h"
#include "tests/unit/bucket_scene.h"

#include "proxy/gateway/plan.h"

#define EU_STORE "127.0.0.1:7070"
#define US_STORE "127.0.0.2:7070"

struct plan_scene {
    struct auth_scene *auth;
    struct config *config;
    struct view_endpoint endpoints[2];
    struct view view;
    struct planner planner;
    struct http_head request;
    struct plan plan;
    bool is_local; /* the client */
};

/* For cmocka: `*state` is a scene in which eu-west-1 is active, or us-west-2. */
int plan_scene_set_up(void **state);
int plan_scene_set_up_moved(void **state);
int plan_scene_set_up_host_signs(void **state); /* and moved; the host's key is ASIAEXAMPLE */
int plan_scene_tear_down(void **state);

/* A request that is not signed yet, as the last one's headers of auth_scene.h. */
void plan_scene_request(
    struct plan_scene *scene, const char *method, const char *host, const char *target);

/* Makes the plan for what the client has now; `is_collected`: with its body. */
void plan_scene_ask(struct plan_scene *scene, const char *body, bool is_collected);

/* The same with the first bytes of a body (NULL: none of it was read) that `rest` more follow. */
void plan_scene_ask_part(struct plan_scene *scene, const char *body, size_t rest);

void plan_scene_expect_refusal(struct plan_scene *scene, unsigned status, const char *code);

/* What is sent: a header's value; empty: it is not there. */
struct span plan_scene_sent(const struct plan_scene *scene, const char *name);
