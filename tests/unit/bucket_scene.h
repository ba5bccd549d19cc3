/* Two regions, three bucket endpoints, and whoever asks for them.
 *
 *   assets   shop-eu, shop-us; assets.internal, *.files.internal; home and path style
 *   logs     shop.logs.eu, shop.logs.us
 *   store    same, same: only where both regions have stores of their own */
#pragma once

#include "tests/unit/config_texts.h"

#include "proxy/gateway/spans.h"

#define EU 0
#define US 1

#define BUCKETS(eu, us) "\"buckets\": {\"eu-west-1\": \"" eu "\", \"us-west-2\": \"" us "\"}"
#define BUCKET_ENDPOINTS                                                                           \
    "\"assets\": {\"type\": \"bucket\", \"names\": [\"assets.internal\", \"*.files.internal\"],"   \
    " \"path_style\": true, " BUCKETS(                                                             \
        "shop-eu", "shop-us") "},"                                                                 \
                              "\"logs\": {\"type\": \"bucket\", \"group\": \"logs\", " BUCKETS(    \
                                  "shop.logs.eu", "shop.logs.us") "}"
#define BUCKET_CONFIG_HEAD                                                                         \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"gateway\": {"                                 \
    "\"listen\": [\"127.0.0.80:80\", \"[::1]:8080\"]"

#define BUCKET_CONFIG BUCKET_CONFIG_HEAD "}, \"endpoints\": {" BUCKET_ENDPOINTS "}}"

/* The first region's store is used path-style, the second's virtual. */
#define STORE_CONFIG                                                                               \
    BUCKET_CONFIG_HEAD                                                                             \
    ", \"s3_endpoints\": {\"eu-west-1\": \"http://127.0.0.1:7070\", \"us-west-2\": "               \
    "{\"url\": \"https://s3.us.test:9000\", \"style\": \"virtual\"}}}, \"endpoints\": "            \
    "{" BUCKET_ENDPOINTS ", \"same\": {\"type\": \"bucket\", " BUCKETS("same", "same") "}}}"

static inline void assert_span(struct span span, const char *text)
{
    if (!spans_is(span, text))
        print_error("%.*s\nis not\n%s\n", (int)span.size, (const char *)span.data, text);
    assert_true(spans_is(span, text));
}
