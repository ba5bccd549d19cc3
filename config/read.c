/* A file → its text → without comments → a tree → the configuration.
 *
 * What goes wrong becomes lines for the user, in the order of the file. */
#include "config/config.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/check.h"
#include "config/comments.h"
#include "config/locate.h"

#include <errno.h>
#include <stdlib.h>

void config_errors_fini(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->lines[i]);
    free(errors->lines);
    *errors = (struct config_errors){0};
}

/* Takes `line`. Keys and values are the file's: nothing in them may steer a terminal. */
static void add_line(struct config_errors *errors, char *line)
{
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    errors->lines = memory_resize(errors->lines, errors->count + 1, sizeof *errors->lines);
    errors->lines[errors->count++] = line;
}

struct located {
    const struct check_note *note;
    size_t place;
};

static int by_place(const void *a, const void *b)
{
    const struct located *left = a, *right = b;
    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    return (left->note > right->note) - (left->note < right->note);
}

static void add_note(struct config_errors *errors, const char *path, const struct places *places,
    const struct located *located)
{
    const struct check_note *note = located->note;
    char *keys = places_path(places, located->place);
    const char *missing = note->key ? note->key : "";
    add_line(errors,
        memory_format("%s:%u: %s%s%s%s%s", path, places->list[located->place].line, keys,
            *keys && *missing ? "." : "", missing, *keys || *missing ? ": " : "", note->words));
    free(keys);
}

static void add_notes(struct config_errors *errors, const char *path, const char *text, size_t size,
    const struct check *check)
{
    struct places places;
    struct located *located = memory_new_array(check->note_count, sizeof *located);
    places_init(&places, text, size, check->root);
    for (size_t i = 0; i < check->note_count; i++)
        located[i] =
            (struct located){&check->notes[i], places_find(&places, check->notes[i].where)};
    qsort(located, check->note_count, sizeof *located, by_place);
    for (size_t i = 0; i < check->note_count; i++)
        add_note(errors, path, &places, &located[i]);
    if (check->left_out)
        add_line(errors, memory_format("%s: and %zu more errors", path, check->left_out));
    places_fini(&places);
    free(located);
}

static int read_tree(const char *path, const char *text, size_t size, const cJSON *root,
    struct config **ret_config, struct config_errors *errors)
{
    struct config *config = memory_new(sizeof *config);
    struct check check = {.config = config, .root = root};
    atomic_init(&config->references, 1);
    config->path = memory_text(path);
    check_all(&check);
    int status = check.note_count ? -EINVAL : 0;
    if (status == 0) {
        *ret_config = config;
    } else {
        add_notes(errors, path, text, size, &check);
        config_unref(config);
    }
    check_fini(&check);
    return status;
}

int config_parse(const char *path, const char *text, size_t size, struct config **ret_config,
    struct config_errors *errors)
{
    char *plain = memory_text_of(text, size);
    cJSON *root = NULL;
    unsigned line = 0;
    struct failure why;
    *ret_config = NULL;
    *errors = (struct config_errors){0};
    int status = comments_blank(plain, size, &line, &why);
    if (status == 0)
        status = json_parse(plain, size, &root, &line, &why);
    if (status < 0)
        add_line(errors, memory_format("%s:%u: %s", path, line, why.text));
    else
        status = read_tree(path, plain, size, root, ret_config, errors);
    cJSON_Delete(root);
    free(plain);
    return status;
}

int config_read(const char *path, struct config **ret_config, struct config_errors *errors)
{
    char *text = NULL;
    size_t size = 0;
    *ret_config = NULL;
    *errors = (struct config_errors){0};
    int status = file_read(path, CONFIG_SIZE_MAX, &text, &size);
    if (status < 0)
        add_line(errors, memory_format("%s: cannot read it: %s", path, log_error_text(status)));
    else
        status = config_parse(path, text, size, ret_config, errors);
    free(text);
    return status;
}
