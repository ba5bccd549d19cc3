/* The host's credentials for programs on this host: who gets them, and the token's file. */
#include "tests/unit/plan_scene.h"

#include "base/secret.h"
#include "proxy/gateway/vend.h"
#include "proxy/gateway/vend_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "0123abcd"
#define OWN "127.0.0.80"

static int set_up(void **state)
{
    plan_scene_set_up(state);
    struct plan_scene *scene = *state;
    scene->config->gateway.vend_credentials = true;
    scene->planner.host = auth_keys_find(&scene->planner.keys, "ASIAEXAMPLE");
    scene->planner.vend_token = strdup(TOKEN);
    scene->is_local = true;
    return 0;
}

static int tear_down(void **state)
{
    free(((struct plan_scene *)*state)->planner.vend_token);
    return plan_scene_tear_down(state);
}

static void ask(struct plan_scene *scene, const char *host, const char *token)
{
    plan_scene_request(scene, "GET", host, VEND_PATH);
    if (token)
        auth_scene_set(scene->auth, "Authorization", token);
    plan_scene_ask(scene, NULL, false);
}

static void expect(struct plan_scene *scene, unsigned status, const char *word)
{
    assert_int_equal(scene->plan.verdict, PLAN_ANSWER);
    assert_int_equal(scene->plan.answer.status, status);
    assert_non_null(scene->plan.answer.json);
    assert_non_null(strstr(scene->plan.answer.json, word));
}

static void who_shows_the_token_gets_the_hosts_key(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, OWN, TOKEN);
    expect(scene, 200, "\"AccessKeyId\":\"ASIAEXAMPLE\"");
    expect(scene, 200, "\"SecretAccessKey\":\"");
    expect(scene, 200, "\"Token\":\"token\"");
    expect(scene, 200, "\"Expiration\":\"2026-11-23T");
    ask(scene, OWN, "Bearer " TOKEN);
    expect(scene, 200, "ASIAEXAMPLE");
}

static void a_key_that_lasts_is_asked_for_again_in_an_hour(void **state)
{
    struct plan_scene *scene = *state;
    scene->planner.host = auth_keys_find(&scene->planner.keys, "AKIDEXAMPLE");
    ask(scene, OWN, TOKEN);
    expect(scene, 200, "\"Token\":\"\",\"Expiration\":\"2026-11-23T13:00:00Z\"");
}

static void nobody_else_does(void **state)
{
    struct plan_scene *scene = *state;
    static const char *const wrong[] = {
        "0123abce", "0123abc", "0123abcd0", "", "Bearer", "Bearer  0123abcd"};
    ask(scene, OWN, NULL);
    expect(scene, 401, "Unauthorized");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ask(scene, OWN, wrong[i]);
        expect(scene, 403, "AccessDenied");
    }
    scene->is_local = false;
    ask(scene, OWN, TOKEN);
    expect(scene, 403, "AccessDenied");
}

static void without_a_token_of_ours_nobody_does(void **state)
{
    struct plan_scene *scene = *state;
    free(scene->planner.vend_token);
    scene->planner.vend_token = NULL;
    ask(scene, OWN, "");
    expect(scene, 403, "AccessDenied");
}

static void a_key_that_is_over_or_missing_can_be_asked_for_again(void **state)
{
    struct plan_scene *scene = *state;
    scene->planner.host->expires_s = SCENE_NOW_S;
    ask(scene, OWN, TOKEN);
    expect(scene, 503, "NotReady");
    scene->planner.host = NULL;
    ask(scene, OWN, TOKEN);
    expect(scene, 503, "NotReady");
    assert_int_equal(scene->plan.answer.retry_after_s, 1);
}

static void at_a_buckets_host_or_when_it_is_off_it_is_a_path_like_any_other(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, EU_STORE, TOKEN);
    assert_null(scene->plan.answer.json);
    scene->config->gateway.vend_credentials = false;
    ask(scene, OWN, TOKEN);
    assert_null(scene->plan.answer.json);
}

static char *open_token(const char *file)
{
    struct failure why = {0};
    char *token = NULL;
    assert_int_equal(vend_token_open(file, &token, &why), 0);
    assert_int_equal(strlen(token), VEND_TOKEN_SIZE - 1);
    return token;
}

static void expect_anew(const char *file, char **token)
{
    struct stat found;
    char *next = open_token(file);
    assert_string_not_equal(next, *token);
    assert_int_equal(lstat(file, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    assert_int_equal(found.st_mode & 07777, 0640);
    secret_free(*token);
    *token = next;
}

static void a_good_token_stays_and_a_doubtful_one_is_replaced(void **state)
{
    (void)state;
    char folder[] = "/tmp/pilotlight-vend-XXXXXX", file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/token", folder);
    char *token = strdup("none");
    expect_anew(file, &token);
    assert_int_equal(chmod(file, 0600), 0);
    char *again = open_token(file);
    assert_string_equal(again, token);
    secret_free(again);
    assert_int_equal(chmod(file, 0644), 0);
    expect_anew(file, &token);
    assert_int_equal(truncate(file, 10), 0);
    expect_anew(file, &token);
    unlink(file);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    expect_anew(file, &token);
    secret_free(token);
    unlink(file);
    rmdir(folder);
}

static void a_file_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct failure why = {0};
    char *token = NULL;
    assert_true(vend_token_open("/nonexistent/token", &token, &why) < 0);
    assert_null(token);
    assert_non_null(strstr(why.text, "/nonexistent/token"));
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(who_shows_the_token_gets_the_hosts_key),
        IN_SCENE(a_key_that_lasts_is_asked_for_again_in_an_hour),
        IN_SCENE(nobody_else_does),
        IN_SCENE(without_a_token_of_ours_nobody_does),
        IN_SCENE(a_key_that_is_over_or_missing_can_be_asked_for_again),
        IN_SCENE(at_a_buckets_host_or_when_it_is_off_it_is_a_path_like_any_other),
        cmocka_unit_test(a_good_token_stays_and_a_doubtful_one_is_replaced),
        cmocka_unit_test(a_file_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
