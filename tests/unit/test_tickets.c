#include "proxy/gateway/tickets.h"

#include "tests/unit/unit.h"

#include <string.h>

#define START 5000
#define HOUR TICKETS_PERIOD_MS

static struct tickets tickets;

static int begin(void **unused)
{
    (void)unused;
    return tickets_start(&tickets, START);
}

static struct ticket_key newest(struct tickets *of, uint64_t now_ms)
{
    return *tickets_newest(of, now_ms);
}

static void loops_agree_whenever_they_look(void **unused)
{
    (void)unused;
    struct tickets busy = tickets, idle = tickets;
    for (uint64_t hour = 0; hour < 100; hour++)
        tickets_newest(&busy, START + hour * HOUR);
    struct ticket_key a = newest(&busy, START + 100 * HOUR), b = newest(&idle, START + 100 * HOUR);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(&busy, &idle, sizeof busy);
}

static void the_key_changes_with_the_hour(void **unused)
{
    (void)unused;
    struct ticket_key first = newest(&tickets, START), same = newest(&tickets, START + HOUR - 1),
                      next = newest(&tickets, START + HOUR);
    assert_memory_equal(&first, &same, sizeof first);
    assert_memory_not_equal(first.name, next.name, sizeof first.name);
    assert_memory_not_equal(first.cipher, next.cipher, sizeof first.cipher);
    assert_memory_not_equal(first.mac, next.mac, sizeof first.mac);
    assert_memory_not_equal(first.mac, first.cipher, sizeof first.mac);
}

static void a_key_is_found_for_two_hours_more_and_then_gone(void **unused)
{
    (void)unused;
    struct ticket_key first = newest(&tickets, START);
    int is_old = -1;
    assert_non_null(tickets_find(&tickets, START, first.name, &is_old));
    assert_int_equal(is_old, 0);
    assert_non_null(tickets_find(&tickets, START + 3 * HOUR - 1, first.name, &is_old));
    assert_int_equal(is_old, 1);
    assert_null(tickets_find(&tickets, START + 3 * HOUR, first.name, &is_old));
    const uint8_t *bytes = (const uint8_t *)&tickets;
    for (size_t i = 0; i + 32 <= sizeof tickets; i++)
        assert_memory_not_equal(bytes + i, first.mac, 32);
}

/* At the start there are fewer keys than places for them. */
static void an_empty_place_is_no_key(void **unused)
{
    (void)unused;
    static const uint8_t zeros[TICKET_NAME_SIZE];
    int is_old;
    assert_null(tickets_find(&tickets, START, zeros, &is_old));
}

static void two_starts_have_nothing_in_common(void **unused)
{
    (void)unused;
    struct tickets other;
    assert_int_equal(tickets_start(&other, START), 0);
    assert_memory_not_equal(other.secret, tickets.secret, sizeof other.secret);
    assert_memory_not_equal(other.keys[0].name, tickets.keys[0].name, TICKET_NAME_SIZE);
}

#define FRESH(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(loops_agree_whenever_they_look),
        FRESH(the_key_changes_with_the_hour),
        FRESH(a_key_is_found_for_two_hours_more_and_then_gone),
        FRESH(an_empty_place_is_no_key),
        FRESH(two_starts_have_nothing_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
