/* The pool of pipes. */
#include "proxy/pipes.h"
#include "tests/unit/sample.h"

#include <fcntl.h>
#include <unistd.h>

static void a_pipe_is_used_again_when_it_comes_back_empty(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *pipe = pipes_take(&pipes);
    assert_non_null(pipe);
    assert_true(pipe->size >= 32 << 10);
    pipes_give(&pipes, pipe);
    assert_ptr_equal(pipes_take(&pipes), pipe);
    assert_int_equal(pipes.count, 1);
    pipes_give(&pipes, pipe);
    pipes_fini(&pipes);
    assert_int_equal(pipes.count, 0);
}

static void nothing_of_one_connection_reaches_another_through_a_pipe(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *pipe = pipes_take(&pipes);
    int end = pipe->ends[0];
    assert_int_equal(write(pipe->ends[1], "secret", 6), 6);
    pipe->filled = 6;
    pipes_give(&pipes, pipe);
    assert_int_equal(pipes.count, 0);
    assert_int_equal(pipes.idle_count, 0);
    assert_int_equal(fcntl(end, F_GETFD), -1);
    pipes_fini(&pipes);
}

static void pipes_are_bounded_in_use_and_idle(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *taken[PIPES_MAX];
    for (int i = 0; i < PIPES_MAX; i++) {
        taken[i] = pipes_take(&pipes);
        assert_non_null(taken[i]);
    }
    assert_null(pipes_take(&pipes));
    for (int i = 0; i < PIPES_MAX; i++)
        pipes_give(&pipes, taken[i]);
    assert_int_equal(pipes.idle_count, PIPES_IDLE_MAX);
    assert_int_equal(pipes.count, PIPES_IDLE_MAX);
    pipes_fini(&pipes);
    assert_int_equal(descriptors, 2 * PIPES_MAX);
}

static void pipes_count_among_the_descriptors_that_are_left(void **unused)
{
    (void)unused;
    atomic_int descriptors = 5;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *first = pipes_take(&pipes), *second = pipes_take(&pipes);
    assert_non_null(second);
    assert_null(pipes_take(&pipes));
    assert_int_equal(descriptors, 1);
    pipes_give(&pipes, first);
    assert_ptr_equal(pipes_take(&pipes), first);
    second->filled = 1;
    pipes_give(&pipes, second);
    assert_int_equal(descriptors, 3);
    pipes_give(&pipes, first);
    pipes_fini(&pipes);
    assert_int_equal(descriptors, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_is_used_again_when_it_comes_back_empty),
        cmocka_unit_test(nothing_of_one_connection_reaches_another_through_a_pipe),
        cmocka_unit_test(pipes_are_bounded_in_use_and_idle),
        cmocka_unit_test(pipes_count_among_the_descriptors_that_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
