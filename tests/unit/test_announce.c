#include "base/memory.h"
#include "failover/announce.h"
#include "tests/unit/sample.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A loop with a thread that looks at its view whenever it has nothing else to do: a view freed
 * under it, or one it still reads after acknowledging the next, is what the sanitizers see. */
struct reader {
    struct loop loop;
    uv_idle_t idle;
    const struct view *view;
    atomic_uint_least64_t last_epoch; /* of the last look */
    atomic_bool hold;                 /* keeps acknowledgements until it is false again */
    struct acknowledgement *held;
};

struct scene {
    struct loop main_loop;
    struct announce *announce;
    struct reader readers[2];
    size_t reader_count;
    bool done;
};

static void look(struct reader *reader)
{
    atomic_store(&reader->last_epoch, reader->view->epoch);
}

static void on_idle(uv_idle_t *idle)
{
    struct reader *reader = idle->data;
    if (reader->view)
        look(reader);
    if (reader->held && !atomic_load(&reader->hold)) {
        announce_acknowledge(reader->held);
        reader->held = NULL;
    }
}

static void take(void *context, const struct view *view, struct acknowledgement *ack)
{
    struct reader *reader = context;
    reader->view = view;
    look(reader);
    if (atomic_load(&reader->hold))
        reader->held = ack;
    else
        announce_acknowledge(ack);
}

static void scene_init(struct scene *scene, size_t readers)
{
    *scene = (struct scene){.reader_count = readers};
    assert_int_equal(loop_init(&scene->main_loop, "main"), 0);
    scene->announce = announce_new(&scene->main_loop);
    for (size_t i = 0; i < readers; i++) {
        struct reader *reader = &scene->readers[i];
        assert_int_equal(loop_init(&reader->loop, "reader"), 0);
        reader->idle.data = reader;
        uv_idle_init(&reader->loop.uv, &reader->idle);
        uv_idle_start(&reader->idle, on_idle);
        announce_subscribe(scene->announce, &reader->loop, take, reader);
        assert_int_equal(loop_start(&reader->loop), 0);
    }
}

static void scene_fini(struct scene *scene)
{
    for (size_t i = 0; i < scene->reader_count; i++)
        loop_fini(&scene->readers[i].loop);
    announce_free(scene->announce);
    loop_fini(&scene->main_loop);
}

static void on_done(void *context)
{
    struct scene *scene = context;
    scene->done = true;
}

static struct view *view_of_epoch(uint64_t epoch)
{
    struct view *view = memory_new(sizeof *view);
    view->epoch = epoch;
    return view;
}

static void publish(struct scene *scene, uint64_t epoch)
{
    scene->done = false;
    announce_publish(scene->announce, view_of_epoch(epoch), on_done, scene);
}

static void without_subscribers_done_still_comes_later(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, 0);
    publish(&scene, 7);
    assert_false(scene.done);
    assert_true(announce_busy(scene.announce));
    run_until(&scene.main_loop, is_set, &scene.done);
    assert_false(announce_busy(scene.announce));
    assert_int_equal(announce_current(scene.announce)->epoch, 7);
    scene_fini(&scene);
}

static void every_loop_follows_each_view_before_done(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, 2);
    for (uint64_t epoch = 1; epoch <= 100; epoch++) {
        publish(&scene, epoch);
        run_until(&scene.main_loop, is_set, &scene.done);
        for (size_t i = 0; i < scene.reader_count; i++)
            assert_int_equal(atomic_load(&scene.readers[i].last_epoch), epoch);
        assert_int_equal(announce_current(scene.announce)->generation, epoch);
    }
    scene_fini(&scene);
}

static bool has_been_taken(void *context)
{
    struct scene *scene = context;
    for (size_t i = 0; i < scene->reader_count; i++) {
        if (atomic_load(&scene->readers[i].last_epoch) != 2)
            return false;
    }
    return true;
}

static void done_waits_for_the_last_acknowledgement(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, 2);
    publish(&scene, 1);
    run_until(&scene.main_loop, is_set, &scene.done);

    atomic_store(&scene.readers[1].hold, true);
    publish(&scene, 2);
    run_until(&scene.main_loop, has_been_taken, &scene);
    for (int turn = 0; turn < 10; turn++)
        uv_run(&scene.main_loop.uv, UV_RUN_NOWAIT);
    assert_false(scene.done);
    assert_true(announce_busy(scene.announce));

    atomic_store(&scene.readers[1].hold, false);
    run_until(&scene.main_loop, is_set, &scene.done);
    assert_false(announce_busy(scene.announce));
    scene_fini(&scene);
}

static void publish_the_second(void *context)
{
    publish(context, 2);
}

static bool second_is_done(void *context)
{
    struct scene *scene = context;
    return scene->done && announce_current(scene->announce)->epoch == 2;
}

static void the_next_view_may_be_published_from_done(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, 2);
    announce_publish(scene.announce, view_of_epoch(1), publish_the_second, &scene);
    run_until(&scene.main_loop, second_is_done, &scene);
    scene_fini(&scene);
}

static void a_publication_that_nobody_finishes_leaks_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, 1);
    publish(&scene, 1);
    run_until(&scene.main_loop, is_set, &scene.done);
    atomic_store(&scene.readers[0].hold, true);
    publish(&scene, 2);
    run_until(&scene.main_loop, has_been_taken, &scene);
    assert_false(scene.done);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_subscribers_done_still_comes_later),
        cmocka_unit_test(every_loop_follows_each_view_before_done),
        cmocka_unit_test(done_waits_for_the_last_acknowledgement),
        cmocka_unit_test(the_next_view_may_be_published_from_done),
        cmocka_unit_test(a_publication_that_nobody_finishes_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
