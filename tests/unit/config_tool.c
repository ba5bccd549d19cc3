/* The reader as a program, for tests/schema_agrees.py: with files it prints what is wrong with each
 * and exits 1 if anything is; with "options" it prints the option tables as one JSON document. */
#include "config/check.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_text(enum option_kind kind)
{
    static const char *const texts[] = {[OPTION_BOOLEAN] = "boolean",
        [OPTION_INTEGER] = "integer",
        [OPTION_NUMBER] = "number",
        [OPTION_DURATION] = "duration",
        [OPTION_SECONDS] = "duration",
        [OPTION_SIZE] = "size",
        [OPTION_CHOICE] = "choice",
        [OPTION_TEXT] = "text",
        [OPTION_ID] = "id",
        [OPTION_PATH] = "path",
        [OPTION_URL] = "url",
        [OPTION_REGION] = "region",
        [OPTION_IP] = "ip",
        [OPTION_LISTEN] = "listen",
        [OPTION_OBJECT] = "object",
        [OPTION_LIST] = "list",
        [OPTION_MAP] = "map",
        [OPTION_EITHER] = "either",
        [OPTION_REFUSED] = "refused"};
    return texts[kind];
}

static cJSON *table_to_json(const struct option *table);

static cJSON *option_to_json(const struct option *option)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", kind_text(option->kind));
    cJSON_AddBoolToObject(json, "required", option->required);
    cJSON_AddBoolToObject(json, "nullable", option->nullable);
    if (option->fallback)
        cJSON_AddItemToObject(json, "default", cJSON_Parse(option->fallback));
    if (option->least)
        cJSON_AddStringToObject(json, "least", option->least);
    if (option->most)
        cJSON_AddStringToObject(json, "most", option->most);
    for (const struct choice *choice = option->choices; choice && choice->word; choice++) {
        if (choice == option->choices)
            cJSON_AddArrayToObject(json, "choices");
        cJSON_AddItemToArray(
            cJSON_GetObjectItem(json, "choices"), cJSON_CreateString(choice->word));
    }
    if (option->members)
        cJSON_AddItemToObject(json, "members", table_to_json(option->members));
    return json;
}

/* A list of options, as lists, maps and alternatives have no keys. */
static cJSON *table_to_json(const struct option *table)
{
    cJSON *json = cJSON_CreateArray();
    for (; table->key; table++) {
        cJSON *option = option_to_json(table);
        cJSON_AddStringToObject(option, "key", table->key);
        cJSON_AddItemToArray(json, option);
    }
    return json;
}

static int print_options(void)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *steps = cJSON_CreateObject();
    for (const struct step_type *type = config_step_types; type->name; type++)
        cJSON_AddItemToObject(steps, type->name, table_to_json(type->options));
    cJSON_AddItemToObject(json, "options", table_to_json(config_options));
    cJSON_AddItemToObject(json, "steps", steps);
    char *text = cJSON_Print(json);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
    return 0;
}

static int read_file(const char *path)
{
    struct config *config;
    struct config_errors errors;
    int status = config_read(path, &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        puts(errors.lines[i]);
    config_errors_fini(&errors);
    config_unref(config);
    return status < 0;
}

int main(int count, char **arguments)
{
    int wrong = 0;
    if (count == 2 && strcmp(arguments[1], "options") == 0)
        return print_options();
    for (int i = 1; i < count; i++)
        wrong |= read_file(arguments[i]);
    return wrong;
}
