#include "tests/unit/sample_config.h"

#include <string.h>

enum { DATA, LEGACY, STATIC, SEARCH, GROUPS };

static struct config config;
static char *regions[] = {TEXT("eu-west-1"), TEXT("us-west-2"), TEXT("ap-south-1")};
static struct config_group groups[GROUPS];
static struct config_endpoint endpoints[GROUPS];
static struct config_runbook runbooks[3];
static struct config_step steps[4];
static size_t step_groups[4][2] = {{DATA}, {DATA}, {DATA, STATIC}, {LEGACY}};

struct config *sample_config(void)
{
    static char *const ids[] = {TEXT("data"), TEXT("legacy"), TEXT("static"), TEXT("search")};
    static char *const endpoint_ids[] = {
        TEXT("data-1"), TEXT("legacy-1"), TEXT("static-1"), TEXT("search-1")};
    memset(runbooks, 0, sizeof runbooks);
    for (size_t i = 0; i < GROUPS; i++) {
        groups[i] = (struct config_group){.id = ids[i],
            .has_database = i == DATA || i == LEGACY,
            .has_dns_only_database = i == LEGACY};
        endpoints[i] = (struct config_endpoint){.id = endpoint_ids[i],
            .type = i == DATA || i == LEGACY ? CONFIG_DATABASE : CONFIG_NAME,
            .group = i};
    }
    config = (struct config){.references = 1,
        .regions = regions,
        .region_count = 3,
        .groups = groups,
        .group_count = GROUPS,
        .endpoints = endpoints,
        .endpoint_count = GROUPS,
        .runbooks = runbooks};
    return &config;
}

static void set_step(size_t index, char *id, char *type, size_t group_count)
{
    steps[index] = (struct config_step){.id = id,
        .type = type,
        .groups = step_groups[index],
        .group_count = group_count,
        .on_failover = true,
        .on_switchover = true};
}

void sample_runbook(struct config *to)
{
    set_step(0, TEXT("fence"), TEXT("fence"), 1);
    set_step(1, TEXT("promote"), TEXT("rds.promote_read_replica"), 1);
    set_step(2, TEXT("switch"), TEXT("switch"), 2);
    set_step(3, TEXT("switch-legacy"), TEXT("switch"), 1);
    steps[1].promotes = steps[1].irreversible = true;
    to->runbooks[1] = (struct config_runbook){
        .present = true, .min_interval_ms = 3600 * 1000, .steps = steps, .step_count = 4};
}
