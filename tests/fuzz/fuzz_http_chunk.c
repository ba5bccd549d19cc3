/* A chunked body, whole and byte by byte: the same data, the same end, the same verdict. */
#include "base/text.h"
#include "proxy/gateway/http_chunk.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct text data;
    size_t left;
    int status;
    bool over;
};

static void decode(struct span input, size_t piece, struct outcome *ret)
{
    struct http_chunk chunk = {0};
    while (input.size > 0 && ret->status == 0 && !http_chunk_is_over(&chunk)) {
        size_t size = input.size < piece ? input.size : piece;
        struct span some = span_of(input.data, size), data;
        ret->status = http_chunk_next(&chunk, &some, &data);
        text_add(&ret->data, data.data, data.size);
        input = span_of(input.data + size - some.size, input.size - size + some.size);
    }
    ret->left = input.size;
    ret->over = http_chunk_is_over(&chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {0}, pieces = {0};
    decode(span_of(data, size), size ? size : 1, &whole);
    decode(span_of(data, size), 1, &pieces);
    assert(whole.status == pieces.status && whole.over == pieces.over);
    assert(whole.data.size == pieces.data.size);
    assert(!whole.data.size || memcmp(whole.data.data, pieces.data.data, whole.data.size) == 0);
    assert(!whole.over || whole.left == pieces.left);
    text_fini(&whole.data);
    text_fini(&pieces.data);
    return 0;
}
