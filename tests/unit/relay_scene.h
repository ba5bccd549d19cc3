/* A real relay with its threads between clients and targets that a test plays.
 *
 * One endpoint, "db" in the group "data", targets in "eu" (home) and "us": listening sockets of the
 * scene, on which the test accepts when it likes. The test's own thread is the main loop. */
#pragma once

#include "proxy/relay/relay_parts.h"
#include "tests/unit/fake_border.h"
#include "tests/unit/fake_lookup.h"
#include "tests/unit/fake_writable.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { EU, US, SIDES };

struct relay_scene_options {
    unsigned threads;  /* 0: one */
    const char *relay; /* further members of "relay", each behind a comma */
    bool named;        /* targets are names, "eu.test" and "us.test", known to the lookup */
    int backlog;       /* of the targets; 0: plenty */
};

struct relay_scene {
    struct relay_scene_options options;
    struct loop loop;
    struct fake_lookup lookup;
    struct config *config;
    struct state *state;
    struct announce *announce;
    struct relay *relay;
    struct address address, target_addresses[SIDES];
    int targets[SIDES]; /* -1: closed by the test */
    bool planned;       /* what fences is a switchover */
    bool cuts;          /* a fence that goes on to the other region at once */
    bool published;     /* the last view is acknowledged by every loop */
    unsigned ended;     /* how often the relay told of an end in a drain */
};

/* With the first view published. */
void relay_scene_init(struct relay_scene *scene, struct relay_scene_options options);
/* The same without any view yet. */
void relay_scene_prepare(struct relay_scene *scene, struct relay_scene_options options);
void relay_scene_fini(struct relay_scene *scene);
/* The relay alone is stopped: `relay` is NULL then. */
void relay_scene_stop(struct relay_scene *scene);

/* Changes the record and publishes its view; `_begin` does not wait for the last loop. */
void relay_scene_fence(struct relay_scene *scene);
void relay_scene_fence_begin(struct relay_scene *scene);
void relay_scene_open(struct relay_scene *scene, int side);
void relay_scene_publish(struct relay_scene *scene);
void relay_scene_wait(struct relay_scene *scene); /* for what was begun */
/* Another configuration is in force from the next view on: "db" with these targets. */
void relay_scene_retarget(struct relay_scene *scene, const char *eu, const char *us);

struct relays_numbers relay_scene_numbers(struct relay_scene *scene);

/* On a loop of the relay, while the test waits. */
void relay_scene_visit(struct relay_scene *scene, size_t worker, loop_call *call, void *context);
/* Everything that the kernel knew of when this was called has been seen by every loop. */
void relay_scene_settle(struct relay_scene *scene);
struct point *relay_scene_point(struct relay_scene *scene, size_t worker); /* for visits */

/* Sockets of the test's own: blocking, with a deadline. */
int client_new(struct relay_scene *scene);
int target_accept(struct relay_scene *scene, int side);
bool target_is_asked(struct relay_scene *scene, int side); /* somebody waits to be accepted */
void pair_new(struct relay_scene *scene, int side, int *ret_client, int *ret_target);
struct address address_of(int fd);
int listen_at(struct address address, int backlog); /* with its port, or one of the kernel's */
struct address own_address(unsigned number, uint16_t port);

void say(int fd, const char *text);
void hear(int fd, const char *text);
void hear_end(int fd);
void hear_reset(int fd); /* after whatever else is said */
void reset(int fd);      /* ends it so */

bool deadline_is_over(struct relay_scene *scene, uint64_t started_ms);
uint64_t now_ms(void);

/* Runs the main loop until it is true. */
#define AWAIT(scene, condition)                                                                    \
    do {                                                                                           \
        uint64_t awaited_since_ms = now_ms();                                                      \
        while (!(condition) && !deadline_is_over(scene, awaited_since_ms))                         \
            continue;                                                                              \
        assert_true(condition);                                                                    \
    } while (0)
