/* A request target and a header's value, apart at the first line feed. What is canonical stays what
 * it is when it becomes canonical again. */
#include "base/sigv4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(void *context, const void *data, size_t size)
{
    text_add(context, data, size);
}

static void check_query(struct span query)
{
    struct text once = {0}, twice = {0};
    text_put(&once, "");
    text_put(&twice, "");
    if (sigv4_canonical_query(SIGV4_S3, query, add, &once) == 0) {
        struct span again = span_of(once.data, once.size);
        if (sigv4_canonical_query(SIGV4_S3, again, add, &twice) < 0 || once.size != twice.size ||
            memcmp(once.data, twice.data, once.size) != 0)
            abort();
    }
    text_fini(&once);
    text_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span whole = span_of(data, size);
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    struct span target = span_of(data, line ? (size_t)(line - data) : size);
    const uint8_t *question = target.size ? memchr(data, '?', target.size) : NULL;
    struct http_header header = {
        span_of_text("x-amz-meta"), span_of(data + target.size, whole.size - target.size)};
    struct sigv4_request request = {.method = span_of_text("GET"),
        .path = span_of(data, question ? (size_t)(question - data) : target.size),
        .headers = &header,
        .header_count = 1,
        .signed_headers = span_of_text("x-amz-meta")};
    if (question)
        request.query = span_of(question + 1, target.size - (size_t)(question - data) - 1);
    check_query(request.query);
    for (int style = SIGV4_AS_SENT; style <= SIGV4_SERVICE; style++) {
        struct text out = {0};
        request.style = (enum sigv4_style)style;
        sigv4_canonical_request(&request, add, &out);
        text_fini(&out);
    }
    return 0;
}
