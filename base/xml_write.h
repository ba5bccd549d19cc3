/* XML for AWS: what base/xml.h reads, the other way round. */
#pragma once

#include "base/text.h"

#include <cjson/cJSON.h>

/* The text of an element, escaped. */
void xml_write_text(struct text *xml, const char *text);

/* The elements of a tree as xml_parse makes them, in its order, without a root of their own. Values
 * that no XML makes (numbers, null) are left out. */
void xml_write_tree(struct text *xml, const cJSON *tree);
