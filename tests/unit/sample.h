/* A configuration to stand on, and a loop that runs until something became true. */
#pragma once

#include "tests/unit/unit.h"

#include "base/loop.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE_DEADLINE_MS 10000

#define SAMPLE_ENDPOINTS                                                                           \
    "\"orders-db\": {\"type\": \"database\", \"group\": \"data\","                                 \
    "  \"names\": [\"db.shop.internal\"],"                                                         \
    "  \"targets\": {\"eu-west-1\": \"192.0.2.1:5432\", \"us-west-2\": \"192.0.2.2:5432\"}},"      \
    "\"search\": {\"type\": \"name\", \"group\": \"data\","                                        \
    "  \"names\": [\"search.shop.internal\", \"*.search.shop.internal\", \"*.shop.internal\"],"    \
    "  \"targets\": {\"eu-west-1\": \"eu.example.net\", \"us-west-2\": \"us.example.net\"}},"      \
    "\"relay-db\": {\"type\": \"database\", \"group\": \"relayed\","                               \
    "  \"names\": [\"relay.internal\"],"                                                           \
    "  \"relay\": {\"listen\": [\"127.0.0.54:5432\", \"127.0.0.54:5433\", \"[::1]:5432\"]},"       \
    "  \"targets\": {\"eu-west-1\": \"192.0.2.3:5432\", \"us-west-2\": \"192.0.2.4:5432\"}},"      \
    "\"wide-db\": {\"type\": \"database\", \"group\": \"relayed\","                                \
    "  \"names\": [\"wide.internal\"],"                                                            \
    "  \"relay\": {\"listen\": [\"0.0.0.0:6432\"], \"address\": \"192.0.2.9\"},"                   \
    "  \"targets\": {\"eu-west-1\": \"192.0.2.5:5432\", \"us-west-2\": \"192.0.2.6:5432\"}},"      \
    "\"assets\": {\"type\": \"bucket\", \"group\": \"static\","                                    \
    "  \"names\": [\"assets.elsewhere.internal\"],"                                                \
    "  \"buckets\": {\"eu-west-1\": \"assets-eu\", \"us-west-2\": \"assets-us\"}}"

#define SAMPLE_CONFIG                                                                              \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"],"                                                \
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"]},"                                            \
    " \"endpoints\": {" SAMPLE_ENDPOINTS "}}"

/* The same, but its upstreams are those of resolv.conf. */
#define SAMPLE_CONFIG_RESOLV_CONF                                                                  \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {" SAMPLE_ENDPOINTS "}}"

static inline struct config *sample_config(const char *text)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    int status = config_parse("sample.json", text, strlen(text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    assert_int_equal(status, 0);
    return config;
}

static inline void sample_on_deadline(uv_timer_t *timer)
{
    bool *late = timer->data;
    *late = true;
}

/* Runs the main loop until `reached` says so; fails when that takes too long. */
static inline void run_until(struct loop *loop, bool (*reached)(void *context), void *context)
{
    bool late = false;
    uv_timer_t deadline = {.data = &late};
    uv_timer_init(&loop->uv, &deadline);
    uv_timer_start(&deadline, sample_on_deadline, SAMPLE_DEADLINE_MS, 0);
    while (!late && !reached(context))
        uv_run(&loop->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&deadline, NULL);
    while (uv_is_active((uv_handle_t *)&deadline))
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    assert_false(late);
}

static inline bool is_set(void *flag)
{
    return *(bool *)flag;
}
