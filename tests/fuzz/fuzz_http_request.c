/* A request's head, and what would be sent on for it: whatever is taken is taken the same way when
 * it is read again from what was written. */
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_scan.h"
#include "proxy/gateway/http_write.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_head first, second;

/* 0 when it is a request that is taken. */
static unsigned read_request(struct span bytes, struct http_head *ret)
{
    struct http_scan scan = {0};
    int status = http_scan(&scan, bytes);
    if (status != HTTP_SCAN_DONE)
        return 400;
    return http_read_request(span_of(bytes.data + scan.begin, scan.seen - scan.begin), ret);
}

static void assert_same(struct span a, struct span b)
{
    assert(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {0};
    if (read_request(span_of(data, size), &first) != 0)
        return 0;
    http_write_request(&text, &first);
    unsigned status = read_request(span_of(text.data, text.size), &second);
    assert(status == 0 || status == 431 || status == 414);
    if (status == 0) {
        assert_same(first.method, second.method);
        assert_same(first.target, second.target);
        assert_same(first.host, second.host);
        assert(first.framing == second.framing && first.length == second.length);
        assert(first.expects_continue == second.expects_continue);
    }
    text_fini(&text);
    return 0;
}
