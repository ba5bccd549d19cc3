/* On the good day: the table and the tree are walked in step, each value is of its kind and within
 * its bounds and goes where the table says; what the file leaves out is read from the table's
 * defaults by the same code. Whatever is wrong is noted and the walk goes on, so that all errors
 * come out at once. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/suggest.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond the limit notes are only counted: a hostile file shall not cost more than its reading. */
static bool is_full(struct check *check)
{
    bool full = check->note_count == CHECK_NOTES_MAX;
    check->left_out += full;
    return full;
}

static void note(struct check *check, const cJSON *where, const char *key, const char *words)
{
    for (size_t i = 0; i < check->note_count; i++) {
        struct check_note *other = &check->notes[i];
        if (other->where == where && !key == !other->key && strcmp(other->words, words) == 0 &&
            (!key || strcmp(other->key, key) == 0))
            return;
    }
    check->notes = memory_resize(check->notes, check->note_count + 1, sizeof *check->notes);
    check->notes[check->note_count++] =
        (struct check_note){.where = where, .key = memory_text(key), .words = memory_text(words)};
}

void check_wrong(struct check *check, const cJSON *where, const char *format, ...)
{
    struct failure words;
    va_list arguments;
    if (is_full(check))
        return;
    va_start(arguments, format);
    vsnprintf(words.text, sizeof words.text, format, arguments);
    va_end(arguments);
    note(check, where, NULL, words.text);
}

void check_missing(struct check *check, const cJSON *object, const char *key)
{
    if (!is_full(check))
        note(check, object, key, "missing");
}

void check_fini(struct check *check)
{
    for (size_t i = 0; i < check->note_count; i++) {
        free(check->notes[i].key);
        free(check->notes[i].words);
    }
    free(check->notes);
}

static const struct option *find_option(const struct option *table, const char *key)
{
    for (; table && table->key; table++) {
        if (strcmp(table->key, key) == 0)
            return table;
    }
    return NULL;
}

size_t check_region(struct check *check, const cJSON *where, const char *id)
{
    const struct config *config = check->config;
    struct suggest suggest = {.word = id};
    char meant[SUGGEST_TEXT_SIZE];
    size_t index = config_region(config, id);
    for (size_t i = 0; index == CONFIG_NONE && i < config->region_count; i++)
        suggest_consider(&suggest, config->regions[i]);
    if (index == CONFIG_NONE && config->region_count)
        check_wrong(check, where, "unknown region \"%.100s\"%s", id, suggest_text(&suggest, meant));
    return index;
}

static void unknown_key(struct check *check, const cJSON *member, const struct option *table,
    const struct option *more, const char *of)
{
    struct suggest suggest = {.word = member->string};
    char meant[SUGGEST_TEXT_SIZE];
    for (; table->key; table++)
        suggest_consider(&suggest, table->key);
    for (; more && more->key; more++)
        suggest_consider(&suggest, more->key);
    check_wrong(check, member, "unknown key%s%s", of, suggest_text(&suggest, meant));
}

void check_keys(struct check *check, const cJSON *object, const struct option *table,
    const struct option *more, const char *of)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        if (!find_option(table, member->string) && !find_option(more, member->string))
            unknown_key(check, member, table, more, of);
        else if (json_member(object, member->string) != member)
            check_wrong(check, member, "given twice");
    }
}

/* The default's listeners are not the user's: one that cannot be bound is left out. */
static void read_fallback(struct check *check, const struct option *option, void *base)
{
    cJSON *value = cJSON_Parse(option->fallback);
    assert(value);
    check_value(check, option, value, base);
    if (option->kind == OPTION_LISTEN && option->stored)
        ((struct config_listen *)((char *)base + option->offset))->is_default = true;
    cJSON_Delete(value);
}

void check_options(struct check *check, const cJSON *object, const struct option *table, void *base)
{
    for (; table->key; table++) {
        const cJSON *value = json_member(object, table->key);
        if (value && !(table->nullable && cJSON_IsNull(value)))
            check_value(check, table, value, base);
        else if (table->required && object)
            check_missing(check, object, table->key);
        else if (table->fallback)
            read_fallback(check, table, base);
        else if (table->kind == OPTION_OBJECT && !table->read)
            check_options(check, NULL, table->members, base);
    }
}

void check_object(struct check *check, const cJSON *object, const struct option *table, void *base)
{
    check_keys(check, object, table, NULL, "");
    check_options(check, object, table, base);
}

static bool has_bucket(const struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (config->endpoints[i].type == CONFIG_BUCKET)
            return true;
    }
    return false;
}

void check_all(struct check *check)
{
    if (!cJSON_IsObject(check->root)) {
        check_wrong(check, check->root, "must be an object");
        return;
    }
    struct config *config = check->config;
    check_object(check, check->root, config_options, config);
    config->user_is_default = !json_member(check->root, "user");
    config->resolver.upstreams_from_resolv_conf =
        !json_member(json_member(check->root, "resolver"), "upstreams");
    if (!has_bucket(config))
        config->gateway.listen.count = 0;
    check_buckets(check);
    check_names(check);
    check_listeners(check);
}
