/* XML on its way through: bytes are passed on as they came but for the text of chosen elements.
 *
 * The document is parsed (expat), never searched: what looks like an element inside a key, a
 * comment or CDATA is none. What needs no look is passed on at once, white space before the root
 * too, with which S3 keeps a connection alive while it works. Held back are only the text of a
 * chosen element, an entry that may be dropped, and a tag that is not whole yet.
 *
 * Refused (-EBADMSG): document types, and with them all entities but XML's own five; what stops
 * being XML after its root began. -EMSGSIZE: tags, texts, entries and depths that no S3 document
 * has. What is not XML from the start is passed on as it is, or with `strict` refused. */
#pragma once

#include "base/span.h"
#include "base/text.h"

#include <stdbool.h>

#define XML_FILTER_DEPTH_MAX 32
#define XML_FILTER_TEXT_MAX (16u << 10)  /* bytes of a chosen element's text */
#define XML_FILTER_HELD_MAX (128u << 10) /* bytes held back in all */

#define XML_FILTER_ENTRY UINT32_MAX /* not a text but an element that may be dropped whole */

struct xml_filter_events {
    /* `path` is "Root/Child/…", without namespaces' prefixes. 0: let it pass. */
    unsigned (*choose)(void *context, const char *path, unsigned depth);
    /* Decoded text in, decoded text out. False: it stays. */
    bool (*replace)(void *context, unsigned chosen, struct span text, struct text *ret);
    /* At the end of an entry: shall it stay? */
    bool (*keep)(void *context);
};

struct xml_filter;

struct xml_filter *xml_filter_new(
    const struct xml_filter_events *events, void *context, bool strict);
void xml_filter_free(struct xml_filter *filter);

/* Adds to `out`. After an error nothing more may be pushed. */
int xml_filter_push(struct xml_filter *filter, struct span in, struct text *out);
int xml_filter_finish(struct xml_filter *filter, struct text *out);
