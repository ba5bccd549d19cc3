/* The configuration that the gateway's fuzz entries stand on, read once. */
#pragma once

#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS(eu, us) "\"buckets\": {\"eu-west-1\": \"" eu "\", \"us-west-2\": \"" us "\"}"

static inline struct config *bucket_config(void)
{
    static const char text[] =
        "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"gateway\": {\"s3_endpoints\": "
        "{\"us-west-2\": {\"url\": \"https://s3.us.test\", \"style\": \"virtual\"}}},"
        " \"endpoints\": {\"assets\": {\"type\": \"bucket\", \"path_style\": true, \"names\": "
        "[\"assets.internal\", \"*.files.internal\"], " BUCKETS(
            "shop-eu", "shop-us") "},"
                                  " \"logs\": {\"type\": \"bucket\", " BUCKETS(
                                      "shop.logs.eu", "shop.logs.us") "}}}";
    static struct config *config;
    struct config_errors errors = {0};
    if (!config && config_parse("fuzz.json", text, strlen(text), &config, &errors) < 0)
        abort();
    return config;
}
