/* A tree is written as it was read: elements in their order, texts escaped. */
#include "base/xml_write.h"

#include <string.h>

void xml_write_text(struct text *xml, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "&<>\"\r");
        text_add(xml, text, plain);
        text += plain;
        if (*text)
            text_format(xml, "&#%u;", (unsigned)(unsigned char)*text++);
    }
}

static void write_element(struct text *xml, const cJSON *element)
{
    text_format(xml, "<%s>", element->string);
    if (cJSON_IsString(element))
        xml_write_text(xml, element->valuestring);
    else
        xml_write_tree(xml, element);
    text_format(xml, "</%s>", element->string);
}

/* As deep as the reader's bound lets a tree be. */
void xml_write_tree(struct text *xml, const cJSON *tree)
{
    const cJSON *element;
    cJSON_ArrayForEach(element, tree)
    {
        if (element->string && (cJSON_IsString(element) || cJSON_IsObject(element)))
            write_element(xml, element);
    }
}
