/* The filter alone: it chooses every <N>, drops every <E> that holds "drop", and puts brackets
 * around what it finds. Each document is pushed whole, byte by byte, and cut at every place. */
#include "tests/unit/unit.h"

#include "base/memory.h"
#include "proxy/gateway/xml_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHOSEN 7

static bool drops;

static unsigned choose(void *context, const char *path, unsigned depth)
{
    (void)context;
    size_t size = strlen(path);
    assert_true(depth >= 1);
    if (size > 2 && strcmp(path + size - 2, "/E") == 0) {
        drops = false;
        return XML_FILTER_ENTRY;
    }
    return size > 2 && strcmp(path + size - 2, "/N") == 0 ? CHOSEN : 0;
}

static bool replace(void *context, unsigned chosen, struct span text, struct text *ret)
{
    (void)context;
    assert_int_equal(chosen, CHOSEN);
    drops = text.size == 4 && memcmp(text.data, "drop", 4) == 0;
    if (text.size == 4 && memcmp(text.data, "same", 4) == 0)
        return false;
    text_put(ret, "[");
    text_add(ret, text.data, text.size);
    text_put(ret, "]");
    return true;
}

static bool keep(void *context)
{
    (void)context;
    return !drops;
}

static const struct xml_filter_events events = {choose, replace, keep};

/* In pieces of `first`, then of `piece` bytes. */
static int run(
    const char *in, size_t size, size_t first, size_t piece, bool strict, struct text *out)
{
    struct xml_filter *filter = xml_filter_new(&events, NULL, strict);
    int status = 0;
    for (size_t at = 0; at < size && status == 0;) {
        size_t take = at == 0 && first ? first : piece;
        take = take < size - at ? take : size - at;
        char *exact = memory_new(take + 1); /* so that a look beyond is seen */
        memcpy(exact, in + at, take);
        status = xml_filter_push(filter, span_of(exact, take), out);
        free(exact);
        at += take;
    }
    if (status == 0)
        status = xml_filter_finish(filter, out);
    xml_filter_free(filter);
    return status;
}

static void expect(const char *in, size_t first, size_t piece, const char *expected, int status)
{
    struct text out = {0};
    assert_int_equal(run(in, strlen(in), first, piece, false, &out), status);
    if (status == 0)
        assert_string_equal(out.data ? out.data : "", expected);
    text_fini(&out);
}

static void becomes(const char *in, const char *expected)
{
    expect(in, 0, strlen(in) + 1, expected, 0);
    expect(in, 0, 1, expected, 0);
    for (size_t i = 1; i < strlen(in); i++)
        expect(in, i, strlen(in), expected, 0);
}

static void stays(const char *in)
{
    becomes(in, in);
}

static void is_refused(const char *in, int status)
{
    expect(in, 0, strlen(in) + 1, NULL, status);
    expect(in, 0, 1, NULL, status);
}

static void bytes_that_are_not_chosen_pass_as_they_came(void **unused)
{
    (void)unused;
    stays("");
    stays("<a/>");
    stays("\xef\xbb\xbf<?xml version='1.0' encoding=\"UTF-8\" ?>\r\n<a  b = 'c' \n>&amp;&#x41;<!-- "
          "<N>x"
          "</N> --><?p i?><b ></b ><N>same</N>\t</a >\n\n");
    stays("<a><k>&lt;N&gt;x&lt;/N&gt;</k><![CDATA[<N>x</N>]]>]]&gt;</a>");
    stays("<N>root</N>"); /* not "/N" */
}

static void only_the_chosen_text_changes(void **unused)
{
    (void)unused;
    becomes("<a><N>x</N><n>x</n><N>same</N><b><N i='1'> y </N ></b></a>",
        "<a><N>[x]</N><n>x</n><N>same</N><b><N i='1'>[ y ]</N ></b></a>");
    becomes("<a><x:N xmlns:x='u'>x</x:N></a>", "<a><x:N xmlns:x='u'>[x]</x:N></a>");
}

static void text_is_decoded_before_and_encoded_after(void **unused)
{
    (void)unused;
    becomes("<a><N>&lt;&#98;&amp;\xc3\xa9<![CDATA[<c>]]><!-- no --></N></a>",
        "<a><N>[&lt;b&amp;\xc3\xa9&lt;c&gt;]</N></a>");
    becomes("<a><N></N><N/><N  /><x:N/></a>", "<a><N>[]</N><N>[]</N><N  >[]</N><x:N>[]</x:N></a>");
}

static void an_element_with_children_has_no_text_of_its_own(void **unused)
{
    (void)unused;
    stays("<a><N>x<b/>y</N></a>");
    becomes("<a><N>x<N>y</N>z</N></a>", "<a><N>x<N>[y]</N>z</N></a>");
}

static void an_entry_stays_or_goes_whole(void **unused)
{
    (void)unused;
    becomes("<a> <E><N>x</N><k>1</k></E>\n <E i=''><N>drop</N><k>2</k></E>-<E><k/></E></a>",
        "<a> <E><N>[x]</N><k>1</k></E>\n -<E><k/></E></a>");
}

static void what_is_no_xml_passes_as_it_is(void **unused)
{
    (void)unused;
    stays("Service Unavailable");
    stays("  {\"a\": \"<N>x</N>\"}");
    stays("<");
    stays("   \r\n");
    stays("<1>");
    stays("\xff\xfe<\0a");
}

static void with_strict_it_is_refused(void **unused)
{
    struct text out = {0};
    (void)unused;
    assert_int_equal(run("plain", 5, 0, 9, true, &out), -EBADMSG);
    assert_int_equal(run("", 0, 0, 9, true, &out), 0);
    assert_int_equal(run("<a>", 3, 0, 9, true, &out), -EBADMSG);
    assert_int_equal(run("<a/>", 4, 0, 9, true, &out), 0);
    text_fini(&out);
}

static void what_stops_being_xml_must_not_look_whole(void **unused)
{
    (void)unused;
    is_refused("<a><N>x</N>", -EBADMSG);
    is_refused("<a></b>", -EBADMSG);
    is_refused("<a/><b/>", -EBADMSG);
    is_refused("<a>&nbsp;</a>", -EBADMSG);
    is_refused("<a><N>x\xff</N></a>", -EBADMSG);
    is_refused("<a>\x01</a>", -EBADMSG);
}

static void document_types_and_their_bombs_are_refused(void **unused)
{
    (void)unused;
    is_refused("<!DOCTYPE a><a/>", -EBADMSG);
    is_refused("<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>", -EBADMSG);
    is_refused("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", -EBADMSG);
}

static char *repeat(const char *before, const char *unit, size_t count, const char *after)
{
    struct text text = {0};
    text_put(&text, before);
    for (size_t i = 0; i < count; i++)
        text_put(&text, unit);
    text_put(&text, after);
    return text.data;
}

static void is_too_much(char *in)
{
    struct text out = {0};
    assert_int_equal(run(in, strlen(in), 0, 4096, false, &out), -EMSGSIZE);
    text_fini(&out);
    free(in);
}

static void what_is_held_back_is_bounded(void **unused)
{
    (void)unused;
    is_too_much(repeat("", "<a>", XML_FILTER_DEPTH_MAX + 1, ""));
    is_too_much(repeat("<a><N>", "0123456789abcdef", XML_FILTER_TEXT_MAX / 16 + 1, "</N></a>"));
    is_too_much(
        repeat("<a><N>x<!--", "0123456789abcdef", XML_FILTER_HELD_MAX / 16 + 600, "--></N></a>"));
    is_too_much(repeat("<a><x ", "y='' ", XML_FILTER_HELD_MAX / 5 + 2000, "/></a>"));
    is_too_much(repeat("<a><!--", "0123456789abcdef", XML_FILTER_HELD_MAX / 16 + 600, "--></a>"));
    is_too_much(
        repeat("<a><E><k>", "0123456789abcdef", XML_FILTER_HELD_MAX / 16 + 600, "</k></E></a>"));
    is_too_much(repeat("<a><", "x", 2000, "/></a>"));
}

static void a_long_text_that_is_not_chosen_is_not_held_back(void **unused)
{
    char *in = repeat("<a><k>", "0123456789abcdef", XML_FILTER_HELD_MAX, "</k><N>x</N></a>");
    char *expected =
        repeat("<a><k>", "0123456789abcdef", XML_FILTER_HELD_MAX, "</k><N>[x]</N></a>");
    (void)unused;
    expect(in, 0, 4096, expected, 0);
    free(in);
    free(expected);
}

static void white_space_that_keeps_a_connection_alive_passes_at_once(void **unused)
{
    static const char *const pieces[] = {
        " ", "\n", "<?xml version=\"1.0\"?>", " ", "  ", "\n", "<a>", " ", "\n"};
    struct text out = {0};
    size_t size = 0;
    (void)unused;
    struct xml_filter *filter = xml_filter_new(&events, NULL, false);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_int_equal(xml_filter_push(filter, span_of_text(pieces[i]), &out), 0);
        size += strlen(pieces[i]);
        assert_int_equal(out.size, size);
    }
    xml_filter_free(filter);
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_not_chosen_pass_as_they_came),
        cmocka_unit_test(only_the_chosen_text_changes),
        cmocka_unit_test(text_is_decoded_before_and_encoded_after),
        cmocka_unit_test(an_element_with_children_has_no_text_of_its_own),
        cmocka_unit_test(an_entry_stays_or_goes_whole),
        cmocka_unit_test(what_is_no_xml_passes_as_it_is),
        cmocka_unit_test(with_strict_it_is_refused),
        cmocka_unit_test(what_stops_being_xml_must_not_look_whole),
        cmocka_unit_test(document_types_and_their_bombs_are_refused),
        cmocka_unit_test(what_is_held_back_is_bounded),
        cmocka_unit_test(a_long_text_that_is_not_chosen_is_not_held_back),
        cmocka_unit_test(white_space_that_keeps_a_connection_alive_passes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
