/* On the good day the name was asked for before, and its leaf is found near the head of the list.
 *
 * A list and no table: it is bounded, its order is what decides who goes, and a handshake costs as
 * much as looking at thousands of names. */
#include "proxy/gateway/leaf.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct leaf {
    struct leaf *next;
    X509 *certificate;
    time_t from, until;
    char host[CA_HOST_SIZE];
};

struct leaf_cache {
    const struct ca *ca;
    EVP_PKEY *key;
    struct leaf *first; /* the most recently used */
    size_t count, most;
};

struct leaf_cache *leaf_cache_new(const struct ca *ca, size_t most)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return NULL;
    struct leaf_cache *cache = memory_new(sizeof *cache);
    *cache = (struct leaf_cache){.ca = ca, .key = key, .most = most};
    return cache;
}

static void free_leaf(struct leaf *leaf)
{
    X509_free(leaf->certificate);
    free(leaf);
}

void leaf_cache_free(struct leaf_cache *cache)
{
    if (!cache)
        return;
    for (struct leaf *leaf = cache->first, *next; leaf; leaf = next) {
        next = leaf->next;
        free_leaf(leaf);
    }
    EVP_PKEY_free(cache->key);
    free(cache);
}

EVP_PKEY *leaf_cache_key(struct leaf_cache *cache)
{
    return cache->key;
}

/* Out of the list; NULL when it is not there. */
static struct leaf *take(struct leaf_cache *cache, const char *host)
{
    for (struct leaf **at = &cache->first; *at; at = &(*at)->next) {
        struct leaf *leaf = *at;
        if (strcmp(leaf->host, host) == 0) {
            *at = leaf->next;
            cache->count--;
            return leaf;
        }
    }
    return NULL;
}

static void put_first(struct leaf_cache *cache, struct leaf *leaf)
{
    leaf->next = cache->first;
    cache->first = leaf;
    cache->count++;
}

static void drop_last(struct leaf_cache *cache)
{
    struct leaf **at = &cache->first;
    while ((*at)->next)
        at = &(*at)->next;
    free_leaf(*at);
    *at = NULL;
    cache->count--;
}

/* The clock may have jumped either way. */
static bool is_good(const struct leaf *leaf, time_t now)
{
    return now > leaf->from && now < leaf->until - LEAF_AHEAD_S;
}

static int make(struct leaf_cache *cache, const char *host, time_t now, struct leaf **ret)
{
    X509 *certificate;
    time_t from = now - LEAF_BACKDATE_S, until = now + LEAF_LIFE_S;
    int status = ca_sign_leaf(cache->ca, cache->key, host, from, until, &certificate);
    if (status < 0)
        return status;
    *ret = memory_new(sizeof **ret);
    **ret = (struct leaf){.certificate = certificate, .from = from, .until = until};
    strcpy((*ret)->host, host); /* a host name, or there would be no certificate */
    return 0;
}

int leaf_cache_get(struct leaf_cache *cache, const char *host, time_t now, X509 **ret_leaf)
{
    struct leaf *leaf = take(cache, host);
    if (leaf && !is_good(leaf, now)) {
        free_leaf(leaf);
        leaf = NULL;
    }
    int status = leaf ? 0 : make(cache, host, now, &leaf);
    if (status < 0)
        return status;
    if (cache->count == cache->most)
        drop_last(cache);
    put_first(cache, leaf);
    *ret_leaf = leaf->certificate;
    return 0;
}
