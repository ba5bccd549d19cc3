/* Client libraries, loaded by name.
 *
 * A library stays for the life of the process (both keep state of their own that no unloading
 * survives). What can go wrong: it is not installed, or is too old to have a function. */
#include "base/sql.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int sql_load(const char *library, const char *package, const struct sql_function *functions,
    size_t count, struct failure *why)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return failure_set(why, -ENOENT, "%s (is the package %s installed?)", dlerror(), package);
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(handle, functions[i].name);
        if (!found) {
            dlclose(handle);
            return failure_set(why, -ENOENT, "%s has no %s", library, functions[i].name);
        }
        memcpy(functions[i].pointer, &found, sizeof found);
    }
    return 0;
}
