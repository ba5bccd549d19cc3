/* Says whom the gateway's judge takes a request for, for test_signatures.py: reads requests from
 * standard input, writes a line about each.
 *
 *     METHOD TARGET           as on the wire; or FORM BUCKET for the fields of a browser's form
 *     Name:value              any number of headers, or fields
 *     (an empty line)
 *
 * The answer is "verified REGION PAYLOAD", "anonymous" or "refused CODE: MESSAGE". */
#include "proxy/gateway/auth_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MOST 64
#define TEXT_SIZE 65536

struct judged {
    char text[TEXT_SIZE];
    size_t used;
    struct span first, second; /* METHOD and TARGET */
    struct http_header lines[LINES_MOST];
    size_t count;
};

static void give_up(const char *what)
{
    fprintf(stderr, "judge_requests: %s\n", what);
    exit(1);
}

static char *next_line(struct judged *judged)
{
    char *line = judged->text + judged->used;
    if (!fgets(line, (int)(TEXT_SIZE - judged->used), stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    judged->used += strlen(line) + 1;
    return line;
}

static int read_request(struct judged *judged)
{
    *judged = (struct judged){0};
    char *line = next_line(judged), *blank = line ? strchr(line, ' ') : NULL;
    if (!line)
        return 0;
    if (!blank)
        give_up("no METHOD TARGET");
    judged->first = span_of(line, (size_t)(blank - line));
    judged->second = span_of_text(blank + 1);
    while ((line = next_line(judged)) && *line) {
        char *colon = strchr(line, ':');
        if (!colon || judged->count == LINES_MOST)
            give_up("no header, or one too many");
        judged->lines[judged->count++] =
            (struct http_header){span_of(line, (size_t)(colon - line)), span_of_text(colon + 1)};
    }
    return 1;
}

static void judge(const struct auth_rules *rules, const struct judged *judged)
{
    struct auth auth;
    struct auth_limits limits;
    struct auth_request request = {judged->first, judged->second, judged->lines, judged->count};
    struct auth_form form = {judged->lines, judged->count, judged->second};
    if (judged->first.size == 4 && memcmp(judged->first.data, "FORM", 4) == 0)
        auth_verify_form(rules, &form, &auth, &limits);
    else
        auth_verify(rules, &request, &auth);
    if (auth.verdict == AUTH_VERIFIED)
        printf(
            "verified %s %.*s\n", auth.region, (int)auth.payload_text.size, auth.payload_text.data);
    else if (auth.verdict == AUTH_ANONYMOUS)
        puts("anonymous");
    else
        printf("refused %s: %s\n", auth.refusal->code, auth.refusal->message);
}

int main(int count, const char *const *arguments)
{
    static struct judged judged;
    struct sigv4 sigv4;
    struct auth_keys keys = {0};
    if (count != 5 || sigv4_init(&sigv4) < 0)
        give_up("usage: judge_requests ACCESS_KEY_ID SECRET SESSION_TOKEN REGION");
    auth_keys_add(
        &keys, auth_key_new(arguments[1], arguments[2], *arguments[3] ? arguments[3] : NULL, 0));
    struct auth_rules rules = {&sigv4, &keys, arguments + 4, 1, (uint64_t)time(NULL)};
    while (read_request(&judged))
        judge(&rules, &judged);
    auth_keys_fini(&keys);
    sigv4_fini(&sigv4);
    return 0;
}
