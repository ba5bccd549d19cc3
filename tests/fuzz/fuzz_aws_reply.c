/* A reply of AWS, after a byte that says of which service and one for its status. Whatever it is,
 * what people hear of it is one line within its bound, and only an answer has a tree. */
#include "failover/aws/call_parts.h"

#include <stdlib.h>

static const struct aws_service *const services[] = {&aws_rds, &aws_ec2, &aws_ecs, &aws_s3};
static const unsigned statuses[] = {200, 301, 400, 403, 429, 500, 501, 503};

static void check_line(const char *text, size_t room)
{
    if (strnlen(text, room) == room)
        abort();
    for (; *text; text++) {
        if ((unsigned char)*text < ' ')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aws_understood understood;
    if (size < 2)
        return 0;
    struct span body = span_of(data + 2, size - 2);
    struct http_header headers[] = {{span_of_text("x-amzn-errortype"), body},
        {span_of_text("date"), body}, {span_of_text("retry-after"), body}};
    struct http_client_reply reply = {.status = statuses[data[1] % 8],
        .sent = true,
        .body = body,
        .headers = headers,
        .header_count = data[0] & 4 ? 3 : 0};
    aws_understand(services[data[0] % 4], data[0] & 8 ? "HEAD" : "GET", "A", &reply, &understood);
    check_line(understood.code, sizeof understood.code);
    check_line(understood.message, sizeof understood.message);
    check_line(understood.request_id, sizeof understood.request_id);
    check_line(understood.trouble, sizeof understood.trouble);
    if (understood.body && understood.meaning != AWS_MEANS_ANSWER)
        abort();
    if (understood.meaning == AWS_MEANS_REFUSAL && !*understood.code)
        abort();
    aws_understood_fini(&understood);
    return 0;
}
