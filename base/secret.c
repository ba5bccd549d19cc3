#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void secret_free(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

void secret_text_fini(struct text *text)
{
    if (text->data)
        OPENSSL_cleanse(text->data, text->room);
    text_fini(text);
}
