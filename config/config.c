/* The configuration in use: counted references, and finding things by their names. */
#include "config/config.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

static void free_upstreams(struct config_upstreams *upstreams)
{
    for (size_t i = 0; i < upstreams->count; i++)
        free(upstreams->list[i].tls_name);
    free(upstreams->list);
}

static void free_resolver(struct config *config)
{
    free(config->resolver.listen.addresses);
    free_upstreams(&config->resolver.upstreams);
    for (size_t i = 0; i < config->resolver.route_count; i++)
        free_upstreams(&config->resolver.routes[i].upstreams);
    free(config->resolver.routes);
    free(config->resolver.allow);
}

static void free_relay(struct config_relay *relay)
{
    if (!relay)
        return;
    free(relay->listen.addresses);
    free(relay->probe_user);
    free(relay->probe_password_file);
    free(relay->probe_database);
    free(relay);
}

static void free_endpoint(struct config_endpoint *endpoint, size_t region_count)
{
    for (size_t i = 0; i < endpoint->name_count; i++)
        free(endpoint->names[i].text);
    for (size_t i = 0; endpoint->targets && i < region_count; i++)
        free(endpoint->targets[i].text);
    free_texts(endpoint->buckets, region_count);
    free_relay(endpoint->relay);
    free(endpoint->hosts);
    free(endpoint->names);
    free(endpoint->targets);
    free(endpoint->id);
}

static void free_runbook(struct config_runbook *runbook)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        struct config_step *step = &runbook->steps[i];
        free_texts(step->needs, step->need_count);
        cJSON_Delete(step->parameters);
        free(step->groups);
        free(step->id);
        free(step->type);
    }
    free(runbook->steps);
}

static void free_key(struct config_key *key)
{
    free(key->access_key_id);
    free(key->secret_file);
}

static void free_gateway(struct config *config)
{
    for (size_t i = 0; i < config->gateway.client_count; i++)
        free_key(&config->gateway.clients[i]);
    free(config->gateway.clients);
    free_key(&config->gateway.credentials);
    for (size_t i = 0; config->gateway.s3_endpoints && i < config->region_count; i++)
        free(config->gateway.s3_endpoints[i].host);
    free(config->gateway.s3_endpoints);
    free(config->gateway.listen.addresses);
    free(config->gateway.ca_dir);
    free(config->gateway.upstream_ca);
    free(config->gateway.listen.tls);
}

static void free_all(struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++)
        free_endpoint(&config->endpoints[i], config->region_count);
    for (size_t i = 0; i < config->group_count; i++)
        free(config->groups[i].id);
    for (size_t i = 0; config->runbooks && i < config->region_count; i++)
        free_runbook(&config->runbooks[i]);
    free_gateway(config);
    free_texts(config->regions, config->region_count);
    free_resolver(config);
    free(config->buckets);
    free(config->endpoints);
    free(config->groups);
    free(config->runbooks);
    free(config->monitoring.addresses);
    free(config->control.socket);
    free(config->control.operators);
    free(config->state.file);
    free(config->application);
    free(config->user);
    free(config->aws.endpoint_url);
    free(config->path);
    free(config);
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add(&config->references, 1);
    return config;
}

void config_unref(struct config *config)
{
    if (config && atomic_fetch_sub(&config->references, 1) == 1)
        free_all(config);
}

size_t config_region(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->region_count; i++) {
        if (strcmp(config->regions[i], id) == 0)
            return i;
    }
    return CONFIG_NONE;
}

size_t config_group(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->group_count; i++) {
        if (strcmp(config->groups[i].id, id) == 0)
            return i;
    }
    return CONFIG_NONE;
}

size_t config_endpoint(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (strcmp(config->endpoints[i].id, id) == 0)
            return i;
    }
    return CONFIG_NONE;
}

enum config_probe_type config_protocol(const struct config_endpoint *endpoint, uint16_t port)
{
    if (endpoint->relay && endpoint->relay->probe != CONFIG_PROBE_NONE)
        return endpoint->relay->probe;
    switch (port) {
    case 3306:
        return CONFIG_PROBE_MYSQL;
    case 5432:
        return CONFIG_PROBE_POSTGRES;
    default:
        return CONFIG_PROBE_NONE;
    }
}
