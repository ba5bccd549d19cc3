/* Asks a database whether it is writable, as a relay does before it releases what it holds.
 *
 *     ask_writable postgres|mysql IP PORT [USER PASSWORD_FILE]
 *
 * Prints its words whenever they change, and at last "done". */
#include "base/memory.h"
#include "proxy/relay/writable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 5

struct asker {
    struct loop loop;
    struct writable *writable;
    uv_timer_t look;
    char *said;
};

static void say_what_is_new(struct asker *asker)
{
    const char *words = writable_words(asker->writable);
    if (asker->said && strcmp(words, asker->said) == 0)
        return;
    free(asker->said);
    asker->said = memory_text(words);
    puts(words);
    fflush(stdout);
}

static void look(uv_timer_t *timer)
{
    say_what_is_new(timer->data);
}

static void on_done(void *context)
{
    struct asker *asker = context;
    say_what_is_new(asker);
    puts("done");
    uv_stop(&asker->loop.uv);
}

static void ask(
    struct asker *asker, const struct config_endpoint *endpoint, const struct config_target *target)
{
    struct config config = {.references = 1};
    if (loop_init(&asker->loop, "asker") < 0)
        abort();
    uv_timer_init(&asker->loop.uv, &asker->look);
    asker->look.data = asker;
    uv_timer_start(&asker->look, look, LOOK_MS, LOOK_MS);
    asker->writable = writable_start(&asker->loop, NULL, &config, endpoint, target, on_done, asker);
    uv_run(&asker->loop.uv, UV_RUN_DEFAULT);
    writable_stop(asker->writable, NULL, NULL);
    loop_fini(&asker->loop);
    free(asker->said);
}

int main(int argc, char **argv)
{
    struct failure why;
    struct asker asker = {0};
    struct config_relay relay = {.probe = CONFIG_PROBE_POSTGRES};
    struct config_endpoint endpoint = {.id = argv[0], .relay = &relay};
    struct config_target target = {.is_address = true};
    if ((argc != 4 && argc != 6) || !address_parse_ip(argv[2], &target.address)) {
        fputs("usage: ask_writable postgres|mysql IP PORT [USER PASSWORD_FILE]\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "mysql") == 0)
        relay.probe = CONFIG_PROBE_MYSQL;
    target.text = argv[2];
    target.port = (uint16_t)atoi(argv[3]);
    relay.probe_user = argc == 6 ? argv[4] : NULL;
    relay.probe_password_file = argc == 6 && *argv[5] ? argv[5] : NULL;
    if (writable_prepare(relay.probe, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    ask(&asker, &endpoint, &target);
    return 0;
}
