/* Signs what it is told to, for test_signatures.py to compare with another signer: reads requests
 * from standard input, writes a line about each.
 *
 *     TIME                    of the request: 20150830T123600Z
 *     METHOD PATH ?QUERY      the query may be empty
 *     PAYLOAD EXPIRES         its hash; 0, or for how long the query is to authorize it
 *     Name:value              any number of headers
 *     (an empty line)
 *
 * The answer is the signature of path and query as they stand, then that of what they mean; where
 * the query is to authorize, it is the query. */
#include "base/sigv4_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MOST 32
#define HEAD_SIZE 65536

struct head {
    char text[HEAD_SIZE];
    size_t used;
    const char *time;
    unsigned expires_s;
    struct http_header headers[HEADERS_MOST];
    char signed_headers[SIGV4_SIGNED_HEADERS_SIZE];
    struct sigv4_request request;
};

static void give_up(const char *what)
{
    fprintf(stderr, "sign_requests: %s\n", what);
    exit(1);
}

/* The next line without its end; NULL when there is none. It stays in the head. */
static char *next_line(struct head *head)
{
    char *line = head->text + head->used;
    if (!fgets(line, (int)(HEAD_SIZE - head->used), stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    head->used += strlen(line) + 1;
    return line;
}

static char *must_line(struct head *head)
{
    char *line = next_line(head);
    if (!line)
        give_up("it ends too early");
    return line;
}

static void read_target(struct head *head)
{
    char *line = must_line(head), *path = strchr(line, ' '), *query = strrchr(line, ' ');
    if (!path || query == path || query[1] != '?')
        give_up("no METHOD PATH ?QUERY");
    head->request.method = span_of(line, (size_t)(path - line));
    head->request.path = span_of(path + 1, (size_t)(query - path) - 1);
    head->request.query = span_of_text(query + 2);
}

static void read_headers(struct head *head)
{
    size_t count = 0;
    for (char *line = must_line(head); *line; line = must_line(head)) {
        char *colon = strchr(line, ':');
        if (!colon || count == HEADERS_MOST)
            give_up("no header, or one too many");
        head->headers[count++] =
            (struct http_header){span_of(line, (size_t)(colon - line)), span_of_text(colon + 1)};
    }
    if (sigv4_choose_headers(head->headers, count, head->signed_headers) < 0)
        give_up("too many headers");
    head->request.headers = head->headers;
    head->request.header_count = count;
    head->request.signed_headers = span_of_text(head->signed_headers);
}

static int read_head(struct head *head)
{
    *head = (struct head){0};
    if (!(head->time = next_line(head)))
        return 0;
    read_target(head);
    char *payload = must_line(head), *expires = strchr(payload, ' ');
    if (!expires)
        give_up("no PAYLOAD EXPIRES");
    head->request.payload = span_of(payload, (size_t)(expires - payload));
    head->expires_s = (unsigned)strtoul(expires, NULL, 10);
    read_headers(head);
    return 1;
}

static void print_signatures(const struct sigv4 *sigv4, struct sigv4_key *key, struct head *head)
{
    char as_sent[SIGV4_SIGNATURE_SIZE], meant[SIGV4_SIGNATURE_SIZE];
    head->request.style = SIGV4_AS_SENT;
    int status = sigv4_sign(sigv4, key, &head->request, head->time, as_sent);
    head->request.style = SIGV4_S3;
    if (status < 0 || sigv4_sign(sigv4, key, &head->request, head->time, meant) < 0)
        give_up("it cannot be signed");
    printf("%s %s\n", as_sent, meant);
}

static void print_query(const struct sigv4 *sigv4, struct sigv4_key *key, struct head *head,
    const char *const *arguments)
{
    struct sigv4_presigned presigned = {.access_key_id = arguments[1],
        .session_token = *arguments[3] ? arguments[3] : NULL,
        .expires_s = head->expires_s,
        .time = head->time};
    struct text query = {0};
    if (sigv4_presign(sigv4, key, &head->request, &presigned, &query) < 0)
        give_up("it cannot be presigned");
    puts(query.data);
    text_fini(&query);
}

static void answer(const struct sigv4 *sigv4, struct sigv4_key *key, struct head *head,
    const char *const *arguments)
{
    struct sigv4_scope scope = {.date = span_of(head->time, SIGV4_DATE_SIZE - 1),
        .region = span_of_text(arguments[4]),
        .service = span_of_text("s3")};
    if (strlen(head->time) != SIGV4_TIME_SIZE - 1 ||
        sigv4_key_prepare(sigv4, key, arguments[2], &scope) < 0)
        give_up("no time, or no key");
    if (head->expires_s > 0)
        print_query(sigv4, key, head, arguments);
    else
        print_signatures(sigv4, key, head);
}

int main(int count, const char *const *arguments)
{
    struct sigv4 sigv4;
    struct sigv4_key key = {0};
    static struct head head;
    if (count != 5 || sigv4_init(&sigv4) < 0)
        give_up("usage: sign_requests ACCESS_KEY_ID SECRET SESSION_TOKEN REGION");
    while (read_head(&head))
        answer(&sigv4, &key, &head, arguments);
    sigv4_key_fini(&key);
    sigv4_fini(&sigv4);
    return 0;
}
