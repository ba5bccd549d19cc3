/* A body in signed pieces on its way. */
#include "tests/unit/chunked_scene.h"

#include <stdlib.h>

static const size_t published[] = {65536, 1024, 0};
static const size_t small[] = {10, 5, 0};
#define FIRST 96 /* bytes of its pieces */
#define SECOND 91

static void the_published_body_is_believed(void **state)
{
    static const char *const signatures[] = {
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, published, NULL, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(memmem(scene->body.data, scene->body.size, signatures[i], 64));
    assert_int_equal(chunked_scene_send(scene, 16384), 0);
    chunked_scene_check_upstream(scene);
}

static void it_may_be_cut_anywhere(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    for (size_t step = 1; step <= scene->body.size; step++) {
        assert_int_equal(chunked_scene_send(scene, step), 0);
        chunked_scene_check_upstream(scene);
    }
}

static void an_empty_body_is_one_last_piece(void **state)
{
    static const size_t none[] = {0};
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, none, NULL, NULL);
    assert_int_equal(chunked_scene_send(scene, 16), 0);
    chunked_scene_check_upstream(scene);
}

static void a_trailer_is_believed_and_signed_anew(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-checksum-crc32c";
    chunked_scene_write(
        scene, published, "x-amz-checksum-crc32c:sOO8/Q==\r\n", "x-amz-checksum-crc32c:sOO8/Q==\n");
    assert_int_equal(chunked_scene_send(scene, 1000), 0);
    chunked_scene_check_upstream(scene);
}

static void a_trailers_lines_may_end_as_the_manual_has_it(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-checksum-crc32c";
    chunked_scene_write(
        scene, small, "x-amz-checksum-crc32c:sOO8/Q==\n\r\n", "x-amz-checksum-crc32c:sOO8/Q==\n");
    for (size_t step = 1; step <= scene->body.size; step++) {
        assert_int_equal(chunked_scene_send(scene, step), 0);
        chunked_scene_check_upstream(scene);
    }
}

static void trailers_are_signed_in_order_and_in_lower_case(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-b, X-Amz-A";
    chunked_scene_write(scene, small, "X-Amz-B: 2 \r\nx-amz-a:1\r\n", "x-amz-a:1\nx-amz-b:2\n");
    assert_int_equal(chunked_scene_send(scene, 9), 0);
    chunked_scene_check_upstream(scene);
}

static void tampered_data_stops_before_its_piece(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    scene->body.data[FIRST - 3] = 'b';
    chunked_scene_expect(scene, &auth_bad_signature, 0);
    chunked_scene_write(scene, small, NULL, NULL);
    scene->body.data[FIRST + SECOND - 3] = 'b';
    chunked_scene_expect(scene, &auth_bad_signature, 0);
}

static void a_tampered_last_signature_stops_before_the_last_piece(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    char *digit = scene->body.data + scene->body.size - 5;
    *digit = *digit == '0' ? '1' : '0';
    chunked_scene_expect(scene, &auth_bad_signature, 0);
}

static void pieces_may_not_change_places_or_be_repeated(void **state)
{
    static const size_t alike[] = {10, 10, 10, 0};
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, alike, NULL, NULL);
    char *body = scene->body.data, second[FIRST];
    memcpy(second, body + FIRST, FIRST);
    memmove(body + FIRST, body + 2 * FIRST, FIRST);
    memcpy(body + 2 * FIRST, second, FIRST);
    chunked_scene_expect(scene, &auth_bad_signature, 0);
    chunked_scene_write(scene, alike, NULL, NULL);
    memcpy(scene->body.data + FIRST, scene->body.data, FIRST);
    chunked_scene_expect(scene, &auth_bad_signature, 0);
}

static void another_seed_or_key_is_refused(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    scene->client.signature[0] = '5';
    chunked_scene_expect(scene, &auth_bad_signature, 0);
    strcpy(scene->client.signature, SCENE_SEED);
    strcpy(scene->client.region, "eu-west-1");
    chunked_scene_expect(scene, &auth_bad_signature, 0);
}

static void a_body_that_ends_early_is_not_whole(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    scene->body.size--;
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
    scene->body.size = FIRST + 1;
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
    scene->body.size = 0;
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
}

static void nothing_comes_after_the_last_piece(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    text_put(&scene->body, "0");
    chunked_scene_expect(scene, &auth_chunk_malformed, chunked_scene_length(scene));
}

static void the_length_must_be_what_was_said(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    scene->decoded_length = 16;
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
    scene->decoded_length = 14;
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
}

static void a_piece_may_be_of_any_length(void **state)
{
    static const size_t sizes[][3] = {{3u << 20, 1, 0}, {CHUNKED_PIECE, 0}, {CHUNKED_PIECE - 1, 0},
        {CHUNKED_PIECE + 1, 0}, {CHUNKED_PIECE, CHUNKED_PIECE, 0}, {1, CHUNKED_PIECE, 0}};
    struct chunked_scene *scene = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        chunked_scene_write(scene, sizes[i], NULL, NULL);
        assert_int_equal(chunked_scene_send(scene, 30000), 0);
        chunked_scene_check_upstream(scene);
    }
}

#define WHOLE (sizeof "4000;chunk-signature=" - 1 + 64 + 2 + CHUNKED_PIECE + 2)

static void the_last_of_the_data_waits_until_all_is_verified(void **state)
{
    static const size_t two[] = {40000, 40000, 0}, even[] = {2 * CHUNKED_PIECE, 0};
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, two, NULL, NULL);
    scene->body.data[100] = 'b';
    chunked_scene_expect(scene, &auth_bad_signature, 2 * WHOLE);
    chunked_scene_write(scene, two, NULL, NULL);
    scene->body.data[40000 + 200] = 'b';
    chunked_scene_expect(scene, &auth_bad_signature, 4 * WHOLE);
    chunked_scene_write(scene, even, NULL, NULL);
    scene->body.data[scene->body.size - 5] ^= 1;
    chunked_scene_expect(scene, &auth_bad_signature, WHOLE);
}

static void the_length_is_known_before_a_checksum_comes(void **state)
{
    struct chunked_options options = {.has_trailer = true, .decoded_length = 5};
    uint64_t length = 0;
    (void)state;
    options.trailers = span_of_text("x-amz-checksum-crc32, X-Amz-Checksum-SHA256");
    assert_true(chunked_length(&options, &length));
    assert_int_equal(length, 91 + 84 + 31 + 68 + 24 + 64 + 4);
    options.trailers = span_of_text("x-amz-checksum-crc32,x-amz-checksum-of-tomorrow");
    assert_false(chunked_length(&options, &length));
    options.trailers = span_of_text("x-amz-meta-crc32");
    assert_false(chunked_length(&options, &length));
    options.has_trailer = false;
    options.decoded_length = UINT64_MAX;
    assert_false(chunked_length(&options, &length));
}

static void a_checksum_of_another_length_is_refused(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-checksum-crc32c";
    chunked_scene_write(
        scene, small, "x-amz-checksum-crc32c:sOO8/Q=\r\n", "x-amz-checksum-crc32c:sOO8/Q=\n");
    chunked_scene_expect(scene, &auth_trailer_malformed, 0);
}

static void a_pieces_head_has_its_bound(void **state)
{
    struct chunked_scene *scene = *state;
    for (int i = 0; i < 300; i++)
        text_put(&scene->body, "0");
    chunked_scene_expect(scene, &auth_chunk_malformed, 0);
}

static void a_piece_ends_where_it_says(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    scene->body.data[FIRST - 2] = '\n';
    chunked_scene_expect(scene, &auth_chunk_malformed, 0);
}

static void a_tampered_trailer_stops_before_the_last_piece(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-checksum-crc32c";
    chunked_scene_write(
        scene, small, "x-amz-checksum-crc32c:sOO8/Q==\r\n", "x-amz-checksum-crc32c:sOO8/Q==\n");
    *strchr(strstr(scene->body.data, "crc32c:"), 'Q') = 'R';
    chunked_scene_expect(scene, &auth_bad_signature, 0);
}

static void trailers_must_be_those_that_were_announced(void **state)
{
    static const char *const announced[] = {
        "", "x-amz-checksum-crc32", "x-amz-checksum-crc32c,x-amz-more"};
    struct chunked_scene *scene = *state;
    for (size_t i = 0; i < 3; i++) {
        scene->trailers = announced[i];
        chunked_scene_write(
            scene, small, "x-amz-checksum-crc32c:sOO8/Q==\r\n", "x-amz-checksum-crc32c:sOO8/Q==\n");
        chunked_scene_expect(scene, &auth_trailer_malformed, 0);
    }
}

static void a_trailer_has_its_bound(void **state)
{
    struct chunked_scene *scene = *state;
    char value[CHUNKED_TRAILER_MOST + 1];
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    memcpy(value, "x:", 2);
    scene->trailers = "x";
    chunked_scene_write(scene, small, value, value);
    chunked_scene_expect(scene, &auth_trailer_malformed, 0);
}

static void a_trailer_that_is_missing_leaves_the_body_unfinished(void **state)
{
    struct chunked_scene *scene = *state;
    scene->trailers = "x-amz-checksum-crc32c";
    chunked_scene_write(scene, small, NULL, NULL);
    chunked_scene_expect(scene, &auth_body_incomplete, 0);
}

static void one_key_may_sign_both_ways(void **state)
{
    struct chunked_scene *scene = *state;
    auth_key_drop(scene->upstream.key);
    scene->upstream.key = auth_key_hold(scene->client.key);
    chunked_scene_write(scene, small, NULL, NULL);
    assert_int_equal(chunked_scene_send(scene, 3), 0);
    chunked_scene_check_upstream(scene);
}

static void a_key_that_is_taken_away_still_finishes_its_body(void **state)
{
    struct chunked_scene *scene = *state;
    chunked_scene_write(scene, small, NULL, NULL);
    struct chunked_options options = {.sigv4 = &scene->sigv4,
        .client = scene->client,
        .upstream = scene->upstream,
        .decoded_length = scene->decoded_length};
    struct chunked *chunked = chunked_new(&options);
    auth_key_drop(scene->client.key);
    scene->client.key = NULL;
    struct span body = span_of(scene->body.data, scene->body.size);
    assert_int_equal(chunked_push(chunked, body, &scene->out), 0);
    assert_int_equal(chunked_finish(chunked), 0);
    chunked_free(chunked);
    chunked_free(NULL);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, chunked_scene_set_up, chunked_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_published_body_is_believed),
        SCENE_TEST(it_may_be_cut_anywhere),
        SCENE_TEST(an_empty_body_is_one_last_piece),
        SCENE_TEST(a_trailer_is_believed_and_signed_anew),
        SCENE_TEST(a_trailers_lines_may_end_as_the_manual_has_it),
        SCENE_TEST(trailers_are_signed_in_order_and_in_lower_case),
        SCENE_TEST(tampered_data_stops_before_its_piece),
        SCENE_TEST(a_tampered_last_signature_stops_before_the_last_piece),
        SCENE_TEST(pieces_may_not_change_places_or_be_repeated),
        SCENE_TEST(another_seed_or_key_is_refused),
        SCENE_TEST(a_body_that_ends_early_is_not_whole),
        SCENE_TEST(nothing_comes_after_the_last_piece),
        SCENE_TEST(the_length_must_be_what_was_said),
        SCENE_TEST(a_piece_may_be_of_any_length),
        SCENE_TEST(the_last_of_the_data_waits_until_all_is_verified),
        cmocka_unit_test(the_length_is_known_before_a_checksum_comes),
        SCENE_TEST(a_checksum_of_another_length_is_refused),
        SCENE_TEST(a_pieces_head_has_its_bound),
        SCENE_TEST(a_piece_ends_where_it_says),
        SCENE_TEST(a_tampered_trailer_stops_before_the_last_piece),
        SCENE_TEST(trailers_must_be_those_that_were_announced),
        SCENE_TEST(a_trailer_has_its_bound),
        SCENE_TEST(a_trailer_that_is_missing_leaves_the_body_unfinished),
        SCENE_TEST(one_key_may_sign_both_ways),
        SCENE_TEST(a_key_that_is_taken_away_still_finishes_its_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
