#include "tests/unit/border_vectors.h"
#include "tests/unit/border_session.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct border_session session;

static void check_file(const char *path)
{
    static uint8_t bytes[2 * BORDER_SESSION_SIZE];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    memset(&session, 0, sizeof session);
    border_session_read(&session, span_of(bytes, size));
    fprintf(stderr, "%s: %zu pieces\n", path, session.count); /* if it aborts */
    border_session_check(&session);
}

int border_vectors_check(const char *protocol)
{
    char path[1024];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", getenv("BORDER_VECTORS"), protocol);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", getenv("BORDER_VECTORS"), protocol, entry->d_name);
        check_file(path);
        count++;
    }
    closedir(folder);
    return count;
}
