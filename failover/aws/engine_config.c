/* The configuration in force, and what hangs on it.
 *
 * Runbooks say which commands run and what is promoted: a file that just anybody may have written
 * is refused, as sudo and ssh refuse theirs. */
#include "failover/aws/engine_parts.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL: only root and our user may write it. */
static char *check_writers(const char *path, bool is_directory)
{
    struct stat file;
    uid_t us = geteuid();
    if (stat(path, &file) < 0)
        return memory_format("%s: %s", path, strerror(errno));
    if (file.st_uid != 0 && file.st_uid != us)
        return memory_format("%s belongs to uid %lu, who could have any command run: chown it to "
                             "root or to uid %lu",
            path, (unsigned long)file.st_uid, (unsigned long)us);
    if (file.st_mode & (S_IWGRP | S_IWOTH) && !(is_directory && file.st_mode & S_ISVTX))
        return memory_format("%s may be written by others, who could have any command run: chmod "
                             "go-w %s",
            path, path);
    return NULL;
}

static char *check_path(const char *path)
{
    char real[PATH_MAX];
    if (!realpath(path, real))
        return memory_format("%s: %s", path, strerror(errno));
    char *given = memory_text(path);
    char *words = check_writers(real, false);
    if (!words)
        words = check_writers(dirname(real), true);
    if (!words) /* a link may be led elsewhere */
        words = check_writers(dirname(given), true);
    free(given);
    return words;
}

int engine_read_config(const char *path, struct config **ret_config, char **ret_words)
{
    struct config_errors errors = {0};
    struct text words = {.data = NULL};
    int status = config_read(path, ret_config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        text_format(&words, "%s%s", i ? "\n" : "", errors.lines[i]);
    config_errors_fini(&errors);
    *ret_words = words.data;
    if (status < 0)
        return status;
    *ret_words = check_path(path);
    if (!*ret_words)
        return 0;
    config_unref(*ret_config);
    *ret_config = NULL;
    return -EPERM;
}

bool engine_config_changed(const struct engine *engine)
{
    const struct stat *then = &engine->config_file;
    struct stat now;
    return stat(engine->config_path, &now) == 0 &&
           (now.st_ino != then->st_ino || now.st_dev != then->st_dev ||
               now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
               now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}

void engine_take_config(struct engine *engine)
{
    struct config *next;
    char *words;
    engine->reload_wanted = false;
    if (stat(engine->config_path, &engine->config_file) < 0)
        engine->config_file = (struct stat){.st_size = 0};
    if (engine_read_config(engine->config_path, &next, &words) < 0) {
        log_error("reload_refused", LOG_TEXT("config", engine->config_path),
            LOG_TEXT("why", words ? words : "it cannot be read"));
        free(words);
        return;
    }
    engine_end_questions(engine, "the configuration changed meanwhile: ask again");
    engine_release_aws(engine);
    config_unref(engine->config);
    engine->config = next;
    engine_prepare_aws(engine);
    log_configure(next->log.format, next->log.level);
    log_info("reloaded", LOG_TEXT("config", engine->config_path));
}

/* Types of AWS's services have a dot in their names. */
bool engine_calls_aws(const struct config_runbook *runbook)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        if (strchr(runbook->steps[i].type, '.'))
            return true;
    }
    return false;
}

struct aws *engine_aws(const struct engine *engine, const char *region)
{
    size_t index = config_region(engine->config, region);
    return index == CONFIG_NONE ? NULL : engine->aws[index];
}

/* In time: looking for credentials must not cost the night of the failover a second. */
void engine_prepare_aws(struct engine *engine)
{
    const struct config *config = engine->config;
    engine->aws = memory_new_array(config->region_count, sizeof(struct aws *));
    for (size_t i = 0; i < config->region_count; i++) {
        if (!config->runbooks || !config->runbooks[i].present ||
            !engine_calls_aws(&config->runbooks[i]))
            continue;
        if (!engine->client)
            engine->client = http_client_new(engine->loop, NULL);
        if (engine->client)
            engine->aws[i] =
                aws_new(engine->loop, engine->client, engine->config, config->regions[i]);
        else
            log_error("no_libcurl", LOG_TEXT("region", config->regions[i]),
                LOG_TEXT("what", "steps that call AWS cannot be carried out: install libcurl"));
    }
}

void engine_release_aws(struct engine *engine)
{
    for (size_t i = 0; i < engine->config->region_count; i++) {
        if (!engine->aws[i])
            continue;
        engine->aws_open++;
        aws_free(engine->aws[i], engine_aws_freed, engine);
    }
    free(engine->aws);
    engine->aws = NULL;
}
