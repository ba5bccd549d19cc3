#include "base/url.h"

#include "base/curl_library.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* NULL when there is none. */
static char *part_of(CURLU *handle, CURLUPart part)
{
    char *text = NULL, *copy = NULL;
    if (curl()->url_get(handle, part, &text, CURLU_NO_DEFAULT_PORT) == CURLUE_OK)
        copy = memory_text(text);
    curl()->free(text);
    return copy;
}

static char *host_of(CURLU *handle)
{
    char *host = part_of(handle, CURLUPART_HOST);
    size_t size = host ? strlen(host) : 0;
    if (size > 2 && *host == '[') {
        memmove(host, host + 1, size - 2);
        host[size - 2] = '\0';
    }
    for (char *at = host; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return host;
}

static char *authority_of(CURLU *handle)
{
    char *host = part_of(handle, CURLUPART_HOST), *port = part_of(handle, CURLUPART_PORT);
    char *authority = host && port ? memory_format("%s:%s", host, port) : memory_text(host);
    free(host);
    free(port);
    return authority;
}

static int read_parts(CURLU *handle, struct url *ret)
{
    char *user = part_of(handle, CURLUPART_USER);
    ret->scheme = part_of(handle, CURLUPART_SCHEME);
    ret->host = host_of(handle);
    ret->authority = authority_of(handle);
    ret->path = part_of(handle, CURLUPART_PATH);
    bool is_whole = !user && ret->scheme && ret->host && *ret->host && ret->path &&
                    (strcmp(ret->scheme, "http") == 0 || strcmp(ret->scheme, "https") == 0);
    free(user);
    return is_whole ? 0 : -EINVAL;
}

int url_split(const char *text, struct url *ret)
{
    *ret = (struct url){0};
    if (!curl_library_load())
        return -EINVAL;
    CURLU *handle = curl()->url();
    int status = -EINVAL;
    if (handle && curl()->url_set(handle, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK)
        status = read_parts(handle, ret);
    curl()->url_cleanup(handle);
    if (status < 0)
        url_fini(ret);
    return status;
}

void url_fini(struct url *url)
{
    free(url->scheme);
    free(url->host);
    free(url->authority);
    free(url->path);
    *url = (struct url){0};
}
