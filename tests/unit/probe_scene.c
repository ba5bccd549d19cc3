#include "tests/unit/probe_scene.h"

#include "tests/unit/sample.h"

static void give_answer(void *context)
{
    struct probe_lookup *fake = context;
    fake->done(fake->context, fake->status, &fake->answer);
}

static void start_lookup(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_done *done, void *context)
{
    (void)name;
    struct probe_lookup *fake = (struct probe_lookup *)lookup;
    fake->asked++;
    fake->done = done;
    fake->context = context;
    if (!fake->silent)
        loop_post(home, give_answer, fake);
}

void probe_scene_init(struct probe_scene *scene, enum config_probe_type type, const char *user,
    const struct script *const *scripts)
{
    struct failure why;
    *scene = (struct probe_scene){.lookup = {.lookup = {.start = start_lookup}},
        .config = {.references = 1, .endpoints = &scene->endpoint, .endpoint_count = 1},
        .endpoint = {.id = (char *)(uintptr_t) "db", .relay = &scene->relay},
        .relay = {.probe = type, .probe_user = (char *)(uintptr_t)user},
        .target = {.text = (char *)(uintptr_t) "db.test", .is_address = true}};
    assert_int_equal(writable_prepare(type, &why), 0);
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    for (unsigned i = 0; scripts[i]; i++)
        scene->server.scripts[i] = scripts[i];
    scripted_server_start(&scene->server, &scene->loop, "127.0.0.1");
    scene->target.port = scene->server.port;
    assert_true(address_parse_ip("127.0.0.1", &scene->target.address));
}

void probe_scene_name(struct probe_scene *scene, const char *const *ips)
{
    scene->target.is_address = false;
    assert_true(name_from_text("db.test", &scene->target.name));
    for (; *ips; ips++)
        assert_true(
            address_parse_ip(*ips, &scene->lookup.answer.addresses[scene->lookup.answer.count++]));
}

void probe_scene_answer(struct probe_scene *scene)
{
    loop_post(&scene->loop, give_answer, &scene->lookup);
}

static void on_done(void *context)
{
    struct probe_scene *scene = context;
    assert_false(scene->done);
    scene->done = true;
}

void probe_scene_start(struct probe_scene *scene)
{
    scene->writable = writable_start(&scene->loop, &scene->lookup.lookup, &scene->config,
        &scene->endpoint, &scene->target, on_done, scene);
    assert_string_equal(writable_words(scene->writable), "asking");
}

void probe_scene_fini(struct probe_scene *scene)
{
    writable_stop(scene->writable, NULL, NULL);
    scripted_server_stop(&scene->server);
    loop_fini(&scene->loop);
}

void probe_scene_wait_done(struct probe_scene *scene)
{
    run_until(&scene->loop, is_set, &scene->done);
}

static bool is_said(void *context)
{
    const struct probe_scene *scene = context;
    return strstr(writable_words(scene->writable), scene->wanted) != NULL;
}

void probe_scene_wait_words(struct probe_scene *scene, const char *words)
{
    scene->wanted = words;
    run_until(&scene->loop, is_said, scene);
}
