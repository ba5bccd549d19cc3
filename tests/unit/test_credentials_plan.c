/* Which place is asked, by environment and files alone. */
#include "base/memory.h"

#include "tests/unit/credentials_scene.h"

#include <errno.h>
#include <stdlib.h>

struct scene {
    struct credentials_scene world;
    struct credentials_plan plan;
    struct failure why;
};

static int set_up(void **state)
{
    struct scene *scene = memory_new(sizeof *scene);
    credentials_scene_init(&scene->world);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    credentials_plan_fini(&scene->plan);
    credentials_scene_fini(&scene->world);
    free(scene);
    return 0;
}

static void set(struct scene *scene, const char *name, const char *value)
{
    credentials_scene_set(&scene->world, name, value);
}

static void write_file(struct scene *scene, const char *name, const char *text)
{
    free(credentials_scene_write(&scene->world, name, text));
}

static void expect(struct scene *scene, enum credentials_base base)
{
    credentials_plan_fini(&scene->plan);
    int status = credentials_plan_make(&scene->world.options, &scene->plan, &scene->why);
    if (status < 0)
        print_message("%s\n", scene->why.text);
    assert_int_equal(status, 0);
    assert_int_equal(scene->plan.base, base);
}

static void expect_keys(struct scene *scene, const char *id)
{
    expect(scene, CREDENTIALS_STATIC);
    assert_string_equal(scene->plan.keys.access_key_id, id);
}

static void expect_words(struct scene *scene, const char *words)
{
    credentials_plan_fini(&scene->plan);
    assert_int_equal(
        credentials_plan_make(&scene->world.options, &scene->plan, &scene->why), -EINVAL);
    if (!strstr(scene->why.text, words))
        print_message("%s\n", scene->why.text);
    assert_non_null(strstr(scene->why.text, words));
}

static void without_anything_the_instance_is_asked(void **state)
{
    struct scene *scene = *state;
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.instance_url, "http://169.254.169.254");
    set(scene, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.instance_url, "http://[fd00:ec2::254]");
    set(scene, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.instance_url, "http://127.0.0.1:1338");
    set(scene, "AWS_EC2_METADATA_DISABLED", "True");
    expect_words(scene, "turned off");
}

/* Each place is set up besides those below it, from the last to the first. */
static void the_places_have_botocores_order(void **state)
{
    struct scene *scene = *state;
    set(scene, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
    expect(scene, CREDENTIALS_CONTAINER);
    assert_string_equal(scene->plan.container_url, "http://169.254.170.2/v2/credentials/1");
    write_file(scene, "config",
        "[default]\naws_access_key_id = CONFIG\naws_secret_access_key = s\nregion = eu-west-1\n");
    expect_keys(scene, "CONFIG");
    write_file(scene, "credentials",
        "[default]\naws_access_key_id = SHARED\naws_secret_access_key = s\n"
        "aws_session_token = t\n");
    expect_keys(scene, "SHARED");
    assert_string_equal(scene->plan.keys.session_token, "t");
    set(scene, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    set(scene, "AWS_ROLE_ARN", "arn:web");
    expect(scene, CREDENTIALS_WEB_IDENTITY);
    assert_string_equal(scene->plan.web.arn, "arn:web");
    write_file(scene, "config", "[default]\nrole_arn = arn:a\nsource_profile = default\n");
    expect_keys(scene, "SHARED");
    assert_int_equal(scene->plan.role_count, 1);
    set(scene, "AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    set(scene, "AWS_SECRET_ACCESS_KEY", "s");
    expect_keys(scene, "ENVIRONMENT");
    assert_int_equal(scene->plan.role_count, 0);
    struct credential configured = {.access_key_id = (char *)"OURS", .secret = (char *)"s"};
    scene->world.options.configured = &configured;
    expect_keys(scene, "OURS");
}

static void the_profile_is_the_environments(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "credentials",
        "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
        "[ops]\naws_access_key_id = B\naws_secret_access_key = s\n");
    expect_keys(scene, "A");
    set(scene, "AWS_DEFAULT_PROFILE", "ops");
    expect_keys(scene, "B");
    set(scene, "AWS_PROFILE", "default");
    expect_keys(scene, "A");
    set(scene, "AWS_PROFILE", "nobody");
    expect_words(scene, "\"nobody\"");
}

static void files_are_found_at_home(void **state)
{
    struct scene *scene = *state;
    write_file(
        scene, "credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = s\n");
    set(scene, "HOME", scene->world.folder);
    set(scene, "AWS_SHARED_CREDENTIALS_FILE", "~/credentials");
    expect_keys(scene, "A");
    set(scene, "HOME", "");
    expect(scene, CREDENTIALS_INSTANCE);
}

static void roles_are_assumed_from_the_source_on(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "config",
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = x\n"
        "duration_seconds = 900\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
        "role_session_name = me\n[profile c]\nrole_arn = arn:c\nsource_profile = d\n");
    write_file(scene, "credentials", "[d]\naws_access_key_id = D\naws_secret_access_key = s\n");
    set(scene, "AWS_PROFILE", "a");
    expect_keys(scene, "D");
    assert_int_equal(scene->plan.role_count, 3);
    assert_string_equal(scene->plan.roles[0].arn, "arn:c");
    assert_string_equal(scene->plan.roles[1].arn, "arn:b");
    assert_string_equal(scene->plan.roles[1].session_name, "me");
    assert_string_equal(scene->plan.roles[2].arn, "arn:a");
    assert_string_equal(scene->plan.roles[2].external_id, "x");
    assert_string_equal(scene->plan.roles[2].duration_s, "900");
}

static void a_source_may_be_a_place(void **state)
{
    struct scene *scene = *state;
    set(scene, "AWS_PROFILE", "a");
    write_file(scene, "config",
        "[profile a]\nrole_arn = arn:a\ncredential_source = Ec2InstanceMetadata\n");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_int_equal(scene->plan.role_count, 1);
    write_file(
        scene, "config", "[profile a]\nrole_arn = arn:a\ncredential_source = EcsContainer\n");
    expect_words(scene, "where none is");
    set(scene, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/a");
    expect(scene, CREDENTIALS_CONTAINER);
    write_file(scene, "config", "[profile a]\nrole_arn = arn:a\ncredential_source = Environment\n");
    expect_words(scene, "where none is");
    write_file(scene, "config", "[profile a]\nrole_arn = arn:a\ncredential_source = Ec2\n");
    expect_words(scene, "unknown credential_source");
}

static void a_profile_may_have_a_web_identity(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "config",
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
        "[profile b]\nrole_arn = arn:b\nweb_identity_token_file = /token\n");
    set(scene, "AWS_PROFILE", "b");
    expect(scene, CREDENTIALS_WEB_IDENTITY);
    assert_int_equal(scene->plan.role_count, 0);
    set(scene, "AWS_PROFILE", "a");
    expect(scene, CREDENTIALS_WEB_IDENTITY);
    assert_int_equal(scene->plan.role_count, 1);
    assert_string_equal(scene->plan.token_file, "/token");
    set(scene, "AWS_PROFILE", "default");
    set(scene, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    write_file(scene, "credentials", "[default]\nx = y\n");
    expect_words(scene, "no role's ARN");
}

static void profiles_in_a_circle_are_refused(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "config",
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
        "[profile b]\nrole_arn = arn:b\nsource_profile = a\n");
    set(scene, "AWS_PROFILE", "a");
    expect_words(scene, "circle");
}

static void half_a_setup_is_refused(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "config", "[default]\nrole_arn = arn:a\n");
    expect_words(scene, "not one of source_profile");
    write_file(scene, "config",
        "[default]\nrole_arn = arn:a\nsource_profile = b\ncredential_source = Environment\n");
    expect_words(scene, "not one of source_profile");
    write_file(scene, "config", "[default]\nrole_arn = arn:a\nsource_profile = b\n");
    expect_words(scene, "\"b\" has no credentials");
    write_file(
        scene, "config", "[default]\nrole_arn = arn:a\nsource_profile = b\nmfa_serial = arn:mfa\n");
    expect_words(scene, "mfa_serial");
    write_file(scene, "config", "[default]\naws_access_key_id = A\n");
    expect_words(scene, "no aws_secret_access_key");
    set(scene, "AWS_ACCESS_KEY_ID", "A");
    expect_words(scene, "the environment has no aws_secret_access_key");
}

static void what_only_sdks_can_do_is_refused_in_words(void **state)
{
    struct scene *scene = *state;
    static const char *const keys[] = {
        "sso_session", "sso_start_url", "login_session", "credential_process"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *config = memory_format("[default]\n%s = x\n[profile a]\nrole_arn = arn:a\n"
                                     "source_profile = default\n",
            keys[i]);
        write_file(scene, "config", config);
        free(config);
        set(scene, "AWS_PROFILE", "default");
        expect_words(scene, keys[i]);
        set(scene, "AWS_PROFILE", "a");
        expect_words(scene, keys[i]);
    }
}

static void sts_is_the_regions_own(void **state)
{
    struct scene *scene = *state;
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.sts_url, "https://sts.us-east-1.amazonaws.com/");
    write_file(scene, "config", "[default]\nregion = eu-west-1\n");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.sts_url, "https://sts.eu-west-1.amazonaws.com/");
    set(scene, "AWS_REGION", "cn-north-1");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.sts_url, "https://sts.cn-north-1.amazonaws.com.cn/");
    scene->world.options.region = "us-west-2";
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.region, "us-west-2");
    set(scene, "AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.sts_url, "http://127.0.0.1:1");
    set(scene, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2");
    expect(scene, CREDENTIALS_INSTANCE);
    assert_string_equal(scene->plan.sts_url, "http://127.0.0.1:2");
    scene->world.options.region = "evil.example/";
    expect_words(scene, "is no region");
}

static void a_container_is_asked_in_the_clear_only_nearby(void **state)
{
    static const char *const safe[] = {"https://anywhere.example/a", "http://127.0.0.1:8080/a",
        "http://127.1.2.3/", "http://localhost/a", "http://[::1]:1/", "http://169.254.170.2/v2",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1"};
    static const char *const unsafe[] = {"http://anywhere.example/a", "http://169.254.170.3/",
        "http://169.254.169.254/", "http://127.0.0.1.example/", "http://localhost.example/",
        "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://[fd00:ec2::24]/", "127.0.0.1", ""};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        assert_true(credentials_container_url_is_safe(safe[i]));
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_false(credentials_container_url_is_safe(unsafe[i]));
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    set(scene, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token");
    expect(scene, CREDENTIALS_CONTAINER);
    assert_string_equal(scene->plan.container_token_file, "/token");
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://anywhere.example/");
    expect_words(scene, "in the clear");
    set(scene, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@anywhere.example/");
    expect_words(scene, "slash");
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(without_anything_the_instance_is_asked),
        SCENE_TEST(the_places_have_botocores_order),
        SCENE_TEST(the_profile_is_the_environments),
        SCENE_TEST(files_are_found_at_home),
        SCENE_TEST(roles_are_assumed_from_the_source_on),
        SCENE_TEST(a_source_may_be_a_place),
        SCENE_TEST(a_profile_may_have_a_web_identity),
        SCENE_TEST(profiles_in_a_circle_are_refused),
        SCENE_TEST(half_a_setup_is_refused),
        SCENE_TEST(what_only_sdks_can_do_is_refused_in_words),
        SCENE_TEST(sts_is_the_regions_own),
        SCENE_TEST(a_container_is_asked_in_the_clear_only_nearby),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
