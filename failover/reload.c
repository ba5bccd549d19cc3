#include "failover/reload.h"

#include "base/log.h"
#include "base/text.h"

static void refuse(
    struct keeper *keeper, const struct config_errors *errors, keeper_reply *reply, void *context)
{
    struct text words = {0};
    for (size_t i = 0; i < errors->count; i++) {
        log_error("configuration", LOG_TEXT("wrong", errors->lines[i]));
        text_format(&words, "%s%s", i > 0 ? "\n" : "", errors->lines[i]);
    }
    const struct state *state = keeper_state(keeper);
    struct outcome outcome = {
        .status = EXIT_STATUS_USAGE,
        .words = words.data ? words.data : "the configuration cannot be read",
        .revision = state->revision,
        .epoch = state->epoch,
    };
    reply(context, &outcome);
    text_fini(&words);
}

void reload_configuration(struct keeper *keeper, keeper_reply *reply, void *context)
{
    struct config *next = NULL;
    struct config_errors errors = {0};
    if (config_read(keeper_config(keeper)->path, &next, &errors) < 0)
        refuse(keeper, &errors, reply, context);
    else
        keeper_reload(keeper, next, reply, context);
    config_unref(next);
    config_errors_fini(&errors);
}
