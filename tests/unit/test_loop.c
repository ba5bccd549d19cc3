#include "base/loop.h"

#include "tests/unit/unit.h"

#include <semaphore.h>
#include <time.h>

#define POSTERS 4
#define MESSAGES 2000
#define DEADLINE_S 10

struct record {
    struct loop loop;
    sem_t done;
    pthread_t ran_on;
    unsigned count[POSTERS];
    bool in_order;
};

struct message {
    struct record *record;
    unsigned poster, number;
};

static struct message messages[POSTERS][MESSAGES];

static void assert_comes(sem_t *signal)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_S;
    assert_int_equal(sem_timedwait(signal, &deadline), 0);
}

static void note(void *context)
{
    struct message *message = context;
    struct record *record = message->record;
    record->ran_on = pthread_self();
    record->in_order &= message->number == record->count[message->poster]++;
    sem_post(&record->done);
}

static void start(struct record *record)
{
    *record = (struct record){.in_order = true};
    sem_init(&record->done, 0, 0);
    assert_int_equal(loop_init(&record->loop, "test"), 0);
    assert_int_equal(loop_start(&record->loop), 0);
}

static void *post_all(void *context)
{
    struct message *first = context;
    for (unsigned i = 0; i < MESSAGES; i++)
        loop_post(&first->record->loop, note, first + i);
    return NULL;
}

static void posted_calls_run_once_in_order_on_the_loops_thread(void **unused)
{
    (void)unused;
    struct record record;
    pthread_t posters[POSTERS];
    start(&record);
    for (unsigned p = 0; p < POSTERS; p++) {
        for (unsigned i = 0; i < MESSAGES; i++)
            messages[p][i] = (struct message){&record, p, i};
        pthread_create(&posters[p], NULL, post_all, messages[p]);
    }
    for (unsigned i = 0; i < POSTERS * MESSAGES; i++)
        assert_comes(&record.done);
    for (unsigned p = 0; p < POSTERS; p++)
        pthread_join(posters[p], NULL);
    assert_true(pthread_equal(record.ran_on, record.loop.thread));
    loop_fini(&record.loop);
    assert_true(record.in_order);
    for (unsigned p = 0; p < POSTERS; p++)
        assert_int_equal(record.count[p], MESSAGES);
}

static void post_another(void *context)
{
    struct message *message = context;
    loop_post(&message->record->loop, note, message);
}

static void a_call_may_post_another(void **unused)
{
    (void)unused;
    struct record record;
    struct message message = {&record, 0, 0};
    start(&record);
    loop_post(&record.loop, post_another, &message);
    assert_comes(&record.done);
    loop_fini(&record.loop);
    assert_int_equal(record.count[0], 1);
}

static void a_loop_beats_while_it_is_idle(void **unused)
{
    (void)unused;
    struct record record;
    start(&record);
    const struct timespec step = {.tv_nsec = 10000000};
    for (unsigned i = 0; i < DEADLINE_S * 100 && atomic_load(&record.loop.beats) < 2; i++)
        nanosleep(&step, NULL);
    assert_true(atomic_load(&record.loop.beats) >= 2);
    loop_fini(&record.loop);
}

static void a_loop_that_was_never_started_ends_as_well(void **unused)
{
    (void)unused;
    struct loop loop;
    uv_timer_t forgotten;
    assert_int_equal(loop_init(&loop, "main"), 0);
    uv_timer_init(&loop.uv, &forgotten);
    loop_post(&loop, note, NULL); /* dropped: nobody runs the loop any more */
    loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posted_calls_run_once_in_order_on_the_loops_thread),
        cmocka_unit_test(a_call_may_post_another),
        cmocka_unit_test(a_loop_beats_while_it_is_idle),
        cmocka_unit_test(a_loop_that_was_never_started_ends_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
