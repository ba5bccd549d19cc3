/* The command line's one question to the file, answered without judging the rest of it. */
#include "config/config.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "config/comments.h"

#include <stdlib.h>

char *config_read_socket(const char *path)
{
    char *text = NULL, *socket = NULL;
    cJSON *root = NULL;
    size_t size;
    unsigned line;
    if (file_read(path, CONFIG_SIZE_MAX, &text, &size) == 0 &&
        comments_blank(text, size, &line, NULL) == 0 &&
        json_parse(text, size, &root, &line, NULL) == 0)
        socket = memory_text(json_text(json_member(root, "control"), "socket"));
    cJSON_Delete(root);
    free(text);
    return socket;
}
