/* Metrics in Prometheus' text format, version 0.0.4. Each wing writes its own; programs/ registers
 * the writers with the monitoring server, which calls them on the main loop for each scrape. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct metric_text; /* grows as needed */

typedef void metric_writer(void *context, struct metric_text *out);

struct metric_text *metric_text_new(void);
void metric_text_free(struct metric_text *text);
const char *metric_text_get(const struct metric_text *text, size_t *ret_size);

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Once a family, before its values. */
void metric_family(
    struct metric_text *out, const char *name, enum metric_type type, const char *help);

struct metric_label {
    const char *name, *value; /* the value is escaped here; NULL name ends the list */
};

/* metric_value(out, "pilotlight_active", METRIC_LABELS({"group", id}, {"region", region}), 1); */
#define METRIC_LABELS(...) ((const struct metric_label[]){__VA_ARGS__, {0}})
#define METRIC_NO_LABELS ((const struct metric_label[]){{0}})
void metric_value(
    struct metric_text *out, const char *name, const struct metric_label *labels, double value);
