/* On the good day the file is there, is ours alone, and holds a token.
 *
 * What can go wrong: somebody else owns it, or everybody may read or write it, and then whoever
 * knows that token shall not be believed any more: it is replaced. */
#include "proxy/gateway/vend_token.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0640

static bool is_ours_alone(const char *file)
{
    struct stat found;
    return lstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid() &&
           !(found.st_mode & (S_IWGRP | S_IRWXO));
}

/* NULL: there is none. */
static char *read_token(const char *file)
{
    char *token = NULL;
    size_t size = 0;
    if (!is_ours_alone(file) || file_read(file, VEND_TOKEN_SIZE - 1, &token, &size) < 0)
        return NULL;
    if (strspn(token, "0123456789abcdef") == VEND_TOKEN_SIZE - 1)
        return token;
    secret_free(token);
    return NULL;
}

static int make_token(char ret[VEND_TOKEN_SIZE])
{
    uint8_t bytes[VEND_TOKEN_SIZE / 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

int vend_token_open(const char *file, char **ret_token, struct failure *why)
{
    char token[VEND_TOKEN_SIZE];
    bool renamed = false;
    *ret_token = read_token(file);
    if (*ret_token)
        return 0;
    int status = make_token(token);
    if (status == 0) /* without a line end: SDKs send the file as it is */
        status = file_replace(file, token, sizeof token - 1, MODE, &renamed);
    if (status == 0 || renamed)
        *ret_token = memory_text(token);
    OPENSSL_cleanse(token, sizeof token);
    if (*ret_token)
        return 0;
    return failure_set(why, status, "cannot write %.500s: %s", file, strerror(-status));
}
