/* What is written is what was read. */
#include "base/xml.h"
#include "base/xml_write.h"
#include "tests/unit/unit.h"

#include <string.h>

/* The root's name is not part of a tree. */
static void is_written(const char *inside, const char *expected)
{
    struct text document = {0}, written = {0};
    cJSON *tree = NULL;
    text_format(&document, "<r>%s</r>", inside);
    assert_int_equal(xml_parse(document.data, document.size, &tree, NULL), 0);
    xml_write_tree(&written, tree);
    assert_string_equal(written.data, expected);
    cJSON_Delete(tree);
    text_fini(&document);
    text_fini(&written);
}

static void elements_keep_their_order_and_their_repetitions(void **unused)
{
    (void)unused;
    is_written("<b><c>1</c><a>2</a><c>3</c></b><a/>", "<b><c>1</c><a>2</a><c>3</c></b><a></a>");
}

static void what_would_be_markup_is_escaped(void **unused)
{
    (void)unused;
    is_written(
        "<a>&lt;b>&amp;&quot;\xc3\xa4&#13;</a>", "<a>&#60;b&#62;&#38;&#34;\xc3\xa4&#13;</a>");
}

static void what_no_xml_makes_is_left_out(void **unused)
{
    (void)unused;
    struct text written = {0};
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddNumberToObject(tree, "n", 1);
    cJSON_AddStringToObject(tree, "s", "x");
    xml_write_tree(&written, tree);
    assert_string_equal(written.data, "<s>x</s>");
    cJSON_Delete(tree);
    text_fini(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_keep_their_order_and_their_repetitions),
        cmocka_unit_test(what_would_be_markup_is_escaped),
        cmocka_unit_test(what_no_xml_makes_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
