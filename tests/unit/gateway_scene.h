/* A real gateway with one thread between a client and an S3 that a test plays; what it decides
 * about a request is the test's own plan (fake_plan.c), by the request's path:
 *
 *     /…          goes on as it is to the active region's S3
 *     /filtered   both bodies become upper case, and end with "!"
 *     /collected  the request's body, at most 10 bytes, is read whole and sent within "<" and ">"
 *     /collected-at-home   likewise in the first region; in the other one it goes on as it is
 *     /form       likewise up to what came with its first ";", and the rest follows as it comes
 *     /refused    the request's body is refused once it has come beyond its first bytes
 *     /broken     the answer's body is
 *     /mapped     the answer's X-Name becomes "app's"; with X-Name: none it is refused
 *     /maybe-elsewhere   what is not there is asked of the other region's S3
 *     /answered   is answered 403, without S3 */
#pragma once

#include "proxy/gateway/gateway_parts.h"
#include "tests/unit/fake_lookup.h"
#include "tests/unit/unit.h"

enum { EU, US, SIDES };

struct gateway_scene {
    struct loop loop;
    struct fake_lookup lookup;
    struct config *config;
    struct state *state;
    struct announce *announce;
    struct gateway *gateway;
    struct address address, s3_addresses[SIDES];
    int s3[SIDES]; /* listening; -1: closed by the test */
    bool published;
};

void gateway_scene_init(struct gateway_scene *scene);
void gateway_scene_fini(struct gateway_scene *scene);
void gateway_scene_open(struct gateway_scene *scene, int side); /* the switch */

/* Of the first worker. */
uint64_t gateway_scene_error(struct gateway_scene *scene, enum gateway_error error);

/* Sockets of the test's own: blocking, with a deadline. */
int client_new(struct gateway_scene *scene);
int s3_accept(struct gateway_scene *scene, int side);
bool s3_is_asked(struct gateway_scene *scene, int side, int timeout_ms);
void say(int fd, const char *text);
void hear(int fd, const char *text);
void hear_head(int fd, char *ret, size_t room); /* to the empty line, and no byte more */
void hear_end(int fd);
void hear_reset(int fd);
void reset(int fd);
