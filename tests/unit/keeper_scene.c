#include "tests/unit/keeper_scene.h"

const struct siphash_key scene_key = {1, 2};

static void trace(struct scene *scene, const char *event)
{
    size_t used = strlen(scene->trace);
    snprintf(scene->trace + used, sizeof scene->trace - used, "%s%s", used ? " " : "", event);
}

const struct view_endpoint *endpoint(const struct scene *scene, const char *id)
{
    return &scene->view->endpoints[config_endpoint(scene->view->config, id)];
}

/* The state of "orders-db" stands for a view. */
static void take(void *context, const struct view *view, struct acknowledgement *ack)
{
    static const char *const statuses[] = {"open", "fenced", "undecided"};
    struct scene *scene = context;
    char event[64];
    scene->view = view;
    const struct view_endpoint *orders = endpoint(scene, "orders-db");
    snprintf(event, sizeof event, "view:%s%s%s", statuses[orders->status],
        orders->region == CONFIG_NONE ? "" : ":",
        orders->region == CONFIG_NONE ? "" : view->config->regions[orders->region]);
    trace(scene, event);
    if (scene->hold)
        scene->held = ack;
    else
        announce_acknowledge(ack);
}

void release(struct scene *scene)
{
    scene->hold = false;
    announce_acknowledge(scene->held);
    scene->held = NULL;
}

static void on_write(void *context)
{
    trace(context, "write");
}

static void on_watch(void *context)
{
    trace(context, "watch");
}

void on_ready(void *context)
{
    struct scene *scene = context;
    trace(scene, "ready");
    scene->ready = true;
}

void on_reply(void *context, const struct outcome *outcome)
{
    struct answer *answer = context;
    assert_false(answer->there);
    answer->there = true;
    answer->outcome = *outcome;
    snprintf(answer->words, sizeof answer->words, "%s", outcome->words);
    snprintf(answer->transition, sizeof answer->transition, "%s",
        outcome->transition ? outcome->transition : "");
    trace(answer->scene, "reply");
}

static uint64_t behind_of(struct relays *relays, const char *group)
{
    char *start = (char *)relays - offsetof(struct scene, relays);
    return strcmp(group, "relayed") == 0 ? ((struct scene *)(void *)start)->behind : 0;
}

static void open_scene(struct scene *scene, const char *text)
{
    scene->announce = announce_new(&scene->loop);
    announce_subscribe(scene->announce, &scene->loop, take, scene);
    scene->config = sample_config(text);
    scene->ready = false;
    struct failure why = {0};
    struct keeper_options options = {
        .main_loop = &scene->loop,
        .store = &scene->store.store,
        .announce = scene->announce,
        .config = scene->config,
        .key = &scene_key,
        .relays = &scene->relays,
    };
    assert_int_equal(keeper_new(&options, &scene->keeper, on_ready, scene, &why), 0);
    keeper_watch(scene->keeper, on_watch, scene);
    run_until(&scene->loop, is_set, &scene->ready);
    scene->store.on_write = on_write;
    scene->store.on_write_context = scene;
}

static void close_scene(struct scene *scene)
{
    keeper_free(scene->keeper);
    assert_true(scene->store.freed);
    announce_free(scene->announce);
    config_unref(scene->config);
}

void scene_init(struct scene *scene)
{
    *scene = (struct scene){.relays = {.behind = behind_of}};
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    memory_store_init(&scene->store, &scene->loop);
    open_scene(scene, SAMPLE_CONFIG);
}

void scene_fini(struct scene *scene)
{
    close_scene(scene);
    loop_fini(&scene->loop);
    memory_store_fini(&scene->store);
}

void restart(struct scene *scene)
{
    close_scene(scene);
    scene->store.freed = false;
    *scene->trace = '\0';
    open_scene(scene, SAMPLE_CONFIG);
}

struct answer answer_to(struct scene *scene)
{
    *scene->trace = '\0';
    return (struct answer){.scene = scene};
}

struct command switch_to(const char *region, const char *request)
{
    return (struct command){.kind = COMMAND_FAILOVER,
        .region = region,
        .request = request,
        .by = "alice",
        .switch_only = true};
}

void submit(struct scene *scene, struct command command, struct answer *answer)
{
    keeper_submit(scene->keeper, &command, on_reply, answer);
    assert_false(answer->there);
}

struct answer carry_out(struct scene *scene, struct command command)
{
    struct answer answer = answer_to(scene);
    submit(scene, command, &answer);
    run_until(&scene->loop, is_set, &answer.there);
    return answer;
}

struct answer ask(struct scene *scene, const char *request)
{
    struct answer answer = answer_to(scene);
    keeper_ask(scene->keeper, request, on_reply, &answer);
    assert_false(answer.there);
    run_until(&scene->loop, is_set, &answer.there);
    return answer;
}

struct command driven(enum command_kind kind, const char *request)
{
    return (struct command){.kind = kind,
        .region = kind == COMMAND_BEGIN ? "us-west-2" : NULL,
        .request = request,
        .by = "alice"};
}
