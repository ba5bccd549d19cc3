/* On the good day: expat says where elements begin and end, and each becomes a member of the one
 * around it when it ends.
 *
 * What can go wrong: it is no XML, it brings a document type (whoever does wants entities), or it
 * has more levels or elements than a reply of AWS ever has. */
#include "base/xml.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <string.h>

struct reader {
    XML_Parser parser;
    cJSON *objects[JSON_DEPTH_MAX]; /* of the elements that are open; NULL: none inside so far */
    cJSON *root;
    unsigned depth, elements;
    struct text text; /* of the element that began last */
    const char *wrong;
};

static void refuse(struct reader *reader, const char *wrong)
{
    reader->wrong = wrong;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    (void)name, (void)attributes;
    if (reader->depth == JSON_DEPTH_MAX) {
        refuse(reader, "nested too deeply");
        return;
    }
    if (++reader->elements > JSON_VALUES_MAX) {
        refuse(reader, "too many elements");
        return;
    }
    if (reader->depth > 0 && !reader->objects[reader->depth - 1])
        reader->objects[reader->depth - 1] = cJSON_CreateObject();
    reader->objects[reader->depth++] = NULL;
    reader->text.size = 0;
}

static void on_end(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    const char *colon = strchr(name, ':');
    if (reader->wrong) /* expat ends an empty element also after a stop */
        return;
    cJSON *element = reader->objects[--reader->depth];
    if (!element)
        element = cJSON_CreateString(reader->text.size > 0 ? reader->text.data : "");
    if (reader->depth == 0)
        reader->root = element;
    else
        cJSON_AddItemToObject(
            reader->objects[reader->depth - 1], colon && colon[1] ? colon + 1 : name, element);
    reader->text.size = 0;
}

static void on_text(void *context, const XML_Char *data, int size)
{
    struct reader *reader = context;
    text_add(&reader->text, data, (size_t)size);
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    refuse(context, "it has a document type");
}

/* Whether all of it was read. */
static bool read_all(struct reader *reader, const char *text, size_t size)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    enum XML_Status status = XML_Parse(reader->parser, text, (int)size, XML_TRUE);
    if (status != XML_STATUS_OK && !reader->wrong)
        reader->wrong = XML_ErrorString(XML_GetErrorCode(reader->parser));
    return status == XML_STATUS_OK;
}

int xml_parse(const char *text, size_t size, cJSON **ret_root, struct failure *why)
{
    struct reader reader = {.parser = XML_ParserCreate("UTF-8")};
    *ret_root = NULL;
    if (!reader.parser)
        return failure_set(why, -ENOMEM, "not enough memory for XML");
    bool is_read = false;
    if (size > INT_MAX)
        reader.wrong = "it is too long";
    else
        is_read = read_all(&reader, text, size);
    XML_ParserFree(reader.parser);
    text_fini(&reader.text);
    if (is_read) {
        *ret_root = reader.root;
        return 0;
    }
    while (reader.depth > 0)
        cJSON_Delete(reader.objects[--reader.depth]);
    cJSON_Delete(reader.root);
    return failure_set(why, -EINVAL, "not valid XML: %s", reader.wrong);
}

const cJSON *tree_find(const cJSON *tree, const char *path)
{
    while (tree && *path) {
        size_t size = strcspn(path, "/");
        const cJSON *child = cJSON_IsObject(tree) ? tree->child : NULL;
        while (child && (strncmp(child->string, path, size) != 0 || child->string[size]))
            child = child->next;
        tree = child;
        path += size + (path[size] == '/');
    }
    return tree;
}

const char *tree_text(const cJSON *tree, const char *path)
{
    return cJSON_GetStringValue(tree_find(tree, path));
}
