/* On the good day one of the places is set up, and that is the plan. One that is set up by half, or
 * in a way that we do not have, is said in words: nobody goes on to the next place by mistake. */
#include "base/credentials_plan.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/sigv4.h"
#include "base/url.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define INSTANCE_URL "http://169.254.169.254"
#define INSTANCE_URL_V6 "http://[fd00:ec2::254]"
#define CONTAINER_HOST "http://169.254.170.2"

struct maker {
    const struct credentials_options *options;
    struct ini shared, config;
    const char *profile;
    struct credentials_plan *plan;
    struct failure *why;
};

static const char *environment(const struct maker *maker, const char *name)
{
    const struct credentials_world *world = &maker->options->world;
    const char *value =
        world->environment ? world->environment(world->context, name) : getenv(name);
    return value && *value ? value : NULL;
}

static const char *first_of(const char *a, const char *b)
{
    return a ? a : b;
}

/* The file that `variable` names, or `fallback` in the home directory. */
static void read_file(
    struct maker *maker, const char *variable, const char *fallback, struct ini *ret)
{
    const char *path = first_of(environment(maker, variable), fallback);
    const char *home = environment(maker, "HOME");
    char *whole = NULL;
    if (strncmp(path, "~/", 2) != 0)
        whole = memory_text(path);
    else if (home)
        whole = memory_format("%s/%s", home, path + 2);
    if (whole)
        ini_read(whole, ret);
    free(whole);
}

static const char *config_value(const struct maker *maker, const char *profile, const char *key)
{
    char *section = memory_format("profile %s", profile);
    const char *value = ini_value(&maker->config, section, key);
    free(section);
    if (!value && strcmp(profile, "default") == 0)
        value = ini_value(&maker->config, profile, key);
    return value;
}

/* Both files' as one: the credentials file's word counts first. */
static const char *value_of(const struct maker *maker, const char *profile, const char *key)
{
    return first_of(ini_value(&maker->shared, profile, key), config_value(maker, profile, key));
}

static bool has_profile(const struct maker *maker, const char *profile)
{
    char *section = memory_format("profile %s", profile);
    bool has = ini_has_section(&maker->shared, profile) ||
               ini_has_section(&maker->config, section) ||
               (strcmp(profile, "default") == 0 && ini_has_section(&maker->config, profile));
    free(section);
    return has;
}

/* 0, -ENOENT when there are none, -EINVAL when there is a half. */
static int set_keys(
    struct maker *maker, const char *source, const char *id, const char *secret, const char *token)
{
    struct credential *keys = &maker->plan->keys;
    if (!id)
        return -ENOENT;
    if (!secret)
        return failure_set(
            maker->why, -EINVAL, "the access key of %s has no aws_secret_access_key", source);
    maker->plan->base = CREDENTIALS_STATIC;
    maker->plan->source = source;
    keys->access_key_id = memory_text(id);
    keys->secret = memory_text(secret);
    keys->session_token = memory_text(token);
    return 0;
}

static int from_environment(struct maker *maker)
{
    return set_keys(maker, "the environment", environment(maker, "AWS_ACCESS_KEY_ID"),
        environment(maker, "AWS_SECRET_ACCESS_KEY"),
        first_of(
            environment(maker, "AWS_SESSION_TOKEN"), environment(maker, "AWS_SECURITY_TOKEN")));
}

static int from_shared_file(struct maker *maker, const char *profile)
{
    const struct ini *shared = &maker->shared;
    return set_keys(maker, "the shared credentials file",
        ini_value(shared, profile, "aws_access_key_id"),
        ini_value(shared, profile, "aws_secret_access_key"),
        ini_value(shared, profile, "aws_session_token"));
}

static int from_config_file(struct maker *maker, const char *profile)
{
    return set_keys(maker, "the configuration file",
        config_value(maker, profile, "aws_access_key_id"),
        config_value(maker, profile, "aws_secret_access_key"),
        config_value(maker, profile, "aws_session_token"));
}

static int set_web(
    struct maker *maker, const char *token_file, const char *arn, const char *session_name)
{
    if (!token_file)
        return -ENOENT;
    if (!arn)
        return failure_set(
            maker->why, -EINVAL, "a web identity token file is set, and no role's ARN");
    maker->plan->base = CREDENTIALS_WEB_IDENTITY;
    maker->plan->source = "web identity";
    maker->plan->token_file = memory_text(token_file);
    maker->plan->web.arn = memory_text(arn);
    maker->plan->web.session_name = memory_text(session_name);
    return 0;
}

static int from_web_profile(struct maker *maker, const char *profile)
{
    return set_web(maker, value_of(maker, profile, "web_identity_token_file"),
        value_of(maker, profile, "role_arn"), value_of(maker, profile, "role_session_name"));
}

static int from_web_identity(struct maker *maker)
{
    const char *file = environment(maker, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!file)
        return from_web_profile(maker, maker->profile);
    return set_web(maker, file, environment(maker, "AWS_ROLE_ARN"),
        environment(maker, "AWS_ROLE_SESSION_NAME"));
}

static int from_container(struct maker *maker)
{
    const char *relative = environment(maker, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = environment(maker, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct credentials_plan *plan = maker->plan;
    if (!relative && !full)
        return -ENOENT;
    if (relative && *relative != '/')
        return failure_set(maker->why, -EINVAL,
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash");
    if (!relative && !credentials_container_url_is_safe(full))
        return failure_set(maker->why, -EINVAL,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor a host that may be asked in "
            "the clear");
    plan->base = CREDENTIALS_CONTAINER;
    plan->source = "the container's endpoint";
    plan->container_url =
        relative ? memory_format(CONTAINER_HOST "%s", relative) : memory_text(full);
    plan->container_token = memory_text(environment(maker, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    plan->container_token_file =
        memory_text(environment(maker, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    return 0;
}

static int from_instance(struct maker *maker)
{
    const char *disabled = environment(maker, "AWS_EC2_METADATA_DISABLED");
    const char *mode = environment(maker, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    const char *url = environment(maker, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (disabled && strcasecmp(disabled, "true") == 0)
        return failure_set(maker->why, -EINVAL,
            "no credentials are set up, and the instance's "
            "metadata is turned off");
    if (!url)
        url = mode && strcasecmp(mode, "ipv6") == 0 ? INSTANCE_URL_V6 : INSTANCE_URL;
    size_t size = strlen(url);
    maker->plan->base = CREDENTIALS_INSTANCE;
    maker->plan->source = "instance metadata";
    maker->plan->instance_url = memory_text_of(url, url[size - 1] == '/' ? size - 1 : size);
    return 0;
}

/* What SDKs have and we have not. */
static int refuse_foreign(struct maker *maker, const char *profile, bool is_sso)
{
    static const char *const keys[] = {
        "sso_session", "sso_start_url", "login_session", "credential_process"};
    size_t begin = is_sso ? 0 : 2, end = is_sso ? 2 : 4;
    for (size_t i = begin; i < end; i++) {
        if (value_of(maker, profile, keys[i]))
            return failure_set(maker->why, -EINVAL,
                "the profile \"%s\" has %s, which is not supported: give the host a role, or keys",
                profile, keys[i]);
    }
    return -ENOENT;
}

/* Whoever assumes the first role. */
static int base_of_profile(struct maker *maker, const char *profile)
{
    int status = from_web_profile(maker, profile);
    if (status == -ENOENT)
        status = refuse_foreign(maker, profile, true);
    if (status == -ENOENT)
        status = from_shared_file(maker, profile);
    if (status == -ENOENT)
        status = refuse_foreign(maker, profile, false);
    if (status == -ENOENT)
        status = from_config_file(maker, profile);
    if (status == -ENOENT)
        failure_set(maker->why, -EINVAL, "the source profile \"%s\" has no credentials", profile);
    return status == -ENOENT ? -EINVAL : status;
}

static int base_of_source(struct maker *maker, const char *profile, const char *source)
{
    int status = -EINVAL;
    if (strcmp(source, "Environment") == 0)
        status = from_environment(maker);
    else if (strcmp(source, "EcsContainer") == 0)
        status = from_container(maker);
    else if (strcmp(source, "Ec2InstanceMetadata") == 0)
        status = from_instance(maker);
    else
        return failure_set(maker->why, -EINVAL,
            "the profile \"%s\" has an unknown credential_source \"%s\"", profile, source);
    if (status == -ENOENT)
        failure_set(maker->why, -EINVAL,
            "the profile \"%s\" wants its source from %s, where none is", profile, source);
    return status == -ENOENT ? -EINVAL : status;
}

static int add_role(struct maker *maker, const char *profile)
{
    struct credentials_plan *plan = maker->plan;
    if (value_of(maker, profile, "mfa_serial"))
        return failure_set(maker->why, -EINVAL,
            "the profile \"%s\" has mfa_serial, and nobody is here to type a code", profile);
    if (plan->role_count == CREDENTIALS_ROLES_MOST)
        return failure_set(maker->why, -EINVAL,
            "the profile \"%s\" is one source too many: do they go in a circle?", profile);
    plan->roles[plan->role_count++] =
        (struct credentials_role){.arn = memory_text(value_of(maker, profile, "role_arn")),
            .session_name = memory_text(value_of(maker, profile, "role_session_name")),
            .external_id = memory_text(value_of(maker, profile, "external_id")),
            .duration_s = memory_text(value_of(maker, profile, "duration_seconds"))};
    return 0;
}

static bool assumes_role(const struct maker *maker, const char *profile)
{
    return value_of(maker, profile, "role_arn") &&
           !value_of(maker, profile, "web_identity_token_file");
}

/* They were found from the last one to be assumed to the first. */
static void turn_roles_around(struct credentials_plan *plan)
{
    for (size_t i = 0, j = plan->role_count; i + 1 < j; i++) {
        struct credentials_role role = plan->roles[--j];
        plan->roles[j] = plan->roles[i];
        plan->roles[i] = role;
    }
}

/* A profile may name itself as its source: then its own keys are meant. */
static int from_roles(struct maker *maker)
{
    const char *profile = maker->profile, *source = NULL;
    int status = 0;
    if (!assumes_role(maker, profile))
        return -ENOENT;
    for (; assumes_role(maker, profile); profile = source) {
        source = value_of(maker, profile, "source_profile");
        const char *place = value_of(maker, profile, "credential_source");
        if (!source == !place)
            return failure_set(maker->why, -EINVAL,
                "the profile \"%s\" has a role_arn, and not one of source_profile and "
                "credential_source",
                profile);
        status = add_role(maker, profile);
        if (status < 0)
            return status;
        if (place)
            return base_of_source(maker, profile, place);
        if (strcmp(source, profile) == 0)
            break;
    }
    return base_of_profile(maker, source);
}

static int try_all(struct maker *maker)
{
    int status = from_environment(maker);
    if (status == -ENOENT)
        status = from_roles(maker);
    if (status == -ENOENT)
        status = from_web_identity(maker);
    if (status == -ENOENT)
        status = refuse_foreign(maker, maker->profile, true);
    if (status == -ENOENT)
        status = from_shared_file(maker, maker->profile);
    if (status == -ENOENT)
        status = refuse_foreign(maker, maker->profile, false);
    if (status == -ENOENT)
        status = from_config_file(maker, maker->profile);
    if (status == -ENOENT)
        status = from_container(maker);
    return status == -ENOENT ? from_instance(maker) : status;
}

static bool is_region(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && size < SIGV4_REGION_SIZE && !text[size];
}

static int set_sts(struct maker *maker)
{
    const char *region = first_of(maker->options->region, environment(maker, "AWS_REGION"));
    region = first_of(region, environment(maker, "AWS_DEFAULT_REGION"));
    region = first_of(region, value_of(maker, maker->profile, "region"));
    region = first_of(region, "us-east-1");
    if (!is_region(region))
        return failure_set(maker->why, -EINVAL, "\"%s\" is no region", region);
    const char *url = first_of(maker->options->sts_url, environment(maker, "AWS_ENDPOINT_URL_STS"));
    url = first_of(url, environment(maker, "AWS_ENDPOINT_URL"));
    bool is_china = strncmp(region, "cn-", 3) == 0;
    maker->plan->region = memory_text(region);
    maker->plan->sts_url =
        url ? memory_text(url)
            : memory_format("https://sts.%s.amazonaws.com%s/", region, is_china ? ".cn" : "");
    return 0;
}

static int make(struct maker *maker)
{
    const struct credential *configured = maker->options->configured;
    if (configured)
        return set_keys(maker, "the configuration", configured->access_key_id, configured->secret,
            configured->session_token);
    const char *chosen =
        first_of(environment(maker, "AWS_PROFILE"), environment(maker, "AWS_DEFAULT_PROFILE"));
    maker->profile = first_of(chosen, "default");
    if (chosen && !has_profile(maker, chosen) && !environment(maker, "AWS_ACCESS_KEY_ID"))
        return failure_set(maker->why, -EINVAL, "AWS_PROFILE is \"%s\", which no file has", chosen);
    int status = set_sts(maker);
    if (status == 0)
        status = try_all(maker);
    turn_roles_around(maker->plan);
    return status;
}

int credentials_plan_make(
    const struct credentials_options *options, struct credentials_plan *ret, struct failure *why)
{
    *ret = (struct credentials_plan){.source = "nowhere"};
    struct maker maker = {.options = options, .profile = "default", .plan = ret, .why = why};
    read_file(&maker, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &maker.shared);
    read_file(&maker, "AWS_CONFIG_FILE", "~/.aws/config", &maker.config);
    int status = make(&maker);
    ini_fini(&maker.shared);
    ini_fini(&maker.config);
    return status;
}

static void free_role(struct credentials_role *role)
{
    free(role->arn);
    free(role->session_name);
    free(role->external_id);
    free(role->duration_s);
}

void credentials_plan_fini(struct credentials_plan *plan)
{
    free(plan->keys.access_key_id);
    secret_free(plan->keys.secret);
    secret_free(plan->keys.session_token);
    free_role(&plan->web);
    for (size_t i = 0; i < plan->role_count; i++)
        free_role(&plan->roles[i]);
    free(plan->token_file);
    free(plan->container_url);
    secret_free(plan->container_token);
    free(plan->container_token_file);
    free(plan->instance_url);
    free(plan->sts_url);
    free(plan->region);
    *plan = (struct credentials_plan){0};
}

bool credentials_container_url_is_safe(const char *url)
{
    static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
    struct url parts;
    struct address address;
    if (url_split(url, &parts) < 0)
        return false;
    bool safe = strcmp(parts.scheme, "https") == 0 || strcmp(parts.host, "localhost") == 0 ||
                (address_parse_ip(parts.host, &address) && address_is_loopback(&address));
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        safe = safe || strcmp(parts.host, hosts[i]) == 0;
    url_fini(&parts);
    return safe;
}
