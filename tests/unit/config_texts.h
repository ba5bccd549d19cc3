/* A small configuration with a hole, and what the reader says when something is put there. */
#pragma once

#include "config/config.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define REGIONS "\"regions\": [\"east\", \"west\"]"
#define TARGETS "\"targets\": {\"east\": \"10.0.0.1\", \"west\": \"10.0.0.2\"}"
#define DATABASE(id, name)                                                                         \
    "\"" id "\": {\"type\": \"database\", \"names\": [\"" name "\"], " TARGETS "}"
#define NAME(id, name) "\"" id "\": {\"type\": \"name\", \"names\": [\"" name "\"], " TARGETS "}"

static inline struct config *read_good(const char *text)
{
    struct config *config;
    struct config_errors errors;
    int status = config_parse("a.json", text, strlen(text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    assert_int_equal(status, 0);
    assert_int_equal(errors.count, 0);
    assert_non_null(config);
    config_errors_fini(&errors);
    return config;
}

/* `expected`: the lines, each ended by a newline. */
static inline void assert_wrong(const char *text, const char *expected)
{
    struct config *config;
    struct config_errors errors;
    char said[8192] = "";
    size_t used = 0;
    assert_int_equal(config_parse("a.json", text, strlen(text), &config, &errors), -22);
    assert_null(config);
    for (size_t i = 0; i < errors.count && used < sizeof said; i++)
        used += (size_t)snprintf(said + used, sizeof said - used, "%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    assert_string_equal(said, expected);
}

struct wrong {
    const char *text, *expected;
};

static inline void assert_all_wrong(const struct wrong *wrongs)
{
    for (; wrongs->text; wrongs++)
        assert_wrong(wrongs->text, wrongs->expected);
}
