#include "base/xml.h"

#include "base/json.h"
#include "base/text.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static cJSON *parse(const char *text)
{
    struct failure why = {""};
    cJSON *root = NULL;
    if (xml_parse(text, strlen(text), &root, &why) < 0)
        print_error("%s\n", why.text);
    assert_non_null(root);
    return root;
}

static void assert_tree(const char *text, const char *expected)
{
    cJSON *root = parse(text);
    char *said = cJSON_PrintUnformatted(root);
    assert_string_equal(said, expected);
    cJSON_free(said);
    cJSON_Delete(root);
}

static void assert_refused(const char *text, size_t size, const char *expected)
{
    struct failure why = {""};
    cJSON *root = NULL;
    assert_int_equal(xml_parse(text, size, &root, &why), -EINVAL);
    assert_null(root);
    assert_string_equal(why.text, expected);
}

static void elements_become_members_in_their_order(void **state)
{
    (void)state;
    assert_tree("<r><b>1</b><a><c>2</c><c>3</c></a><b>4</b></r>",
        "{\"b\":\"1\",\"a\":{\"c\":\"2\",\"c\":\"3\"},\"b\":\"4\"}");
}

static void text_is_as_it_was_meant(void **state)
{
    (void)state;
    assert_tree("<r><a> x &amp; &lt;y&gt; &#x41;</a><b><![CDATA[<z>]]></b><c/></r>",
        "{\"a\":\" x & <y> A\",\"b\":\"<z>\",\"c\":\"\"}");
    assert_tree("<?xml version=\"1.0\"?>\n<r>alone</r>\n", "\"alone\"");
    assert_tree("<r/>", "\"\"");
}

static void what_stands_between_elements_is_left_out(void **state)
{
    (void)state;
    assert_tree("<r>\n  <a>1</a>\n  lost <!-- this too --> <b>\n <c>2</c> </b>\n</r>",
        "{\"a\":\"1\",\"b\":{\"c\":\"2\"}}");
}

static void attributes_and_prefixes_are_left_out(void **state)
{
    (void)state;
    assert_tree("<n:r xmlns:n=\"u\" d=\"e\"><n:a f=\"g\">1</n:a><b:>2</b:></n:r>",
        "{\"a\":\"1\",\"b:\":\"2\"}");
}

static void document_types_are_refused(void **state)
{
    (void)state;
    const char *text = "<!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>";
    assert_refused(text, strlen(text), "not valid XML: it has a document type");
    const char *undefined = "<r>&a;</r>";
    assert_refused(undefined, strlen(undefined), "not valid XML: undefined entity");
}

static void what_is_torn_is_refused(void **state)
{
    (void)state;
    assert_refused("<r><a>1</a>", 11, "not valid XML: no element found");
    assert_refused("<r><a>1</r>", 11, "not valid XML: mismatched tag");
    assert_refused("<r>1</r><r/>", 12, "not valid XML: junk after document element");
    assert_refused("", 0, "not valid XML: no element found");
    assert_refused(NULL, 0, "not valid XML: no element found");
    assert_refused("<r>\xff</r>", 8, "not valid XML: not well-formed (invalid token)");
}

/* `inner` in so many levels. */
static struct text nested(unsigned levels, const char *inner)
{
    struct text text = {0};
    for (unsigned i = 0; i < levels; i++)
        text_put(&text, "<a>");
    text_put(&text, inner);
    for (unsigned i = 0; i < levels; i++)
        text_put(&text, "</a>");
    return text;
}

static void levels_have_a_bound(void **state)
{
    (void)state;
    struct text most = nested(JSON_DEPTH_MAX - 1, "<b/>"), more = nested(JSON_DEPTH_MAX, "<b/>");
    cJSON_Delete(parse(most.data));
    assert_refused(more.data, more.size, "not valid XML: nested too deeply");
    text_fini(&most);
    text_fini(&more);
}

static void elements_have_a_bound(void **state)
{
    (void)state;
    struct text text = {0};
    text_put(&text, "<r>");
    for (unsigned i = 1; i < JSON_VALUES_MAX; i++)
        text_put(&text, "<a/>");
    size_t size = text.size;
    text_put(&text, "</r>");
    cJSON_Delete(parse(text.data));
    text.size = size;
    text_put(&text, "<a/></r>");
    assert_refused(text.data, text.size, "not valid XML: too many elements");
    text_fini(&text);
}

static void trees_are_searched_by_path(void **state)
{
    (void)state;
    cJSON *root = parse("<r><ab>0</ab><a><b>1</b><b>2</b></a><a><c>3</c></a></r>");
    assert_string_equal(tree_text(root, "a/b"), "1");
    assert_string_equal(tree_text(root, "ab"), "0");
    assert_null(tree_text(root, "a"));
    assert_non_null(tree_find(root, "a"));
    assert_null(tree_find(root, "a/c"));
    assert_null(tree_find(root, "A/b"));
    assert_null(tree_find(root, "ab/c"));
    assert_null(tree_find(NULL, "a"));
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_become_members_in_their_order),
        cmocka_unit_test(text_is_as_it_was_meant),
        cmocka_unit_test(what_stands_between_elements_is_left_out),
        cmocka_unit_test(attributes_and_prefixes_are_left_out),
        cmocka_unit_test(document_types_are_refused),
        cmocka_unit_test(what_is_torn_is_refused),
        cmocka_unit_test(levels_have_a_bound),
        cmocka_unit_test(elements_have_a_bound),
        cmocka_unit_test(trees_are_searched_by_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
