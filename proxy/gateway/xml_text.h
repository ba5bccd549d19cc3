/* Any bytes as the text of an XML element. */
#pragma once

#include "base/span.h"
#include "base/text.h"

/* Escapes what XML needs escaped; what it cannot have at all (control bytes, invalid UTF-8) becomes
 * "?". */
void xml_text_escape(struct text *text, struct span value);
