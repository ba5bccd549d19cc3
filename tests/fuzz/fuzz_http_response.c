/* S3's answer's head, to a GET and to a HEAD, and what a client would get for it. */
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_scan.h"
#include "proxy/gateway/http_write.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_head first, second;

static int read_response(struct span bytes, bool to_head, struct http_head *ret)
{
    struct http_scan scan = {0};
    if (http_scan(&scan, bytes) != HTTP_SCAN_DONE)
        return -1;
    return http_read_response(
        span_of(bytes.data + scan.begin, scan.seen - scan.begin), to_head, ret);
}

static void try(struct span bytes, bool to_head)
{
    struct text text = {0};
    if (read_response(bytes, to_head, &first) < 0)
        return;
    http_write_response(&text, &first, first.framing, false, 1);
    if (read_response(span_of(text.data, text.size), to_head, &second) == 0) {
        assert(first.status == second.status && first.length == second.length);
        assert(first.framing == second.framing);
    }
    text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(span_of(data, size), false);
    try(span_of(data, size), true);
    return 0;
}
