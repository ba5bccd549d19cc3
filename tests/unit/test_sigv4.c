/* The public test suite: every folder's request comes to its canonical request, its string to sign
 * and its Authorization header. */
#include "base/file.h"
#include "base/sigv4_request.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME "20150830T123600Z"
#define HEADERS_MOST 16

static const struct sigv4_scope suite_scope = {
    .date = {(const uint8_t *)"20150830", 8},
    .region = {(const uint8_t *)"us-east-1", 9},
    .service = {(const uint8_t *)"service", 7},
};

static void add(void *context, const void *data, size_t size)
{
    text_add(context, data, size);
}

static char *read_part(const char *folder, const char *part)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, part);
    assert_int_equal(file_read(path, 1 << 16, &text, &size), 0);
    return text;
}

/* A request's text cut into its parts; folded lines become one, as before HTTP forbade them. */
struct scene {
    char *text;
    struct http_header headers[HEADERS_MOST];
    char payload[SIGV4_HASH_SIZE], signed_headers[SIGV4_SIGNED_HEADERS_SIZE];
    struct sigv4_request request;
};

static char *take_line(char **at)
{
    char *line = *at, *end = line + strcspn(line, "\n");
    while (*end && (end[1] == ' ' || end[1] == '\t')) {
        *end = ' ';
        end += strcspn(end, "\n");
    }
    *at = *end ? end + 1 : end;
    *end = '\0';
    return line;
}

static void cut_first_line(struct scene *scene, char *line)
{
    char *target = strchr(line, ' ') + 1, *end = strrchr(line, ' ');
    char *question = memchr(target, '?', (size_t)(end - target));
    char *path_end = question ? question : end;
    scene->request.method = span_of(line, (size_t)(target - line) - 1);
    scene->request.path = span_of(target, (size_t)(path_end - target));
    if (question)
        scene->request.query = span_of(question + 1, (size_t)(end - question) - 1);
}

static void cut(struct scene *scene, char *text, const struct sigv4 *sigv4)
{
    *scene = (struct scene){.text = text};
    char *at = text;
    cut_first_line(scene, take_line(&at));
    size_t count = 0;
    for (char *line; *at && *(line = take_line(&at));) {
        char *colon = strchr(line, ':');
        assert_true(colon && count < HEADERS_MOST);
        scene->headers[count++] =
            (struct http_header){span_of(line, (size_t)(colon - line)), span_of_text(colon + 1)};
    }
    assert_int_equal(sigv4_hash(sigv4, span_of_text(at), scene->payload), 0);
    scene->request.headers = scene->headers;
    scene->request.header_count = count;
    scene->request.payload = span_of_text(scene->payload);
    scene->request.style = SIGV4_SERVICE;
}

/* Where the signer has a session's token and the request does not, it becomes a header. */
static void choose_headers(struct scene *scene, char *canonical)
{
    const char *name = "x-amz-security-token";
    char *line = strstr(canonical, "x-amz-security-token:");
    size_t count = scene->request.header_count;
    if (line && !http_header_find(scene->headers, count, name)) {
        char *token = strchr(line, ':') + 1;
        scene->headers[count++] =
            (struct http_header){span_of_text(name), span_of(token, strcspn(token, "\n"))};
        scene->request.header_count = count;
    }
    assert_int_equal(sigv4_choose_headers(scene->headers, count, scene->signed_headers), 0);
    scene->request.signed_headers = span_of_text(scene->signed_headers);
}

static void check_stages(const struct sigv4 *sigv4, struct sigv4_key *key, const char *folder)
{
    struct scene scene;
    cut(&scene, read_part(folder, "req"), sigv4);
    char *canonical = read_part(folder, "creq"), *to_sign = read_part(folder, "sts");
    char *authorization = read_part(folder, "authz");
    choose_headers(&scene, canonical);
    struct text text = {0};
    assert_int_equal(sigv4_canonical_request(&scene.request, add, &text), 0);
    assert_string_equal(text.data, canonical);
    char hash[SIGV4_HASH_SIZE], string[SIGV4_STRING_SIZE];
    assert_int_equal(sigv4_hash(sigv4, span_of(text.data, text.size), hash), 0);
    sigv4_string_to_sign(key, TIME, hash, string);
    assert_string_equal(string, to_sign);
    text_fini(&text);
    assert_int_equal(sigv4_authorize(sigv4, key, "AKIDEXAMPLE", &scene.request, TIME, &text), 0);
    assert_string_equal(text.data, authorization);
    text_fini(&text);
    free(scene.text);
    free(canonical);
    free(to_sign);
    free(authorization);
}

static void every_request_of_the_public_suite_is_signed_as_published(void **unused)
{
    (void)unused;
    struct sigv4 sigv4;
    struct sigv4_key key = {0};
    assert_int_equal(sigv4_init(&sigv4), 0);
    assert_int_equal(sigv4_key_prepare(&sigv4, &key, SECRET, &suite_scope), 0);
    const char *root = getenv("SIGV4_VECTORS");
    DIR *folder = opendir(root ? root : "tests/vectors/sigv4");
    assert_non_null(folder);
    unsigned checked = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
        if (*entry->d_name == '.' || stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
            continue;
        check_stages(&sigv4, &key, path);
        checked++;
    }
    closedir(folder);
    assert_int_equal(checked, 34);
    sigv4_key_fini(&key);
    sigv4_fini(&sigv4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_of_the_public_suite_is_signed_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
