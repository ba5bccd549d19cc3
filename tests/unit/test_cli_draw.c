#include "tests/unit/unit.h"

#include "base/json.h"
#include "programs/cli_draw.h"

#include <stdlib.h>
#include <string.h>

#define WHEN(second)                                                                               \
    "{\"wall\":\"2026-11-23T07:00:" second ".000Z\",\"boot_id\":\"b\",\"boot_ms\":" second "000}"
#define NOW                                                                                        \
    {                                                                                              \
        .wall = "2026-11-23T07:00:50.000Z", .boot_id = "b", .boot_ms = 50000                       \
    }

typedef void drawing(const struct page *page, const cJSON *value);

static void assert_drawn(drawing *draw, bool cut, const char *json, const char *expected)
{
    char *text = NULL;
    size_t size;
    cJSON *value = NULL;
    FILE *out = open_memstream(&text, &size);
    struct page page = {.out = out, .cut = cut, .columns = 60, .rows = 24, .now = NOW};
    assert_int_equal(json_parse(json, strlen(json), &value, NULL, NULL), 0);
    draw(&page, value);
    fclose(out);
    cJSON_Delete(value);
    assert_string_equal(text, expected);
    free(text);
}

static void draw_all(const struct page *page, const cJSON *transition)
{
    draw_transition(page, transition, 20);
}

static void draw_two(const struct page *page, const cJSON *transition)
{
    assert_int_equal(draw_transition(page, transition, 2), 3);
}

static void draw_pair(const struct page *page, const cJSON *pair)
{
    draw_changes(page, cJSON_GetArrayItem(pair, 0), cJSON_GetArrayItem(pair, 1));
}

static void a_steady_host_is_told_in_a_few_lines(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"host\":\"app-1\",\"regions\":[\"eu\",\"us\"],\"undecided\":{},\"fence_age_ms\":{},"
        "\"store\":{\"kind\":\"file\",\"where\":\"/s\",\"error\":null},"
        "\"sidecar\":{\"connected\":false},\"groups\":{\"data\":{\"active\":\"us\","
        "\"status\":\"open\"}},"
        "\"state\":{\"revision\":4,\"epoch\":2,\"groups\":{\"data\":{\"latched\":[\"eu\"]}},"
        "\"transition\":null,\"history\":[{\"to\":\"us\",\"kind\":\"failover\",\"by\":\"alice\","
        "\"reason\":\"drill\",\"result\":\"done\",\"ended\":" WHEN(
            "10") "}]},"
                  "\"endpoints\":{\"db\":{\"type\":\"database\",\"group\":\"data\",\"active\":"
                  "\"us\","
                  "\"targets\":{\"eu\":{\"health\":\"down\",\"detail\":\"connection refused\"},"
                  "\"us\":{\"health\":\"up\"}}}}}",
        "app-1: epoch 2, revision 4, file /s\n"
        "sidecar: not connected\n"
        "\n"
        "GROUP  ACTIVE  STATE  LATCHED\n"
        "data   us      open   eu\n"
        "\n"
        "last: failover to us, done at 2026-11-23T07:00:10.000Z, by alice: drill\n"
        "\n"
        "ENDPOINT  TYPE      GROUP  eu    us\n"
        "db        database  data   down  up *\n"
        "db in eu is down: connection refused\n");
}

static void an_undecided_host_says_so_first(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"host\":\"app-1\",\"undecided\":{\"data\":\"/s: the checksum is wrong\"},"
        "\"groups\":{\"data\":{\"active\":null,\"status\":\"undecided\"}},"
        "\"state\":{\"revision\":0,\"epoch\":0,\"groups\":{},\"transition\":null,\"history\":[]},"
        "\"store\":{\"kind\":\"file\",\"where\":\"/s\",\"error\":\"no space left\"}}",
        "UNDECIDED: group data: /s: the checksum is wrong\n"
        "Its names are not answered until somebody says where they lead:\n"
        "    pilotlight failover REGION --switch-only --force=undecided\n"
        "The record could not be written: no space left\n"
        "app-1: epoch 0, revision 0, file /s\n"
        "sidecar: not connected\n"
        "\n"
        "GROUP  ACTIVE  STATE      LATCHED\n"
        "data   ?       UNDECIDED  -\n");
}

static void one_undecided_group_is_not_a_reason_to_move_the_others(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"undecided\":{\"web\":\"the record does not know it\"},"
        "\"groups\":{\"data\":{\"active\":\"eu\",\"status\":\"open\"},"
        "\"web\":{\"active\":null,\"status\":\"undecided\"}}}",
        "UNDECIDED: group web: the record does not know it\n"
        "Its names are not answered until somebody says where they lead:\n"
        "    pilotlight failover REGION --switch-only --group GROUP\n"
        "this host: epoch 0, revision 0, record\n"
        "sidecar: not connected\n"
        "\n"
        "GROUP  ACTIVE  STATE      LATCHED\n"
        "data   eu      open       -\n"
        "web    ?       UNDECIDED  -\n");
}

static void a_fence_shows_its_age(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"groups\":{\"data\":{\"active\":\"eu\",\"status\":\"fenced\"}},"
        "\"fence_age_ms\":{\"data\":12000},"
        "\"sidecar\":{\"connected\":true,\"since\":\"2026-11-23T06:59:50.000Z\"},"
        "\"state\":{\"revision\":1,\"epoch\":1,\"transition\":null,\"history\":[]}}",
        "this host: epoch 1, revision 1, record\n"
        "sidecar: connected for 1m00s\n"
        "\n"
        "GROUP  ACTIVE  STATE           LATCHED\n"
        "data   eu      FENCED for 12s  -\n");
}

#define TRANSITION                                                                                 \
    "{\"id\":\"t\",\"to\":\"us\",\"kind\":\"failover\",\"phase\":\"fenced\",\"started\":" WHEN(    \
        "40") ",\"groups\":{\"data\":\"fenced\"},\"steps\":{"                                      \
              "\"fence\":{\"status\":\"done\",\"started\":" WHEN("40") ",\"ended\":" WHEN(         \
                  "42") "},\"promote\":{\"status\":\"running\","                                   \
                        "\"started\":" WHEN("42") ",\"detail\":\"the "                             \
                                                  "instance is "                                   \
                                                  "modifying and will "                            \
                                                  "be for a while\"},"                             \
                                                  "\"switch\":{"                                   \
                                                  "\"status\":"                                    \
                                                  "\"waiting\"}}}"

static void a_transition_is_drawn_with_its_steps_and_cut_to_the_terminal(void **unused)
{
    (void)unused;
    assert_drawn(draw_all, true, TRANSITION,
        "failover to us: fenced  [######--------------] 1 of 3  10s\n"
        "  done            fence          2s\n"
        "  running         promote        8s  the instance is modifyi\n"
        "  waiting         switch\n");
}

static void what_is_under_way_is_seen_when_not_all_fits(void **unused)
{
    (void)unused;
    assert_drawn(draw_two, true, TRANSITION,
        "failover to us: fenced  [######--------------] 1 of 3  10s\n"
        "  running         promote        8s  the instance is modifyi\n"
        "  waiting         switch\n");
}

static void each_change_is_one_plain_line(void **unused)
{
    (void)unused;
    assert_drawn(draw_pair, false,
        "[{\"groups\":{\"data\":\"open\"},\"steps\":{\"a\":{\"status\":\"running\"},"
        "\"b\":{\"status\":\"waiting\"}}},"
        "{\"groups\":{\"data\":\"fenced\"},\"steps\":{\"a\":{\"status\":\"done\",\"started\":" WHEN(
            "10") ",\"ended\":" WHEN("13") "},\"b\":{\"status\":\"waiting\"}}}]",
        "07:00:50Z data: fenced\n"
        "07:00:50Z a: done after 3s\n");
}

static void history_tells_who_why_and_how_long(void **unused)
{
    (void)unused;
    assert_drawn(draw_history, false,
        "{\"history\":[{\"to\":\"us\",\"kind\":\"failover\",\"by\":\"alice\",\"reason\":\"drill\","
        "\"result\":\"done\",\"started\":" WHEN("10") ",\"ended\":" WHEN(
            "15") ",\"lag_ms\":120,"
                  "\"from\":{\"data\":\"eu\"},\"groups\":{\"data\":\"switched\"},"
                  "\"steps\":{\"promote\":{\"status\":\"done\",\"started\":" WHEN(
                      "10") ",\"ended\":" WHEN("14") "}}}]}",
        "2026-11-23T07:00:10.000Z  failover to us, done after 5s, by alice: drill\n"
        "    data from eu: switched\n"
        "    replica lag at the switch: 120ms\n"
        "    step promote: done after 4s\n");
}

static void an_explanation_is_drawn_member_by_member(void **unused)
{
    (void)unused;
    assert_drawn(draw_members, false,
        "{\"name\":\"db\",\"managed\":true,\"via\":null,\"chain\":[\"a\",\"b\"],\"cache\":{\"ttl\":"
        "3}}",
        "name: db\nmanaged: true\nchain:\n  - a\n  - b\ncache:\n  ttl: 3\n");
}

static void nothing_from_the_daemon_steers_the_terminal(void **unused)
{
    (void)unused;
    assert_drawn(draw_members, false,
        "{\"a\\u001b[2J\":\"x\\u001b]0;owned\\u0007 \\u009b1m \\u202e \\n\\r\\u007f\\u00e9\"}",
        "a\\x1b[2J: x\\x1b]0;owned\\x07 \\xc2\\x9b1m \\xe2\\x80\\xae \\x0a\\x0d\\x7f\xc3\xa9\n");
}

static void nonsense_instead_of_a_status_is_drawn_without_harm(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"groups\":{\"g\":7},\"regions\":[3],\"undecided\":[1],\"fence_age_ms\":\"x\","
        "\"state\":{\"groups\":{\"g\":7},\"transition\":{\"steps\":{\"s\":[]},\"groups\":3},"
        "\"history\":{}},\"endpoints\":{\"e\":\"x\"},\"sidecar\":[],\"store\":7}",
        "UNDECIDED: group ?: ?\n"
        "Its names are not answered until somebody says where they lead:\n"
        "    pilotlight failover REGION --switch-only --force=undecided\n"
        "this host: epoch 0, revision 0, record\n"
        "sidecar: not connected\n"
        "\n"
        "GROUP  ACTIVE  STATE  LATCHED\n"
        "g      ?       ?      -\n"
        "\n"
        "transition to ?: running  [--------------------] 0 of 1\n"
        "  ?               s\n"
        "  by ?\n"
        "\n"
        "ENDPOINT  TYPE  GROUP  ?\n"
        "e         ?     ?      unknown\n");
}

static void durations_are_short(void **unused)
{
    (void)unused;
    char text[PAGE_DURATION_SIZE];
    page_duration(999, text);
    assert_string_equal(text, "999ms");
    page_duration(65000, text);
    assert_string_equal(text, "1m05s");
    page_duration(UINT64_C(90000000), text);
    assert_string_equal(text, "1d01h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_host_is_told_in_a_few_lines),
        cmocka_unit_test(an_undecided_host_says_so_first),
        cmocka_unit_test(one_undecided_group_is_not_a_reason_to_move_the_others),
        cmocka_unit_test(a_fence_shows_its_age),
        cmocka_unit_test(a_transition_is_drawn_with_its_steps_and_cut_to_the_terminal),
        cmocka_unit_test(what_is_under_way_is_seen_when_not_all_fits),
        cmocka_unit_test(each_change_is_one_plain_line),
        cmocka_unit_test(history_tells_who_why_and_how_long),
        cmocka_unit_test(an_explanation_is_drawn_member_by_member),
        cmocka_unit_test(nothing_from_the_daemon_steers_the_terminal),
        cmocka_unit_test(nonsense_instead_of_a_status_is_drawn_without_harm),
        cmocka_unit_test(durations_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
