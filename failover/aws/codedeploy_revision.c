/* On the good day an object in S3 is named, as "s3://bucket/key" or with all its parts, or nothing
 * is and the group's last revision is deployed once more. The bundle's type is what its name ends
 * with, where the step does not say it. */
#include "failover/aws/codedeploy_revision.h"

#include "base/json.h"
#include "base/xml.h"

#include <string.h>
#include <strings.h>

static const char *bundle_type(const char *key)
{
    static const char *const types[][2] = {{".zip", "zip"}, {".tgz", "tgz"}, {".tar.gz", "tgz"},
        {".tar", "tar"}, {".yaml", "YAML"}, {".yml", "YAML"}, {".json", "JSON"}};
    size_t size = strlen(key);
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        size_t end = strlen(types[i][0]);
        if (size >= end && strcasecmp(key + size - end, types[i][0]) == 0)
            return types[i][1];
    }
    return NULL;
}

/* Takes `location` with its bucket and key. */
static cJSON *in_s3(cJSON *location, const char *type, struct failure *why)
{
    const char *key = json_text(location, "key");
    if (!type)
        type = bundle_type(key);
    if (!type) {
        failure_set(why, -EINVAL,
            "the name of the revision %s does not say what it is: give its bundle_type", key);
        cJSON_Delete(location);
        return NULL;
    }
    cJSON_AddStringToObject(location, "bundleType", type);
    cJSON *revision = cJSON_CreateObject();
    cJSON_AddStringToObject(revision, "revisionType", "S3");
    cJSON_AddItemToObject(revision, "s3Location", location);
    return revision;
}

static cJSON *of_url(const char *url, struct failure *why)
{
    static const char scheme[] = "s3://";
    const char *bucket = url + sizeof scheme - 1;
    const char *slash = strncmp(url, scheme, sizeof scheme - 1) == 0 ? strchr(bucket, '/') : NULL;
    if (!slash || slash == bucket || !slash[1]) {
        failure_set(why, -EINVAL, "the revision %s is not of the form s3://BUCKET/KEY", url);
        return NULL;
    }
    cJSON *location = cJSON_CreateObject();
    cJSON *name = cJSON_AddStringToObject(location, "bucket", bucket);
    name->valuestring[slash - bucket] = '\0';
    cJSON_AddStringToObject(location, "key", slash + 1);
    return in_s3(location, NULL, why);
}

static cJSON *of_parts(const cJSON *parts, struct failure *why)
{
    cJSON *location = cJSON_CreateObject();
    cJSON_AddStringToObject(location, "bucket", json_text(parts, "bucket"));
    cJSON_AddStringToObject(location, "key", json_text(parts, "key"));
    if (json_text(parts, "version"))
        cJSON_AddStringToObject(location, "version", json_text(parts, "version"));
    if (json_text(parts, "etag"))
        cJSON_AddStringToObject(location, "eTag", json_text(parts, "etag"));
    return in_s3(location, json_text(parts, "bundle_type"), why);
}

cJSON *codedeploy_revision(const struct step *step, const cJSON *group, struct failure *why)
{
    const cJSON *given = json_member(step->parameters, "revision");
    if (cJSON_IsString(given))
        return of_url(given->valuestring, why);
    if (given)
        return of_parts(given, why);
    const cJSON *last = tree_find(group, "deploymentGroupInfo/targetRevision");
    if (!last)
        failure_set(why, -ENOENT, "nothing was ever deployed to %s: give the step a revision",
            step_text(step, "deployment_group"));
    return last ? cJSON_Duplicate(last, true) : NULL;
}
