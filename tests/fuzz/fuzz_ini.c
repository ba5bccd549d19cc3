/* An AWS configuration file. Every entry that was found can be asked for. */
#include "base/ini.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini ini;
    ini_parse(span_of(data, size), &ini);
    for (size_t i = 0; i < ini.count && i < 64; i++) {
        const struct ini_entry *entry = &ini.entries[i];
        if (!ini_has_section(&ini, entry->section))
            abort();
        if (*entry->key)
            ini_value(&ini, entry->section, entry->key);
    }
    ini_fini(&ini);
    return 0;
}
