/* Texts of the configuration → values, each with words for what is wrong. Inside config/ only.
 * 0 or -EINVAL. */
#pragma once

#include "config/config.h"

int value_duration(const char *text, uint64_t *ret_ms, struct failure *why);
int value_size(const char *text, uint64_t *ret_bytes, struct failure *why);
int value_id(const char *text, struct failure *why);
int value_path(const char *text, struct failure *why);
int value_url(const char *text, struct failure *why);

/* A URL of nothing but scheme, host and port. On success `ret->host` is the caller's. */
int value_s3_url(const char *text, struct config_s3_endpoint *ret, struct failure *why);

int value_bucket(const char *text, struct failure *why); /* S3's naming rules */

/* A domain name below the root, without wildcards. */
int value_name(const char *text, struct name *ret, struct failure *why);

/* The same, or "*." before one. `ret->text` is not set. */
int value_pattern(const char *text, struct config_name *ret, struct failure *why);

/* "HOST[:PORT]", "IP", "IP:PORT", "[IP]:PORT". `ret->text` is not set. */
int value_target(const char *text, struct config_target *ret, struct failure *why);

/* "IP", "IP:PORT", "tls://IP[:PORT]#NAME". `ret->tls_name` is the caller's. */
int value_upstream(const char *text, struct config_upstream *ret, struct failure *why);
