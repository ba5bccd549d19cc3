#include "tests/unit/credentials_scene.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *look_up(void *context, const char *name)
{
    struct credentials_scene *scene = context;
    for (size_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->names[i], name) == 0)
            return scene->values[i];
    }
    return NULL;
}

static uint64_t tell_time(void *context)
{
    struct credentials_scene *scene = context;
    return scene->now_s;
}

void credentials_scene_init(struct credentials_scene *scene)
{
    *scene = (struct credentials_scene){.now_s = SCENE_NOW_S};
    strcpy(scene->folder, "/tmp/credentials-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    scene->options.world =
        (struct credentials_world){.environment = look_up, .now_s = tell_time, .context = scene};
    char *shared = memory_format("%s/credentials", scene->folder);
    char *config = memory_format("%s/config", scene->folder);
    credentials_scene_set(scene, "AWS_SHARED_CREDENTIALS_FILE", shared);
    credentials_scene_set(scene, "AWS_CONFIG_FILE", config);
    free(shared);
    free(config);
}

void credentials_scene_fini(struct credentials_scene *scene)
{
    static const char *const names[] = {"credentials", "config", "token"};
    for (size_t i = 0; i < 3; i++) {
        char *path = memory_format("%s/%s", scene->folder, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(scene->folder);
    for (size_t i = 0; i < scene->count; i++) {
        free(scene->names[i]);
        free(scene->values[i]);
    }
}

void credentials_scene_set(struct credentials_scene *scene, const char *name, const char *value)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->names[i], name) == 0) {
            free(scene->values[i]);
            scene->values[i] = memory_text(value);
            return;
        }
    }
    assert_true(scene->count < SCENE_VARIABLES_MOST);
    scene->names[scene->count] = memory_text(name);
    scene->values[scene->count++] = memory_text(value);
}

char *credentials_scene_write(struct credentials_scene *scene, const char *name, const char *text)
{
    char *path = memory_format("%s/%s", scene->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}
