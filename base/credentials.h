/* The host's own AWS credentials: found where the SDKs look, kept fresh.
 *
 * In botocore's order: environment, a profile that assumes a role, web identity, the shared
 * credentials file, the configuration file, the container's endpoint, the instance's metadata. The
 * first that is set up is asked, and no other: who is meant to be somebody must not end up as
 * somebody else. SSO, login and credential_process profiles are refused in words.
 *
 * What expires is fetched again 15 minutes before, with jitter, and tried again when that fails;
 * the old ones stay until they expire. */
#pragma once

#include "base/failure.h"
#include "base/http_client.h"

/* One set of credentials; immutable. */
struct credential {
    char *access_key_id, *secret;
    char *session_token; /* NULL: they last */
    uint64_t expires_s;  /* seconds since 1970; 0: never */
};

struct credential *credential_copy(const struct credential *credential);
void credential_free(struct credential *credential); /* wiped; NULL accepted */

/* Outside influences, so that tests own them. Every member may be NULL. */
struct credentials_world {
    const char *(*environment)(void *context, const char *name);
    uint64_t (*now_s)(void *context); /* seconds since 1970 */
    void *context;
};

/* `credential` is NULL when the last ones expired, or none were found; `why` then says it. Both are
 * only good during the call. */
typedef void credentials_changed(
    void *context, const struct credential *credential, const char *why);

struct credentials_options {
    struct http_client *client;          /* outlives the credentials */
    const struct credential *configured; /* the configuration's own: nobody is asked; copied */
    const char *region;  /* whose STS is asked; NULL: AWS_REGION, the profile's, us-east-1 */
    const char *sts_url; /* instead of the region's; NULL: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL */
    credentials_changed *changed;
    void *context;
    struct credentials_world world;
};

struct credentials;

/* Begins to look; `changed` is called later, on the loop, for what is found or why nothing is, and
 * after that at every change. What is not found is looked for again. */
struct credentials *credentials_new(struct loop *loop, const struct credentials_options *options);

/* `freed` (may be NULL) runs once the last handle is gone. NULL accepted. */
void credentials_free(struct credentials *credentials, loop_call *freed, void *context);

/* NULL: there are none now. Good until the next turn of the loop. */
const struct credential *credentials_current(struct credentials *credentials);

/* Where they come from ("instance metadata"), and why they could not be had the last time; "" when
 * all is well. For people. */
const char *credentials_source(const struct credentials *credentials);
const char *credentials_problem(const struct credentials *credentials);
