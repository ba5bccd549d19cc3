/* A signed body as it comes, the first byte saying how it is cut and whether it ends with a
 * trailer. It never ends well, and nothing of a short one may pass: no search finds a signature. */
#include "proxy/gateway/chunked.h"
#include "proxy/gateway/chunked_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chunked *make(bool has_trailer)
{
    static struct sigv4 sigv4;
    static struct chunked_options options;
    if (!sigv4.sha256) {
        sigv4_init(&sigv4);
        options.sigv4 = &sigv4;
        options.client = (struct chunked_chain){
            .time = "20261123T120000Z", .region = "eu-west-1", .signature = SIGV4_EMPTY_SHA256};
        options.upstream = options.client;
        options.client.key = auth_key_new("AKIDEXAMPLE", "secret", NULL, 0);
        options.upstream.key = auth_key_new("AKIDOURS", "secret of ours", NULL, 0);
        options.trailers = span_of_text("x-amz-checksum-crc32c");
        options.decoded_length = 1u << 20;
    }
    options.has_trailer = has_trailer;
    options.decoded_length = has_trailer ? 0 : 1u << 20;
    return chunked_new(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunked_head head;
    struct chunked_trailer trailer;
    struct text out = {0};
    if (size == 0)
        return 0;
    struct span left = span_of(data + 1, size - 1);
    chunked_parse_head(left, &head);
    if (chunked_trailer_is_whole(left) && chunked_parse_trailer(left, &trailer) &&
        trailer.signature_offset + 64 > left.size)
        abort();
    struct chunked *chunked = make(data[0] & 1);
    size_t step = (size_t)(data[0] >> 1) + 1;
    int status = 0;
    while (left.size > 0 && status == 0) {
        size_t now = left.size < step ? left.size : step;
        status = chunked_push(chunked, span_of(left.data, now), &out);
        left = span_of(left.data + now, left.size - now);
    }
    if ((size <= CHUNKED_PIECE && out.size > 0) || chunked_finish(chunked) == 0 ||
        !chunked_refusal(chunked))
        abort();
    chunked_free(chunked);
    text_fini(&out);
    return 0;
}
