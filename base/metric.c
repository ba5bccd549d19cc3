/* On the good day: a family's HELP and TYPE, then its values, one line each. Label values come from
 * configuration and peers: a quote, a backslash or a line break in one is escaped, never passed on.
 */
#include "base/metric.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: up to here a double is an exact integer */

struct metric_text {
    struct text text;
};

static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct metric_text *metric_text_new(void)
{
    struct metric_text *text = memory_new(sizeof *text);
    text_put(&text->text, "");
    return text;
}

void metric_text_free(struct metric_text *text)
{
    if (!text)
        return;
    text_fini(&text->text);
    free(text);
}

const char *metric_text_get(const struct metric_text *text, size_t *ret_size)
{
    *ret_size = text->text.size;
    return text->text.data;
}

static void put_escaped(struct text *out, const char *value, bool quotes_too)
{
    for (; *value; value++) {
        if (*value == '\n')
            text_put(out, "\\n");
        else if (*value == '\\' || (*value == '"' && quotes_too))
            text_format(out, "\\%c", *value);
        else
            text_add(out, value, 1);
    }
}

void metric_family(
    struct metric_text *out, const char *name, enum metric_type type, const char *help)
{
    text_format(&out->text, "# HELP %s ", name);
    put_escaped(&out->text, help, false);
    text_format(&out->text, "\n# TYPE %s %s\n", name, type_names[type]);
}

static void put_labels(struct text *out, const struct metric_label *labels)
{
    if (!labels->name)
        return;
    const char *before = "{";
    for (; labels->name; labels++, before = ",") {
        text_format(out, "%s%s=\"", before, labels->name);
        put_escaped(out, labels->value, true);
        text_put(out, "\"");
    }
    text_put(out, "}");
}

static void put_number(struct text *out, double value)
{
    if (isnan(value))
        text_put(out, "NaN");
    else if (isinf(value))
        text_put(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) <= WHOLE_MAX)
        text_format(out, "%.0f", value);
    else
        text_format(out, "%.15g", value);
}

void metric_value(
    struct metric_text *out, const char *name, const struct metric_label *labels, double value)
{
    text_put(&out->text, name);
    put_labels(&out->text, labels);
    text_put(&out->text, " ");
    put_number(&out->text, value);
    text_put(&out->text, "\n");
}
