#include "base/memory.h"

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void new_memory_is_zero_even_when_empty(void **unused)
{
    (void)unused;
    unsigned char *block = memory_new(64), *empty = memory_new(0), *none = memory_new_array(0, 8);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(block[i], 0);
    assert_non_null(empty);
    assert_non_null(none);
    free(block);
    free(empty);
    free(none);
}

static void resizing_keeps_what_was_there(void **unused)
{
    (void)unused;
    unsigned *block = memory_new_array(2, sizeof *block);
    block[1] = 7;
    block = memory_resize(block, 1000, sizeof *block);
    assert_int_equal(block[1], 7);
    free(block);
}

static void copies_are_terminated(void **unused)
{
    (void)unused;
    char *part = memory_text_of("abcdef", 3), *none = memory_text_of(NULL, 0),
         *text = memory_text("x"), *format = memory_format("%s-%d", "a", 1);
    assert_string_equal(part, "abc");
    assert_string_equal(none, "");
    assert_string_equal(text, "x");
    assert_string_equal(format, "a-1");
    assert_null(memory_text(NULL));
    free(part);
    free(none);
    free(text);
    free(format);
}

/* Whether a child (with a quiet standard error) came through; a sanitizer exits in its own way. */
static bool survives_overflow(void)
{
    pid_t child = fork();
    if (child == 0) {
        volatile size_t count = SIZE_MAX / 2;
        close(STDERR_FILENO);
        free(memory_new_array(count, 4));
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status == 0;
}

static void an_overflow_aborts_instead_of_wrapping(void **unused)
{
    (void)unused;
    assert_false(survives_overflow());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero_even_when_empty),
        cmocka_unit_test(resizing_keeps_what_was_there),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(an_overflow_aborts_instead_of_wrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
