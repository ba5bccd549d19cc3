/* On the good day the library is found by name, and stays for the life of the process: it keeps
 * state of its own that no unloading survives.
 *
 * What can go wrong: it is not installed, or is too old to have a function. */
#include "base/curl_library.h"

#include <assert.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define NAME "libcurl.so.4"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct curl_library library;
static bool is_loaded;

static const struct {
    const char *name;
    void *pointer; /* to a member of `library` */
} functions[] = {
    {"curl_global_init", &library.global_init},
    {"curl_global_cleanup", &library.global_cleanup},
    {"curl_easy_init", &library.easy_init},
    {"curl_easy_setopt", &library.easy_setopt},
    {"curl_easy_getinfo", &library.easy_getinfo},
    {"curl_easy_strerror", &library.easy_strerror},
    {"curl_easy_cleanup", &library.easy_cleanup},
    {"curl_multi_init", &library.multi_init},
    {"curl_multi_setopt", &library.multi_setopt},
    {"curl_multi_add_handle", &library.multi_add_handle},
    {"curl_multi_remove_handle", &library.multi_remove_handle},
    {"curl_multi_assign", &library.multi_assign},
    {"curl_multi_socket_action", &library.multi_socket_action},
    {"curl_multi_info_read", &library.multi_info_read},
    {"curl_multi_cleanup", &library.multi_cleanup},
    {"curl_slist_append", &library.slist_append},
    {"curl_slist_free_all", &library.slist_free_all},
    {"curl_url", &library.url},
    {"curl_url_set", &library.url_set},
    {"curl_url_get", &library.url_get},
    {"curl_url_cleanup", &library.url_cleanup},
    {"curl_free", &library.free},
};

static void load(void)
{
    void *handle = dlopen(NAME, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; handle && i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(handle, functions[i].name);
        if (!found)
            return;
        memcpy(functions[i].pointer, &found, sizeof found);
    }
    is_loaded = handle != NULL;
}

bool curl_library_load(void)
{
    pthread_once(&once, load);
    return is_loaded;
}

const struct curl_library *curl(void)
{
    assert(is_loaded);
    return &library;
}
