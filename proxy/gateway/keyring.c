/* On the good day every file holds a secret, the host's credentials are found, and every loop has
 * them before its first request.
 *
 * What can go wrong: a file that is not there or holds no secret, no credentials for this host;
 * both are logged, and whoever signs with such a key gets S3's 403 once something must be renamed.
 */
#include "proxy/gateway/keyring.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/sigv4.h"
#include "proxy/gateway/vend_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET_FILE_MAX 4096 /* bytes */
#define FORMER_MAX 8         /* rotated keys of the host that may still verify */

struct keyring {
    struct loop *main_loop;
    struct gateway *gateway;
    struct config *config; /* a reference */
    struct credential **clients;
    size_t client_count;
    struct credential *host; /* NULL: none */
    struct credential *former[FORMER_MAX];
    size_t former_count;
    bool is_waiting;
    char *vend_token; /* NULL: the host's key is given to nobody */
    struct http_client *http;
    struct credentials *chain; /* NULL: the host's key is the configuration's */
    loop_call *freed;
    void *freed_context;
};

/* Without the blanks and line ends around it; false: it is empty or too long. */
static bool trim(char *text)
{
    static const char blanks[] = " \t\r\n";
    size_t start = strspn(text, blanks), size = strlen(text + start);
    while (size > 0 && strchr(blanks, text[start + size - 1]))
        size--;
    memmove(text, text + start, size);
    memset(text + size, 0, strlen(text) - size);
    return size > 0 && size < SIGV4_SECRET_SIZE;
}

/* NULL: logged. */
static struct credential *read_key(const struct config_key *key)
{
    char *secret = NULL;
    size_t size;
    int status = file_read(key->secret_file, SECRET_FILE_MAX, &secret, &size);
    if (status == 0 && (strlen(secret) != size || !trim(secret)))
        status = -EINVAL;
    if (status < 0) {
        log_error("key_unreadable", LOG_TEXT("access_key_id", key->access_key_id),
            LOG_TEXT("file", key->secret_file), LOG_ERROR(status));
        secret_free(secret);
        return NULL;
    }
    struct credential *credential = memory_new(sizeof *credential);
    credential->access_key_id = memory_text(key->access_key_id);
    credential->secret = secret;
    return credential;
}

static void hand_out(const struct keyring *keyring)
{
    struct gateway_keys *keys = gateway_keys_new();
    for (size_t i = 0; i < keyring->former_count; i++)
        gateway_keys_add(keys, keyring->former[i]);
    for (size_t i = 0; i < keyring->client_count; i++)
        gateway_keys_add(keys, keyring->clients[i]);
    if (keyring->host) {
        gateway_keys_add(keys, keyring->host);
        keys->host = keys->list[keys->count - 1];
    }
    keys->is_waiting = keyring->is_waiting;
    keys->vend_token = memory_text(keyring->vend_token);
    gateway_set_keys(keyring->gateway, keys);
    gateway_keys_unref(keys);
}

static void forget_former(struct keyring *keyring, size_t index)
{
    credential_free(keyring->former[index]);
    keyring->former_count--;
    memmove(keyring->former + index, keyring->former + index + 1,
        (keyring->former_count - index) * sizeof *keyring->former);
}

/* Takes `next`. Only what expires goes on until then: the rest was taken back. */
static void replace_host(struct keyring *keyring, struct credential *next)
{
    uint64_t now_s = (uint64_t)time(NULL);
    struct credential *last = keyring->host;
    keyring->host = next;
    for (size_t i = keyring->former_count; i-- > 0;) {
        if (keyring->former[i]->expires_s <= now_s)
            forget_former(keyring, i);
    }
    if (!last || last->expires_s <= now_s) {
        credential_free(last);
        return;
    }
    if (keyring->former_count == FORMER_MAX)
        forget_former(keyring, 0);
    keyring->former[keyring->former_count++] = last;
}

static void on_changed(void *context, const struct credential *credential, const char *why)
{
    struct keyring *keyring = context;
    keyring->is_waiting = false;
    if (credential)
        log_info("host_credentials", LOG_TEXT("from", credentials_source(keyring->chain)),
            LOG_TEXT("access_key_id", credential->access_key_id));
    else
        log_warning("host_credentials_missing", LOG_TEXT("why", why));
    replace_host(keyring, credential ? credential_copy(credential) : NULL);
    hand_out(keyring);
}

static void read_clients(struct keyring *keyring)
{
    const struct config *config = keyring->config;
    for (size_t i = 0; i < keyring->client_count; i++)
        credential_free(keyring->clients[i]);
    keyring->client_count = 0;
    keyring->clients =
        memory_resize(keyring->clients, config->gateway.client_count + 1, sizeof *keyring->clients);
    for (size_t i = 0; i < config->gateway.client_count; i++) {
        struct credential *client = read_key(&config->gateway.clients[i]);
        if (client)
            keyring->clients[keyring->client_count++] = client;
    }
}

static void start_chain(struct keyring *keyring)
{
    if (keyring->chain)
        return;
    if (!keyring->http)
        keyring->http = http_client_new(keyring->main_loop, NULL);
    keyring->is_waiting = keyring->http != NULL;
    struct credentials_options options = {
        .client = keyring->http, .changed = on_changed, .context = keyring};
    if (keyring->http)
        keyring->chain = credentials_new(keyring->main_loop, &options);
}

static void read_host(struct keyring *keyring)
{
    const struct config_key *own = &keyring->config->gateway.credentials;
    if (!own->access_key_id) {
        start_chain(keyring);
        return;
    }
    credentials_free(keyring->chain, NULL, NULL);
    keyring->chain = NULL;
    keyring->is_waiting = false;
    replace_host(keyring, read_key(own));
}

/* Beside the control socket, for what is there is for programs of this host. */
static void read_vend_token(struct keyring *keyring)
{
    const char *socket = keyring->config->control.socket, *end = strrchr(socket, '/');
    struct failure why = {0};
    secret_free(keyring->vend_token);
    keyring->vend_token = NULL;
    if (!keyring->config->gateway.vend_credentials)
        return;
    char *file =
        memory_format("%.*s/" VEND_TOKEN_FILE, end ? (int)(end - socket) : 1, end ? socket : ".");
    if (vend_token_open(file, &keyring->vend_token, &why) < 0)
        log_error("vend_token_unwritable", LOG_TEXT("why", why.text));
    free(file);
}

struct keyring *keyring_new(struct loop *main_loop, struct gateway *gateway)
{
    struct keyring *keyring = memory_new(sizeof *keyring);
    keyring->main_loop = main_loop;
    keyring->gateway = gateway;
    return keyring;
}

void keyring_configure(struct keyring *keyring, struct config *config)
{
    if (config == keyring->config || gateway_loop_count(keyring->gateway) == 0)
        return;
    config_unref(keyring->config);
    keyring->config = config_ref(config);
    read_clients(keyring);
    read_host(keyring);
    read_vend_token(keyring);
    hand_out(keyring);
}

const struct credential *keyring_host(const struct keyring *keyring, const char **ret_why)
{
    if (keyring->is_waiting)
        *ret_why = "they are still looked for";
    else if (keyring->chain)
        *ret_why = credentials_problem(keyring->chain);
    else if (keyring->config && keyring->config->gateway.credentials.access_key_id)
        *ret_why = "the secret of gateway.credentials cannot be read";
    else
        *ret_why = "libcurl is not installed";
    return keyring->host;
}

static void on_http_freed(void *context)
{
    struct keyring *keyring = context;
    loop_call *freed = keyring->freed;
    void *freed_context = keyring->freed_context;
    for (size_t i = 0; i < keyring->client_count; i++)
        credential_free(keyring->clients[i]);
    for (size_t i = 0; i < keyring->former_count; i++)
        credential_free(keyring->former[i]);
    credential_free(keyring->host);
    secret_free(keyring->vend_token);
    free(keyring->clients);
    config_unref(keyring->config);
    free(keyring);
    freed(freed_context);
}

static void on_chain_freed(void *context)
{
    struct keyring *keyring = context;
    http_client_free(keyring->http, on_http_freed, keyring);
}

void keyring_free(struct keyring *keyring, loop_call *freed, void *context)
{
    keyring->freed = freed;
    keyring->freed_context = context;
    credentials_free(keyring->chain, on_chain_freed, keyring);
}
