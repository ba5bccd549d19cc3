/* The least policies of a configuration's runbooks, for tests/policies_agree.py: one JSON object,
 * a policy for each region that has a runbook. */
#include "failover/aws/inspect.h"

#include <stdio.h>

static int print_policies(const struct config *config)
{
    cJSON *policies = cJSON_CreateObject();
    for (size_t i = 0; i < config->region_count; i++) {
        const char *region = config->regions[i];
        if (config->runbooks[i].present)
            cJSON_AddItemToObject(policies, region, inspect_policy(config, region));
    }
    char *text = cJSON_Print(policies);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(policies);
    return 0;
}

int main(int count, char **arguments)
{
    struct config *config;
    struct config_errors errors;
    if (count != 2)
        return 2;
    int status = config_read(arguments[1], &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    if (status == 0)
        status = print_policies(config);
    config_unref(config);
    return status < 0;
}
