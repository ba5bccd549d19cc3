/* A client that signs, and a gateway that knows its key. It is 2026-11-23T12:00:00Z. */
#pragma once

#include "base/sigv4_request.h"
#include "proxy/gateway/auth_post.h"

#include "tests/unit/unit.h"

#define SCENE_NOW_S 1795435200
#define SCENE_TIME "20261123T120000Z"
#define SCENE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCENE_HEADERS_MOST 24
#define SCENE_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

struct auth_scene {
    struct sigv4 sigv4;
    struct auth_keys keys;
    struct auth_rules rules;
    struct auth_request request;
    struct http_header headers[SCENE_HEADERS_MOST];
    struct text target, authorization;
    const char *access_key_id, *secret, *token; /* the client's */
    const char *time, *region, *service;
    struct auth auth; /* the last verdict */
};

/* For cmocka: `*state` is a scene with AKIDEXAMPLE (for good), ASIAEXAMPLE (with the token "token",
 * until an hour from now) and regions eu-west-1 and us-west-2. */
int auth_scene_set_up(void **state);
int auth_scene_tear_down(void **state);

/* A GET of `target` with host, x-amz-date and x-amz-content-sha256; not signed yet. */
void auth_scene_request(struct auth_scene *scene, const char *target);

/* Adds a header, or replaces it; NULL takes it away. The texts are borrowed. */
void auth_scene_set(struct auth_scene *scene, const char *name, const char *value);
void auth_scene_add(struct auth_scene *scene, const char *name, const char *value);

/* Signs the headers that `signed_headers` names (NULL: all that a client signs). */
void auth_scene_sign(struct auth_scene *scene, const char *signed_headers);

/* Signs the target, for `expires_s`. */
void auth_scene_presign(struct auth_scene *scene, unsigned expires_s);

/* Replaces `from` in the target or the Authorization header, once; it must be there. */
void auth_scene_tamper(struct auth_scene *scene, const char *from, const char *to);

void auth_scene_expect(struct auth_scene *scene, const struct auth_refusal *refusal);
void auth_scene_expect_verified(struct auth_scene *scene);
void auth_scene_expect_anonymous(struct auth_scene *scene);
