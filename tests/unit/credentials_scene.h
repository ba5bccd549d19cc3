/* An environment and two files that the test writes, and a clock that it owns. */
#pragma once

#include "base/credentials_plan.h"

#include "tests/unit/unit.h"

#define SCENE_NOW_S 1795435200 /* 2026-11-23T12:00:00Z */
#define SCENE_VARIABLES_MOST 24

struct credentials_scene {
    char folder[64];
    char *names[SCENE_VARIABLES_MOST], *values[SCENE_VARIABLES_MOST];
    size_t count;
    uint64_t now_s;
    struct credentials_options options;
};

void credentials_scene_init(struct credentials_scene *scene);
void credentials_scene_fini(struct credentials_scene *scene);
void credentials_scene_set(struct credentials_scene *scene, const char *name, const char *value);

/* Writes a file into the scene's folder; "credentials" and "config" are those of the SDKs. The name
 * with its path is the caller's to free. */
char *credentials_scene_write(struct credentials_scene *scene, const char *name, const char *text);
