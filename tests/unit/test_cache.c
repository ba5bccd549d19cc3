#include "resolver/cache.h"

#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define NOW_MS 1000000
#define MAX_STALE_MS 5000

static struct message message;
static struct reply reply;
static uint8_t name[NAME_WIRE_MAX];

static struct cache_key key_of(const char *text, uint16_t type)
{
    size_t size = wire_of(text, name);
    uint64_t hash = 7;
    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + name[i];
    return (struct cache_key){.name = name,
        .name_size = (uint8_t)size,
        .type = type,
        .class = CLASS_IN,
        .hash = cache_hash(hash, type, CLASS_IN, false, false)};
}

static void start(unsigned rcode)
{
    message_start(&message, (uint16_t)(DNS_QR | rcode), "a.test", TYPE_A);
}

static struct cache_entry *read_entry(void)
{
    struct cache_key key = key_of("a.test", TYPE_A);
    assert_int_equal(message_read(&message, "a.test", TYPE_A, &reply), REPLY_GOOD);
    return cache_entry_new(&key, message.data, &reply, NOW_MS, MAX_STALE_MS);
}

/* An entry of a name of its own, of `bytes` as the cache counts them at least. */
static struct cache_entry *entry_of(const char *text, size_t bytes)
{
    struct cache_key key = key_of(text, TYPE_A);
    message_start(&message, DNS_QR, text, TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    size_t data = message_begin(&message, SECTION_ADDITIONAL, "@", 16, 60);
    for (size_t i = sizeof(struct cache_entry) + 80; i < bytes; i++)
        message_put(&message, "", 1);
    message_end(&message, data);
    assert_int_equal(message_read(&message, text, TYPE_A, &reply), REPLY_GOOD);
    return cache_entry_new(&key, message.data, &reply, NOW_MS, MAX_STALE_MS);
}

static void insert(struct cache *cache, const char *text, size_t bytes)
{
    struct cache_entry *entry = entry_of(text, bytes);
    cache_insert(cache, entry);
    cache_entry_unref(entry);
}

static struct cache_entry *find(struct cache *cache, const char *text)
{
    struct cache_key key = key_of(text, TYPE_A);
    return cache_find(cache, &key);
}

static void every_part_of_the_key_counts(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(1 << 20);
    insert(cache, "a.test", 0);
    const struct cache_key right = key_of("a.test", TYPE_A);
    assert_non_null(cache_find(cache, &right));
    /* The hash stays: what is compared is the key itself (CVE-2024-0874 left one part out). */
    struct cache_key wrong = right;
    wrong.type = TYPE_AAAA;
    assert_null(cache_find(cache, &wrong));
    wrong = right;
    wrong.class = 3;
    assert_null(cache_find(cache, &wrong));
    wrong = right;
    wrong.dnssec_ok = true;
    assert_null(cache_find(cache, &wrong));
    wrong = right;
    wrong.checking_disabled = true;
    assert_null(cache_find(cache, &wrong));
    wrong = right;
    wrong.name = (const uint8_t *)"\1b\4test";
    assert_null(cache_find(cache, &wrong));
    wrong = right;
    wrong.name_size--;
    assert_null(cache_find(cache, &wrong));
    cache_free(cache);
}

static void every_part_of_the_key_changes_the_hash(void **unused)
{
    (void)unused;
    uint64_t hash = cache_hash(1, TYPE_A, CLASS_IN, false, false);
    assert_true(hash != cache_hash(2, TYPE_A, CLASS_IN, false, false));
    assert_true(hash != cache_hash(1, TYPE_AAAA, CLASS_IN, false, false));
    assert_true(hash != cache_hash(1, TYPE_A, 3, false, false));
    assert_true(hash != cache_hash(1, TYPE_A, CLASS_IN, true, false));
    assert_true(hash != cache_hash(1, TYPE_A, CLASS_IN, false, true));
}

static void data_lives_as_long_as_its_shortest_ttl(void **unused)
{
    (void)unused;
    start(RCODE_NOERROR);
    message_cname(&message, "@", 20, "b.test");
    message_a(&message, SECTION_ANSWER, "b.test", 30, 1);
    message_a(&message, SECTION_AUTHORITY, "ns.test", 5, 1);
    struct cache_entry *entry = read_entry();
    assert_int_equal(entry->kind, CACHE_DATA);
    assert_int_equal(entry->stored_ms, NOW_MS);
    assert_int_equal(entry->expires_ms, NOW_MS + 20000);
    assert_int_equal(entry->stale_until_ms, NOW_MS + 20000 + MAX_STALE_MS);
    assert_int_equal(entry->hop_count, 1);
    cache_entry_unref(entry);
}

static uint64_t negative_life_ms(unsigned rcode, uint32_t ttl_s, uint32_t minimum_s)
{
    start(rcode);
    message_soa(&message, "test", ttl_s, DNS_HEADER_SIZE, minimum_s);
    struct cache_entry *entry = read_entry();
    uint64_t life_ms = entry->expires_ms - NOW_MS;
    assert_int_equal(entry->kind, CACHE_NEGATIVE);
    assert_int_equal(entry->rcode, rcode);
    cache_entry_unref(entry);
    return life_ms;
}

static void a_negative_answer_lives_as_its_soa_says(void **unused)
{
    (void)unused;
    assert_int_equal(negative_life_ms(RCODE_NXDOMAIN, 300, 60), 60000);
    assert_int_equal(negative_life_ms(RCODE_NXDOMAIN, 30, 60), 30000);
    assert_int_equal(negative_life_ms(RCODE_NOERROR, 300, 60), 60000);
    assert_int_equal(negative_life_ms(RCODE_NOERROR, 300, 0x80000000), 0);
    assert_int_equal(negative_life_ms(RCODE_NOERROR, UINT32_MAX, 60), 0);
    assert_int_equal(negative_life_ms(RCODE_NXDOMAIN, 1000000, 1000000), 86400000);
}

static void the_aliases_before_a_negative_end_bound_its_life_too(void **unused)
{
    (void)unused;
    start(RCODE_NXDOMAIN);
    message_cname(&message, "@", 10, "b.test");
    message_soa(&message, "test", 300, DNS_HEADER_SIZE, 60);
    struct cache_entry *entry = read_entry();
    assert_int_equal(entry->kind, CACHE_NEGATIVE);
    assert_int_equal(entry->expires_ms, NOW_MS + 10000);
    cache_entry_unref(entry);
}

static enum cache_kind kind_of_message(void)
{
    struct cache_entry *entry = read_entry();
    enum cache_kind kind = entry->kind;
    assert_true(kind != CACHE_OTHER || entry->expires_ms == NOW_MS);
    assert_true(kind != CACHE_OTHER || entry->stale_until_ms == NOW_MS);
    cache_entry_unref(entry);
    return kind;
}

static void what_says_nothing_for_certain_is_not_kept(void **unused)
{
    (void)unused;
    start(RCODE_NOERROR); /* NODATA without SOA */
    assert_int_equal(kind_of_message(), CACHE_OTHER);
    start(RCODE_NXDOMAIN);
    assert_int_equal(kind_of_message(), CACHE_OTHER);
    start(RCODE_NOERROR); /* a dangling CNAME */
    message_cname(&message, "@", 60, "b.test");
    assert_int_equal(kind_of_message(), CACHE_OTHER);
    start(RCODE_NOERROR); /* somebody else's address */
    message_a(&message, SECTION_ANSWER, "b.test", 60, 1);
    assert_int_equal(kind_of_message(), CACHE_OTHER);
    start(9 /* NOTAUTH */);
    message_soa(&message, "test", 300, DNS_HEADER_SIZE, 60);
    assert_int_equal(kind_of_message(), CACHE_OTHER);
}

static void an_entry_is_the_message_without_its_opt(void **unused)
{
    (void)unused;
    start(RCODE_NOERROR);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    size_t size = message.size;
    message_opt(&message, 1232, 0, "", 0);
    struct cache_entry *entry = read_entry();
    assert_int_equal(entry->message_size, size);
    assert_int_equal(read_be16(entry->message + 10), 0);
    assert_int_equal(entry->ttl_count, 1);
    assert_int_equal(entry->pointer_count, 1);
    cache_entry_unref(entry);
}

static void a_failure_is_kept_for_1_to_5_seconds(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("a.test", TYPE_A);
    struct cache_entry *entry =
        cache_entry_new_failure(&key, RCODE_SERVFAIL, EDE_NETWORK_ERROR, NOW_MS);
    uint64_t life_ms = entry->expires_ms - NOW_MS;
    assert_true(life_ms >= 1000 && life_ms <= 5000);
    assert_int_equal(entry->stale_until_ms, entry->expires_ms); /* never stale SERVFAIL */
    assert_int_equal(entry->kind, CACHE_FAILURE);
    assert_int_equal(entry->ede, EDE_NETWORK_ERROR);
    assert_true(cache_entry_is(entry, &key));
    cache_entry_unref(entry);
}

static void a_new_answer_takes_the_place_of_the_old_one(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(1 << 20);
    insert(cache, "a.test", 0);
    struct cache_entry *old = cache_entry_ref(find(cache, "a.test"));
    insert(cache, "a.test", 1000);
    assert_ptr_not_equal(find(cache, "a.test"), old);
    assert_int_equal(cache_measure(cache).entries, 1);
    assert_int_equal(cache_measure(cache).bytes, find(cache, "a.test")->bytes);
    assert_int_equal(old->references, 1); /* whoever holds it still reads it */
    assert_int_equal(old->type, TYPE_A);
    cache_entry_unref(old);
    cache_free(cache);
}

static void putting_in_what_is_there_changes_nothing(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(1 << 20);
    insert(cache, "a.test", 0);
    struct cache_entry *entry = find(cache, "a.test");
    cache_insert(cache, entry);
    assert_int_equal(entry->references, 1);
    assert_int_equal(cache_measure(cache).entries, 1);
    cache_free(cache);
}

static void the_cache_never_holds_more_than_its_bytes(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(16384);
    char text[16];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "n%u.test", i);
        insert(cache, text, 400 + i % 7 * 200);
        assert_non_null(find(cache, text));
        assert_true(cache_measure(cache).bytes <= 16384);
    }
    struct cache_size size = cache_measure(cache);
    assert_true(size.entries > 8);
    assert_int_equal(size.entries + size.evictions, 200);
    cache_free(cache);
}

static void what_was_asked_for_gets_a_second_chance(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(16384);
    char text[16];
    insert(cache, "wanted.test", 1000);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "n%u.test", i);
        insert(cache, text, 1000);
        assert_non_null(find(cache, "wanted.test"));
    }
    assert_null(find(cache, "n0.test"));
    /* Nobody asks any more: two rounds of the hand later it is gone. */
    for (unsigned i = 100; i < 140; i++) {
        snprintf(text, sizeof text, "n%u.test", i);
        insert(cache, text, 1000);
    }
    assert_null(find(cache, "wanted.test"));
    cache_free(cache);
}

static void an_answer_larger_than_an_eighth_of_the_cache_is_not_kept(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(16384);
    insert(cache, "small.test", 0);
    insert(cache, "large.test", 2500);
    assert_null(find(cache, "large.test"));
    assert_non_null(find(cache, "small.test"));
    cache_free(cache);
}

static void thousands_of_entries_are_all_found(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(16 << 20);
    char text[16];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "n%u.test", i);
        insert(cache, text, 0);
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "n%u.test", i);
        assert_non_null(find(cache, text));
    }
    assert_int_equal(cache_measure(cache).entries, 5000);
    assert_int_equal(cache_measure(cache).evictions, 0);
    cache_free(cache);
}

static void a_name_is_flushed_with_all_its_types_and_no_other(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(1 << 20);
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_SOA};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct cache_key key = key_of("a.test", types[i]);
        struct cache_entry *entry = cache_entry_new_failure(&key, RCODE_SERVFAIL, EDE_NONE, NOW_MS);
        cache_insert(cache, entry);
        cache_entry_unref(entry);
    }
    insert(cache, "b.a.test", 0);
    size_t size = wire_of("a.test", name);
    assert_int_equal(cache_flush_name(cache, name, size), 3);
    assert_int_equal(cache_flush_name(cache, name, size), 0);
    assert_null(find(cache, "a.test"));
    assert_non_null(find(cache, "b.a.test"));
    cache_free(cache);
}

static void a_flush_leaves_nothing(void **unused)
{
    (void)unused;
    struct cache *cache = cache_new(1 << 20);
    insert(cache, "a.test", 0);
    insert(cache, "b.test", 0);
    struct cache_entry *held = cache_entry_ref(find(cache, "a.test"));
    assert_int_equal(cache_flush(cache), 2);
    assert_int_equal(cache_measure(cache).entries, 0);
    assert_int_equal(cache_measure(cache).bytes, 0);
    assert_null(find(cache, "a.test"));
    assert_int_equal(held->references, 1);
    cache_entry_unref(held);
    insert(cache, "a.test", 0);
    assert_non_null(find(cache, "a.test"));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(every_part_of_the_key_changes_the_hash),
        cmocka_unit_test(data_lives_as_long_as_its_shortest_ttl),
        cmocka_unit_test(a_negative_answer_lives_as_its_soa_says),
        cmocka_unit_test(the_aliases_before_a_negative_end_bound_its_life_too),
        cmocka_unit_test(what_says_nothing_for_certain_is_not_kept),
        cmocka_unit_test(an_entry_is_the_message_without_its_opt),
        cmocka_unit_test(a_failure_is_kept_for_1_to_5_seconds),
        cmocka_unit_test(a_new_answer_takes_the_place_of_the_old_one),
        cmocka_unit_test(putting_in_what_is_there_changes_nothing),
        cmocka_unit_test(the_cache_never_holds_more_than_its_bytes),
        cmocka_unit_test(what_was_asked_for_gets_a_second_chance),
        cmocka_unit_test(an_answer_larger_than_an_eighth_of_the_cache_is_not_kept),
        cmocka_unit_test(thousands_of_entries_are_all_found),
        cmocka_unit_test(a_name_is_flushed_with_all_its_types_and_no_other),
        cmocka_unit_test(a_flush_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
