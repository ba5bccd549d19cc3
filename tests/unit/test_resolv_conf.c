#include "base/memory.h"
#include "failover/resolv_conf.h"
#include "tests/unit/sample.h"

#include <stdlib.h>
#include <unistd.h>

/* The servers of `text`, one "IP " after the other. */
static const char *servers_of(const char *text)
{
    static char list[RESOLV_CONF_SERVERS_MAX * (ADDRESS_TEXT_SIZE + 1) + 1];
    struct address servers[RESOLV_CONF_SERVERS_MAX];
    size_t count = resolv_conf_parse(span_of_text(text), servers), used = 0;
    *list = '\0';
    for (size_t i = 0; i < count; i++) {
        char ip[ADDRESS_TEXT_SIZE];
        assert_int_equal(address_port(&servers[i]), 53);
        address_print_ip(&servers[i], ip);
        used += (size_t)sprintf(list + used, "%s ", ip);
    }
    return list;
}

static void name_servers_are_found_in_their_order(void **unused)
{
    (void)unused;
    assert_string_equal(servers_of("# made by hand\nsearch example.net\nnameserver 192.0.2.1\n"
                                   "options edns0\nnameserver\t2001:db8::1 \nnameserver 192.0.2.2"),
        "192.0.2.1 2001:db8::1 192.0.2.2 ");
    assert_string_equal(
        servers_of("nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n"), "192.0.2.1 192.0.2.2 ");
    assert_string_equal(servers_of("nameserver fe80::1%lo\n"), "fe80::1 ");
}

static void what_is_no_name_server_is_passed_over(void **unused)
{
    (void)unused;
    assert_string_equal(servers_of(""), "");
    assert_string_equal(servers_of("\n\n\n"), "");
    assert_string_equal(servers_of("nameserver"), "");
    assert_string_equal(servers_of("nameserver \nnameserver 192.0.2.300\n"), "");
    assert_string_equal(servers_of("nameserver192.0.2.1\nnameservers 192.0.2.1\n"), "");
    assert_string_equal(servers_of("#nameserver 192.0.2.1\n;nameserver 192.0.2.1\n"), "");
    assert_string_equal(servers_of(" nameserver 192.0.2.1\n"), ""); /* as glibc has it */
    assert_string_equal(servers_of("nameserver 192.0.2.1%lo\n"), "");
    assert_string_equal(servers_of("nameserver fe80::1%no-such-interface\n"), "");
}

static void long_lines_zero_bytes_and_many_servers_are_bounded(void **unused)
{
    (void)unused;
    struct address servers[RESOLV_CONF_SERVERS_MAX];
    static char text[2000];
    memset(text, 'x', sizeof text);
    memcpy(text, "nameserver ", 11);
    text[1000] = '\n';
    assert_int_equal(resolv_conf_parse(span_of(text, sizeof text), servers), 0);

    static const char zero[] = "nameserver 192.0.2.1\0\nnameserver 192.0.2.2\n";
    assert_int_equal(resolv_conf_parse(span_of(zero, sizeof zero - 1), servers), 1);

    size_t used = 0;
    for (int i = 0; i < 20; i++)
        used += (size_t)sprintf(text + used, "nameserver 192.0.2.%d\n", i);
    assert_int_equal(resolv_conf_parse(span_of(text, used), servers), RESOLV_CONF_SERVERS_MAX);
}

struct scene {
    struct loop loop;
    char directory[64], path[96], other[96];
    struct resolv_conf *file;
    unsigned changes;
    char last[ADDRESS_TEXT_SIZE]; /* the first server of the last change */
};

static bool is_ours(void *context, const struct address *address)
{
    (void)context;
    return address_is_loopback(address);
}

static void on_changed(void *context, const struct config_upstreams *upstreams)
{
    struct scene *scene = context;
    scene->changes++;
    *scene->last = '\0';
    if (upstreams->count > 0)
        address_print_ip(&upstreams->list[0].address, scene->last);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void scene_init(struct scene *scene, const char *text)
{
    *scene = (struct scene){.directory = "/tmp/test_resolv_conf.XXXXXX"};
    assert_non_null(mkdtemp(scene->directory));
    snprintf(scene->path, sizeof scene->path, "%s/resolv.conf", scene->directory);
    snprintf(scene->other, sizeof scene->other, "%s/other", scene->directory);
    if (text)
        put(scene->path, text);
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    scene->file = resolv_conf_new(&(struct resolv_conf_options){
        .main_loop = &scene->loop,
        .path = scene->path,
        .interval_ms = 5,
        .is_ours = is_ours,
        .changed = on_changed,
        .context = scene,
    });
}

static void scene_fini(struct scene *scene)
{
    resolv_conf_free(scene->file);
    loop_fini(&scene->loop);
    unlink(scene->path);
    unlink(scene->other);
    rmdir(scene->directory);
}

static bool has_changed(void *context)
{
    return ((struct scene *)context)->changes > 0;
}

static void wait_for_server(struct scene *scene, const char *server)
{
    run_until(&scene->loop, has_changed, scene);
    assert_string_equal(scene->last, server);
    scene->changes = 0;
}

static void count_tick(uv_timer_t *timer)
{
    unsigned *ticks = timer->data;
    ++*ticks;
}

/* The watcher's own timer was started earlier and has the same interval: it ran as often. */
static void let_it_look_five_times(struct scene *scene)
{
    unsigned ticks = 0;
    uv_timer_t timer = {.data = &ticks};
    uv_timer_init(&scene->loop.uv, &timer);
    uv_timer_start(&timer, count_tick, 5, 5);
    while (ticks < 6)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
}

static void our_own_addresses_are_left_out(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "nameserver 127.0.0.1\nnameserver 192.0.2.1\nnameserver ::1\n");
    const struct config_upstreams *upstreams = resolv_conf_upstreams(scene.file);
    assert_int_equal(upstreams->count, 1);
    assert_null(upstreams->list[0].tls_name);
    char text[ADDRESS_TEXT_SIZE];
    address_print(&upstreams->list[0].address, text);
    assert_string_equal(text, "192.0.2.1:53");
    scene_fini(&scene);
}

static void a_file_that_is_written_or_replaced_is_seen(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "nameserver 192.0.2.1\n");
    put(scene.path, "nameserver 192.0.2.2\n");
    wait_for_server(&scene, "192.0.2.2");

    put(scene.other, "nameserver 192.0.2.3\n");
    assert_int_equal(rename(scene.other, scene.path), 0);
    wait_for_server(&scene, "192.0.2.3");

    put(scene.other, "nameserver 192.0.2.4\n");
    assert_int_equal(unlink(scene.path), 0);
    assert_int_equal(symlink(scene.other, scene.path), 0);
    wait_for_server(&scene, "192.0.2.4");
    scene_fini(&scene);
}

static void the_same_servers_again_are_no_change(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "nameserver 192.0.2.1\n");
    put(scene.path, "# touched\nnameserver 192.0.2.1\n");
    let_it_look_five_times(&scene);
    assert_int_equal(scene.changes, 0);
    scene_fini(&scene);
}

static void a_file_that_is_gone_leaves_the_list_as_it_was(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "nameserver 192.0.2.1\n");
    assert_int_equal(unlink(scene.path), 0);
    let_it_look_five_times(&scene);
    assert_int_equal(scene.changes, 0);
    assert_int_equal(resolv_conf_upstreams(scene.file)->count, 1);
    scene_fini(&scene);
}

static void a_file_that_comes_later_is_seen(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, NULL);
    assert_int_equal(resolv_conf_upstreams(scene.file)->count, 0);
    put(scene.path, "nameserver 192.0.2.1\n");
    wait_for_server(&scene, "192.0.2.1");
    scene_fini(&scene);
}

static void a_file_that_stays_empty_is_believed(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "nameserver 192.0.2.1\n");
    put(scene.path, "");
    wait_for_server(&scene, "");
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_servers_are_found_in_their_order),
        cmocka_unit_test(what_is_no_name_server_is_passed_over),
        cmocka_unit_test(long_lines_zero_bytes_and_many_servers_are_bounded),
        cmocka_unit_test(our_own_addresses_are_left_out),
        cmocka_unit_test(a_file_that_is_written_or_replaced_is_seen),
        cmocka_unit_test(the_same_servers_again_are_no_change),
        cmocka_unit_test(a_file_that_is_gone_leaves_the_list_as_it_was),
        cmocka_unit_test(a_file_that_comes_later_is_seen),
        cmocka_unit_test(a_file_that_stays_empty_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
