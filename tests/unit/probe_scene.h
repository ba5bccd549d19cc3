/* A database of a script, a resolver that knows what the test tells it, and somebody who asks
 * whether it is writable. */
#pragma once

#include "tests/unit/scripted_server.h"

#include "proxy/relay/writable.h"

#define TEXT_OF(literal)                                                                           \
    {                                                                                              \
        .data = (const uint8_t *)(literal), .size = sizeof(literal) - 1                            \
    }

struct probe_lookup {
    struct lookup lookup; /* first: it is the handle */
    bool silent;          /* keeps the question */
    int status;
    struct lookup_answer answer;
    unsigned asked;
    lookup_done *done;
    void *context;
};

struct probe_scene {
    struct loop loop;
    struct probe_lookup lookup;
    struct scripted_server server;
    struct config config; /* the scene's own reference is never given up */
    struct config_endpoint endpoint;
    struct config_relay relay;
    struct config_target target;
    struct writable *writable;
    bool done;
    const char *wanted; /* words */
};

/* The server follows `scripts` (NULL-terminated), one a connection, the last one for ever. With a
 * user the probe logs in. */
void probe_scene_init(struct probe_scene *scene, enum config_probe_type type, const char *user,
    const struct script *const *scripts);
void probe_scene_start(struct probe_scene *scene);
void probe_scene_fini(struct probe_scene *scene);

/* A name that answers these addresses, NULL-terminated, instead of the address. */
void probe_scene_name(struct probe_scene *scene, const char *const *ips);
void probe_scene_answer(struct probe_scene *scene); /* to a lookup that was silent */

/* Until it is writable; the words until then do not matter. */
void probe_scene_wait_done(struct probe_scene *scene);
/* Until these are among its words. */
void probe_scene_wait_words(struct probe_scene *scene, const char *words);
