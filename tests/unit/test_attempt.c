#include "resolver/attempt.h"

#include "resolver/engine.h"
#include "resolver/fetch.h"
#include "tests/unit/played_upstream.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#define ID 0x4711
#define PER_EVENT 16

/* Stands in for the fetch: notes what it is told. */
struct fetch {
    counter datagrams, unreachable;
    struct attempt **slot;   /* of the attempt that tells */
    unsigned enough;         /* datagrams, then it is closed; 0: never */
    struct attempt *teller;  /* of the last datagram */
    struct message datagram; /* the last */
};

static struct engine engine;
static struct played peer;
static struct upstream upstream;
static struct fetch fetch;
static struct attempt *attempt, *other;
static struct message question;

bool fetch_datagram(struct fetch *told, struct attempt *teller, const uint8_t *message, size_t size)
{
    told->datagrams++;
    told->teller = teller;
    told->datagram.size = 0;
    message_put(&told->datagram, message, size);
    if (told->datagrams != told->enough)
        return true;
    attempt_close(told->slot);
    return false;
}

void fetch_unreachable(struct fetch *told, struct attempt *teller)
{
    told->unreachable++;
    assert_ptr_equal(teller, *told->slot);
    attempt_close(told->slot);
}

static int setup(void **unused)
{
    (void)unused;
    assert_int_equal(loop_init(&engine.loop, "test"), 0);
    played_open(&peer, &engine.loop.uv);
    upstream = (struct upstream){.address = peer.address};
    fetch = (struct fetch){.slot = &attempt};
    message_start(&question, DNS_RD, "else.test", TYPE_A);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    attempt_close(&attempt);
    attempt_close(&other);
    loop_fini(&engine.loop);
    played_close(&peer);
    return 0;
}

static int try_it(struct attempt **slot)
{
    return attempt_new(&engine, &fetch, &upstream, ID, question.data, question.size, slot);
}

static void says_number(uint32_t number)
{
    struct message message = {0};
    message_put32(&message, number);
    says(&peer, &message);
}

static void hears_datagrams(unsigned count)
{
    runs_until(&engine.loop.uv, &fetch.datagrams, count);
    assert_int_equal(fetch.datagrams, count);
}

static void the_message_goes_out_as_it_is(void **unused)
{
    (void)unused;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    assert_int_equal(peer.heard.size, question.size);
    assert_memory_equal(peer.heard.data, question.data, question.size);
}

static void what_comes_is_handed_over_with_what_is_known_of_the_try(void **unused)
{
    (void)unused;
    time_passes(&engine.loop.uv, 500);
    uint64_t asked_ms = uv_now(&engine.loop.uv);
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    time_passes(&engine.loop.uv, 70);
    says_number(7);
    hears_datagrams(1);
    assert_ptr_equal(fetch.teller, attempt);
    assert_int_equal(fetch.datagram.size, 4);
    assert_int_equal(read_be32(fetch.datagram.data), 7);
    assert_ptr_equal(attempt_upstream(attempt), &upstream);
    assert_int_equal(attempt_id(attempt), ID);
    assert_int_equal(attempt_sent_ms(attempt), asked_ms);
}

static void each_has_a_port_of_its_own(void **unused)
{
    (void)unused;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    struct address first = peer.asker;
    assert_int_equal(try_it(&other), 0);
    hears(&peer);
    assert_false(address_equal(&first, &peer.asker));
    says_number(2);
    hears_datagrams(1);
    assert_ptr_equal(fetch.teller, other);
    peer.asker = first;
    says_number(1);
    hears_datagrams(2);
    assert_ptr_equal(fetch.teller, attempt);
}

static void what_others_send_to_its_port_is_not_heard(void **unused)
{
    (void)unused;
    struct played stranger;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    played_open(&stranger, &engine.loop.uv);
    stranger.asker = peer.asker;
    says(&stranger, &question);
    settle(&engine.loop.uv);
    played_close(&stranger);
    says_number(1);
    hears_datagrams(1);
    assert_int_equal(fetch.datagram.size, 4);
}

static void the_wait_goes_on_until_the_fetch_has_enough(void **unused)
{
    (void)unused;
    fetch.enough = 2;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    for (uint32_t i = 1; i <= 4; i++)
        says_number(i);
    hears_datagrams(2);
    settle(&engine.loop.uv);
    assert_int_equal(fetch.datagrams, 2);
    assert_int_equal(read_be32(fetch.datagram.data), 2);
    assert_null(attempt);
}

static void after_the_end_nothing_is_heard(void **unused)
{
    (void)unused;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    says_number(1);
    attempt_close(&attempt);
    attempt_close(&attempt);
    settle(&engine.loop.uv);
    assert_int_equal(fetch.datagrams + fetch.unreachable, 0);
}

static int next_descriptor(void)
{
    int file = dup(peer.datagrams);
    close(file);
    return file;
}

static void its_descriptor_is_given_back_at_once(void **unused)
{
    (void)unused;
    int before = next_descriptor();
    assert_int_equal(try_it(&attempt), 0);
    assert_int_not_equal(next_descriptor(), before);
    attempt_close(&attempt);
    assert_int_equal(next_descriptor(), before);
}

static void a_flood_does_not_keep_the_loop(void **unused)
{
    (void)unused;
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    for (uint32_t i = 0; i < 2 * PER_EVENT + 3; i++)
        says_number(i);
    uv_run(&engine.loop.uv, UV_RUN_NOWAIT);
    assert_true(fetch.datagrams <= PER_EVENT);
    hears_datagrams(2 * PER_EVENT + 3);
}

static void datagrams_of_any_size_are_handed_over_whole(void **unused)
{
    (void)unused;
    struct message message = {0};
    assert_int_equal(try_it(&attempt), 0);
    hears(&peer);
    says(&peer, &message);
    hears_datagrams(1);
    assert_int_equal(fetch.datagram.size, 0);
    message.size = 65507; /* what UDP over IPv4 can carry */
    message.data[65506] = 42;
    says(&peer, &message);
    hears_datagrams(2);
    assert_int_equal(fetch.datagram.size, 65507);
    assert_int_equal(fetch.datagram.data[65506], 42);
}

static void nobody_at_the_port_is_told_later_and_once(void **unused)
{
    (void)unused;
    close_socket(&peer.datagrams);
    assert_int_equal(try_it(&attempt), 0);
    assert_int_equal(fetch.unreachable, 0);
    runs_until(&engine.loop.uv, &fetch.unreachable, 1);
    settle(&engine.loop.uv);
    assert_int_equal(fetch.unreachable, 1);
    assert_int_equal(fetch.datagrams, 0);
}

static void what_cannot_be_sent_is_an_error_at_once(void **unused)
{
    (void)unused;
    upstream.address.v4.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    assert_int_equal(try_it(&attempt), -EACCES);
    assert_null(attempt);
}

static void without_a_descriptor_left_it_says_so(void **unused)
{
    struct rlimit before, none;
    (void)unused;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    int status = try_it(&attempt);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(status, -EMFILE);
    assert_null(attempt);
    assert_int_equal(try_it(&attempt), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_message_goes_out_as_it_is),
        TEST(what_comes_is_handed_over_with_what_is_known_of_the_try),
        TEST(each_has_a_port_of_its_own),
        TEST(what_others_send_to_its_port_is_not_heard),
        TEST(the_wait_goes_on_until_the_fetch_has_enough),
        TEST(after_the_end_nothing_is_heard),
        TEST(its_descriptor_is_given_back_at_once),
        TEST(a_flood_does_not_keep_the_loop),
        TEST(datagrams_of_any_size_are_handed_over_whole),
        TEST(nobody_at_the_port_is_told_later_and_once),
        TEST(what_cannot_be_sent_is_an_error_at_once),
        TEST(without_a_descriptor_left_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
