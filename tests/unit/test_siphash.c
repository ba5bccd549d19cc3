/* The vectors come from an independent implementation that reproduces the SipHash-2-4 example in
 * the paper's appendix A, run with one and three rounds: key 00 01 … 0f, data 00 01 … (size - 1).
 */
#include "base/siphash.h"

#include "tests/unit/unit.h"

static const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static void the_reference_vectors_come_out(void **unused)
{
    (void)unused;
    const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {{0, 0xabac0158050fc4dcu}, {1, 0xc9f49bf37d57ca93u}, {7, 0xd3927d989bb11140u},
        {8, 0x369095118d299a8eu}, {9, 0x25a48eb36c063de4u}, {15, 0xd320d86d2a519956u},
        {16, 0xcc4fdd1a7d908b66u}, {63, 0x9d199062b7bbb3a8u}, {255, 0xf76214e3153c4a15u}};
    uint8_t data[255];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_true(siphash(&key, data, vectors[i].size) == vectors[i].hash);
}

static void alignment_makes_no_difference(void **unused)
{
    (void)unused;
    uint8_t data[40] = {0};
    for (size_t offset = 0; offset < 8; offset++) {
        for (size_t i = 0; i < 16; i++)
            data[offset + i] = (uint8_t)i;
        assert_true(siphash(&key, data + offset, 16) == 0xcc4fdd1a7d908b66u);
    }
}

static void another_key_gives_another_hash(void **unused)
{
    (void)unused;
    struct siphash_key other = {key.k0, key.k1 ^ 1};
    assert_true(siphash(&key, "db", 2) != siphash(&other, "db", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vectors_come_out),
        cmocka_unit_test(alignment_makes_no_difference),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
