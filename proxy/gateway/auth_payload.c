/* How the body is vouched for: x-amz-content-sha256. */
#include "proxy/gateway/auth_parts.h"

#include <ctype.h>

static bool is_hash(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isxdigit(text.data[i]))
            return false;
    }
    return text.size == SIGV4_HASH_SIZE - 1;
}

static bool find_mode(struct span text, enum auth_payload *ret)
{
    static const struct {
        const char *text;
        enum auth_payload mode;
    } modes[] = {{SIGV4_UNSIGNED_PAYLOAD, AUTH_PAYLOAD_UNSIGNED},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", AUTH_PAYLOAD_UNSIGNED_TRAILER},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", AUTH_PAYLOAD_CHUNKS},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", AUTH_PAYLOAD_CHUNKS_TRAILER}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (auth_is(text, modes[i].text)) {
            *ret = modes[i].mode;
            return true;
        }
    }
    *ret = AUTH_PAYLOAD_HASH;
    return is_hash(text);
}

static bool read_length(const struct auth_request *request, uint64_t *ret)
{
    const struct http_header *header =
        http_header_find(request->headers, request->header_count, "x-amz-decoded-content-length");
    uint64_t length = 0;
    if (!header || header->value.size == 0 || header->value.size > 18)
        return false;
    for (size_t i = 0; i < header->value.size; i++) {
        uint8_t digit = header->value.data[i];
        if (!isdigit(digit))
            return false;
        length = 10 * length + (uint64_t)(digit - '0');
    }
    *ret = length;
    return true;
}

const struct auth_refusal *auth_read_payload(const struct auth_request *request, struct auth *auth)
{
    static const char v4a[] = "STREAMING-AWS4-ECDSA-";
    struct span text = auth->payload_text;
    if (text.size >= sizeof v4a - 1 && memcmp(text.data, v4a, sizeof v4a - 1) == 0)
        return &auth_payload_v4a;
    if (!find_mode(text, &auth->payload))
        return &auth_bad_payload_hash;
    if (auth->payload == AUTH_PAYLOAD_HASH || auth->payload == AUTH_PAYLOAD_UNSIGNED)
        return NULL;
    /* The first chunk's signature follows from the header's; a query's cannot begin the chain. */
    if (auth->payload != AUTH_PAYLOAD_UNSIGNED_TRAILER && auth->way == AUTH_BY_QUERY)
        return &auth_bad_payload_hash;
    return read_length(request, &auth->decoded_length) ? NULL : &auth_no_length;
}
