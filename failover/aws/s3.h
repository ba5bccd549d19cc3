/* What a step of S3 shares with who looks at runbooks. */
#pragma once

#include "config/config.h"

/* Where the bucket is, by the configuration; `fallback` when it does not know it. */
const char *s3_region(const struct config *config, const char *bucket, const char *fallback);
