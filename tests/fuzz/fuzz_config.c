/* Any bytes as a configuration file: read, or refused in words. */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config;
    struct config_errors errors;
    int status = config_parse("fuzz.json", (const char *)data, size, &config, &errors);
    if ((status == 0) != (config != NULL) || (status == 0) != (errors.count == 0))
        abort();
    config_errors_fini(&errors);
    config_unref(config);
    return 0;
}
