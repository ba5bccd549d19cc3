/* A policy's text, which is put into base 64 here, and after a NUL the form's fields: a name and a
 * value a line. */
#include "base/memory.h"
#include "proxy/gateway/auth_policy.h"

#include <openssl/evp.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_fields(struct span text, struct http_header fields[AUTH_FIELDS_MOST])
{
    size_t count = 0;
    while (text.size > 0 && count < AUTH_FIELDS_MOST) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        const uint8_t *colon = size ? memchr(text.data, ':', size) : NULL;
        size_t name = colon ? (size_t)(colon - text.data) : size;
        size_t value = colon ? name + 1 : size;
        fields[count++] = (struct http_header){
            span_of(text.data, name), span_of(text.data + value, size - value)};
        size_t step = end ? size + 1 : size;
        text = span_of(text.data + step, text.size - step);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header fields[AUTH_FIELDS_MOST];
    struct auth_limits limits;
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t policy_size = end ? (size_t)(end - data) : size;
    size_t after = end ? policy_size + 1 : size;
    char *policy = memory_new(policy_size / 3 * 4 + 8);
    int encoded = EVP_EncodeBlock((unsigned char *)policy, data, (int)policy_size);
    struct auth_form form = {.fields = fields,
        .count = read_fields(span_of(data + after, size - after), fields),
        .bucket = span_of_text("shop-assets")};
    auth_policy_check(span_of(policy, (size_t)encoded), &form, 1795435200, &limits);
    auth_policy_check(span_of(data, policy_size), &form, 1795435200, &limits);
    free(policy);
    return 0;
}
