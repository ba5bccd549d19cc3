#include "base/failure.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static void a_failure_keeps_its_code_and_words(void **unused)
{
    (void)unused;
    struct failure why;
    assert_int_equal(failure_set(&why, -EINVAL, "no region \"%s\"", "mars"), -EINVAL);
    assert_string_equal(why.text, "no region \"mars\"");
}

static void context_comes_in_front(void **unused)
{
    (void)unused;
    struct failure why;
    failure_set(&why, -EACCES, "permission denied");
    assert_int_equal(failure_prefix(&why, -EACCES, "%s", "/var/lib"), -EACCES);
    assert_string_equal(why.text, "/var/lib: permission denied");
}

static void nobody_has_to_listen(void **unused)
{
    (void)unused;
    assert_int_equal(failure_set(NULL, -EIO, "unheard"), -EIO);
    assert_int_equal(failure_prefix(NULL, -EIO, "unheard"), -EIO);
}

static void words_that_are_too_long_are_cut(void **unused)
{
    (void)unused;
    struct failure why;
    failure_set(&why, -EIO, "%02000d", 0);
    assert_int_equal(strlen(why.text), FAILURE_TEXT_SIZE - 1);
    failure_prefix(&why, -EIO, "context");
    assert_memory_equal(why.text, "context: 000", 12);
    failure_prefix(&why, -EIO, "%02000d", 1);
    assert_int_equal(strlen(why.text), FAILURE_TEXT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_keeps_its_code_and_words),
        cmocka_unit_test(context_comes_in_front),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(words_that_are_too_long_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
