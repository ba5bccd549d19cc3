#include "proxy/gateway/auth_keys.h"

#include "base/memory.h"
#include "base/secret.h"

#include <stdlib.h>

struct auth_key *auth_key_new(
    const char *access_key_id, const char *secret, const char *session_token, uint64_t expires_s)
{
    struct auth_key *key = memory_new(sizeof *key);
    key->access_key_id = memory_text(access_key_id);
    key->secret = memory_text(secret);
    key->session_token = memory_text(session_token);
    key->expires_s = expires_s;
    key->holds = 1;
    return key;
}

struct auth_key *auth_key_hold(struct auth_key *key)
{
    key->holds++;
    return key;
}

void auth_key_drop(struct auth_key *key)
{
    if (!key || --key->holds > 0)
        return;
    for (size_t i = 0; i < AUTH_KEY_SLOTS; i++)
        sigv4_key_fini(&key->slots[i]);
    secret_free(key->secret);
    secret_free(key->session_token);
    free(key->access_key_id);
    free(key);
}

int auth_key_prepare(struct auth_key *key, const struct sigv4 *sigv4, const char *time,
    const char *region, struct sigv4_key **ret)
{
    struct sigv4_scope scope = {.date = span_of(time, SIGV4_DATE_SIZE - 1),
        .region = span_of_text(region),
        .service = span_of_text("s3")};
    for (size_t i = 0; i < AUTH_KEY_SLOTS; i++) {
        *ret = &key->slots[i];
        if (sigv4_key_is(*ret, key->secret, &scope))
            return 0;
    }
    *ret = &key->slots[key->next_slot];
    key->next_slot = (key->next_slot + 1) % AUTH_KEY_SLOTS;
    return sigv4_key_prepare(sigv4, *ret, key->secret, &scope);
}

void auth_keys_fini(struct auth_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        auth_key_drop(keys->keys[i]);
    free(keys->keys);
    *keys = (struct auth_keys){0};
}

/* Where a key with this id is, or would be. */
static size_t place_of(const struct auth_keys *keys, const char *access_key_id)
{
    size_t least = 0, most = keys->count;
    while (least < most) {
        size_t middle = (least + most) / 2;
        if (strcmp(keys->keys[middle]->access_key_id, access_key_id) < 0)
            least = middle + 1;
        else
            most = middle;
    }
    return least;
}

static bool is_at(const struct auth_keys *keys, size_t place, const char *access_key_id)
{
    return place < keys->count && strcmp(keys->keys[place]->access_key_id, access_key_id) == 0;
}

void auth_keys_add(struct auth_keys *keys, struct auth_key *key)
{
    size_t place = place_of(keys, key->access_key_id);
    if (is_at(keys, place, key->access_key_id)) {
        auth_key_drop(keys->keys[place]);
        keys->keys[place] = key;
        return;
    }
    keys->keys = memory_resize(keys->keys, keys->count + 1, sizeof *keys->keys);
    memmove(keys->keys + place + 1, keys->keys + place, (keys->count - place) * sizeof *keys->keys);
    keys->keys[place] = key;
    keys->count++;
}

struct auth_key *auth_keys_find(const struct auth_keys *keys, const char *access_key_id)
{
    size_t place = place_of(keys, access_key_id);
    return is_at(keys, place, access_key_id) ? keys->keys[place] : NULL;
}
