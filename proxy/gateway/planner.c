#include "proxy/gateway/planner.h"

#include "base/memory.h"
#include "base/secret.h"

#include <string.h>

int planner_init(struct planner *planner)
{
    *planner = (struct planner){.is_waiting = true};
    return sigv4_init(&planner->sigv4);
}

void planner_fini(struct planner *planner)
{
    auth_key_drop(planner->host);
    auth_keys_fini(&planner->keys);
    secret_free(planner->vend_token);
    sigv4_fini(&planner->sigv4);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct auth_key *key_for(const struct auth_keys *former, const struct credential *credential)
{
    struct auth_key *key = auth_keys_find(former, credential->access_key_id);
    bool stays = key && same_text(key->secret, credential->secret) &&
                 same_text(key->session_token, credential->session_token) &&
                 key->expires_s == credential->expires_s;
    return stays ? auth_key_hold(key)
                 : auth_key_new(credential->access_key_id, credential->secret,
                       credential->session_token, credential->expires_s);
}

void planner_take_keys(struct planner *planner, const struct gateway_keys *keys)
{
    struct auth_keys next = {0};
    for (size_t i = 0; i < keys->count; i++)
        auth_keys_add(&next, key_for(&planner->keys, keys->list[i]));
    auth_key_drop(planner->host);
    auth_keys_fini(&planner->keys);
    planner->keys = next;
    struct auth_key *host = keys->host ? auth_keys_find(&next, keys->host->access_key_id) : NULL;
    planner->host = host ? auth_key_hold(host) : NULL;
    planner->is_waiting = keys->is_waiting;
    secret_free(planner->vend_token);
    planner->vend_token = memory_text(keys->vend_token);
}
