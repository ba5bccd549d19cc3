/* The option table: every key of the configuration, its kind, its default, and where it goes.
 *
 * check.c walks a table and a JSON object in step; what a table cannot say (an endpoint's targets,
 * a runbook's graph) is read by the function that the option names. pilotlight.schema.json says the
 * same to editors, and tests/schema_agrees.py holds the two together. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_BOOLEAN,  /* bool */
    OPTION_INTEGER,  /* unsigned */
    OPTION_NUMBER,   /* checked only */
    OPTION_DURATION, /* uint64_t, milliseconds */
    OPTION_SECONDS,  /* uint32_t, of a duration in whole seconds */
    OPTION_SIZE,     /* uint64_t, bytes */
    OPTION_CHOICE,   /* an enum, or checked only */
    OPTION_TEXT,     /* char *, as the next four; empty only where `least` is "0" */
    OPTION_ID,
    OPTION_PATH,
    OPTION_URL,
    OPTION_REGION,
    OPTION_IP,     /* struct address */
    OPTION_LISTEN, /* struct config_listen; `members`: the object that may stand for an address */
    OPTION_OBJECT, /* `members`: its keys; they go into the same struct */
    OPTION_LIST,   /* `members`: one option, for each element */
    OPTION_MAP,    /* likewise, for each value; the keys are the user's */
    OPTION_EITHER, /* `members`: the first of the right JSON type counts */
    OPTION_REFUSED /* planned; this version says that it cannot */
};

struct choice {
    const char *word; /* NULL ends the list */
    unsigned value;
};

struct check;
struct option;
/* Reads a value whose JSON type and number of elements are right. `base` is the struct that the
 * table fills. */
typedef void option_reader(
    struct check *check, const struct option *option, const cJSON *value, void *base);

struct option {
    const char *key; /* NULL ends a table */
    enum option_kind kind;
    const char *fallback;     /* JSON, read like the file's; NULL: left out means none */
    const char *least, *most; /* of the value, as the user writes it; of elements; of bytes */
    bool required;            /* where the object around it is there */
    bool nullable;            /* null: as if left out */
    const struct choice *choices;
    const struct option *members;
    option_reader *read; /* instead of what the kind does */
    bool stored;
    size_t offset; /* into the struct that the table fills */
};

/* For the tables: a default as it would stand in the file, and where a value goes. */
#define JSON(...) #__VA_ARGS__
#define INTO(type, member) .stored = true, .offset = offsetof(type, member)

extern const struct option config_options[]; /* of the whole file */
extern const struct option config_endpoint_options[];
extern const struct option config_relay_options[];
extern const struct option config_runbook_options[];

extern const struct choice config_endpoint_types[];

/* A step's type: what it takes besides the keys of every step, and what it does to the old side. */
struct step_type {
    const char *name; /* NULL ends the list */
    const struct option *options;
    bool promotes;
    bool continues;             /* "on_failure" defaults to "continue" */
    const char *const *one_of;  /* exactly one of these keys, NULL ends */
    const char *const *some_of; /* at least one of these keys, NULL ends */
};
extern const struct step_type config_step_types[];
extern const struct option config_step_options[]; /* of every step */
