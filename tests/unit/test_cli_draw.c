#include "tests/unit/unit.h"

#include "base/json.h"
#include "programs/cli_draw.h"
#include "programs/cli_usual.h"

#include <stdlib.h>
#include <string.h>

#define WHEN(second)                                                                               \
    "{\"wall\":\"2026-11-23T07:00:" second ".000Z\",\"boot_id\":\"b\",\"boot_ms\":" second "000}"
#define NOW                                                                                        \
    {                                                                                              \
        .wall = "2026-11-23T07:00:50.000Z", .boot_id = "b", .boot_ms = 50000                       \
    }

typedef void drawing(const struct page *page, const cJSON *value);

static void assert_drawn_on(
    drawing *draw, unsigned columns, bool cut, const char *json, const char *expected)
{
    char *text = NULL;
    size_t size;
    cJSON *value = NULL;
    FILE *out = open_memstream(&text, &size);
    struct page page = {.out = out, .cut = cut, .columns = columns, .rows = 24, .now = NOW};
    assert_int_equal(json_parse(json, strlen(json), &value, NULL, NULL), 0);
    draw(&page, value);
    fclose(out);
    cJSON_Delete(value);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_drawn(drawing *draw, bool cut, const char *json, const char *expected)
{
    assert_drawn_on(draw, 60, cut, json, expected);
}

static void draw_all(const struct page *page, const cJSON *transition)
{
    draw_transition(page, transition, NULL, 20);
}

static void draw_two(const struct page *page, const cJSON *transition)
{
    assert_int_equal(draw_transition(page, transition, NULL, 2), 3);
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

/* {"transition", "history"} */
static void draw_with_history(const struct page *page, const cJSON *state)
{
    draw_transition(page, json_member(state, "transition"), json_member(state, "history"), 20);
}

#define PAST(region, status, end)                                                                  \
    "{\"to\":\"" region "\",\"steps\":{\"promote\":{\"status\":\"" status                          \
    "\",\"started\":" WHEN("10") ",\"ended\":" WHEN(end) "}}}"
#define PROMOTING(history)                                                                         \
    "{\"transition\":{\"to\":\"us\",\"kind\":\"failover\",\"target_rto_ms\":900000,"               \
    "\"steps\":{\"promote\":{\"status\":\"running\",\"started\":" WHEN(                            \
        "42") ",\"detail\":\"x\"}}},\"history\":[" history "]}"

static void a_step_shows_how_long_it_usually_takes(void **unused)
{
    (void)unused;
    assert_drawn(draw_with_history, false,
        PROMOTING(PAST("us", "done", "20") "," PAST("us", "done", "50") "," PAST(
            "us", "done", "30") "," PAST("us", "failed", "11") "," PAST("eu", "done", "11")),
        "failover to us: running  [--------------------] 0 of 1   (target 15m00s)\n"
        "  running         promote        8s  usually 20s  x\n");
    assert_drawn(draw_with_history, false, PROMOTING(""),
        "failover to us: running  [--------------------] 0 of 1   (target 15m00s)\n"
        "  running         promote        8s  x\n");
}

static void on_a_terminal_a_step_has_a_bar_by_that_measure(void **unused)
{
    (void)unused;
    cJSON *state = NULL;
    const char *text = PROMOTING(PAST("us", "done", "26"));
    assert_int_equal(json_parse(text, strlen(text), &state, NULL, NULL), 0);
    const cJSON *transition = json_member(state, "transition");
    const cJSON *history = json_member(state, "history");
    const cJSON *step = json_member(json_member(transition, "steps"), "promote");
    char *usual = usual_text(history, transition, step, 8000, true);
    assert_string_equal(usual, "[#####-----] usually 16s  ");
    free(usual);
    usual = usual_text(history, transition, step, 99000, true);
    assert_string_equal(usual, "[##########] usually 16s  ");
    free(usual);
    cJSON_Delete(state);
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

#define CONNECTIONS                                                                                \
    "{\"connections\":[{\"endpoint\":\"orders-db\",\"state\":\"open\","                            \
    "\"client\":\"127.0.0.1:40122\",\"target\":\"10.1.0.7:5432\",\"region\":\"eu\","               \
    "\"since_ms\":65000,\"bytes_to_target\":120,\"bytes_to_client\":4096},"                        \
    "{\"endpoint\":\"db\",\"state\":\"held\",\"client\":\"127.0.0.1:40124\",\"target\":null,"      \
    "\"region\":null,\"since_ms\":900,\"bytes_to_target\":0,\"bytes_to_client\":0},"               \
    "{\"endpoint\":\"db\",\"state\":\"x\\u001b[2J\",\"bytes_to_target\":9007199254740992}],"       \
    "\"omitted\":12}"

static void connections_are_a_row_each(void **unused)
{
    (void)unused;
    assert_drawn(draw_connections, false, CONNECTIONS,
        "ENDPOINT   STATE     CLIENT           TARGET         SINCE  TO TARGET  TO CLIENT\n"
        "orders-db  open      127.0.0.1:40122  10.1.0.7:5432  1m05s  120        4.0 KiB\n"
        "db         held      127.0.0.1:40124  -              900ms  0          0\n"
        "db         x\\x1b[2J  ?                -              ?      8.0 PiB    0\n"
        "12 more are not shown\n");
}

static void a_narrow_terminal_gets_one_line_a_connection(void **unused)
{
    (void)unused;
    assert_drawn_on(draw_connections, 40, true, CONNECTIONS,
        "ENDPOINT   STATE     CLIENT           TA\n"
        "orders-db  open      127.0.0.1:40122  10\n"
        "db         held      127.0.0.1:40124  - \n"
        "db         x\\x1b[2J  ?                - \n"
        "12 more are not shown\n");
    assert_drawn_on(draw_connections, 10, true, CONNECTIONS,
        "ENDPOINT  \norders-db \ndb        \ndb        \n12 more ar\n");
}

static void no_connections_are_said_in_words(void **unused)
{
    (void)unused;
    assert_drawn(
        draw_connections, false, "{\"connections\":[],\"omitted\":0}", "no relayed connections\n");
}

static void nonsense_instead_of_connections_is_drawn_without_harm(void **unused)
{
    (void)unused;
    assert_drawn(draw_connections, false, "{\"connections\":{\"a\":7},\"omitted\":\"x\"}",
        "ENDPOINT  STATE  CLIENT  TARGET  SINCE  TO TARGET  TO CLIENT\n"
        "?         ?      ?       -       ?      0          0\n");
}

#define RELAY(open, held, behind, wait)                                                            \
    "\"relay\":{\"listen\":[\"127.0.0.54:5432\",\"[::1]:5432\"],\"open\":" open                    \
    ",\"connecting\":1,\"held\":" held ",\"behind\":" behind ",\"waiting_for\":" wait "}"

static void status_has_a_line_for_each_relay(void **unused)
{
    (void)unused;
    assert_drawn(draw_status, false,
        "{\"groups\":{},\"regions\":[],\"endpoints\":{"
        "\"a\":{\"status\":\"open\"," RELAY("12", "0", "0",
            "null") "},"
                    "\"b\":{\"status\":\"fenced\"," RELAY("12", "3", "2",
                        "null") "},"
                                "\"c\":{\"status\":\"open\"," RELAY("0", "3", "0",
                                    "\"in recovery\"") "},"
                                                       "\"d\":{\"status\":\"undecided\"," RELAY("0",
                                                           "1", "0",
                                                           "null") "},"
                                                                   "\"e\":{\"status\":"
                                                                   "\"fenced\"," RELAY("0", "0",
                                                                       "0",
                                                                       "null") "},"
                                                                               "\"f\":{\"relay\":{}"
                                                                               "},\"g\":{\"relay\":"
                                                                               "7},\"h\":{}}}",
        "this host: epoch 0, revision 0, record\n"
        "sidecar: not connected\n"
        "\n"
        "GROUP  ACTIVE  STATE  LATCHED\n"
        "\n"
        "ENDPOINT  TYPE  GROUP\n"
        "a         ?     ?\nb         ?     ?\nc         ?     ?\nd         ?     ?\n"
        "e         ?     ?\nf         ?     ?\ng         ?     ?\nh         ?     ?\n"
        "a relay on 127.0.0.54:5432, [::1]:5432: 12 open, 1 connecting, 0 held\n"
        "b relay on 127.0.0.54:5432, [::1]:5432: 12 open (2 behind), 1 connecting, 3 held since "
        "the fence\n"
        "c relay on 127.0.0.54:5432, [::1]:5432: 0 open, 1 connecting, 3 held\n"
        "c relay waits for its target: in recovery\n"
        "d relay on 127.0.0.54:5432, [::1]:5432: 0 open, 1 connecting, 1 held while the group is "
        "undecided\n"
        "e relay on 127.0.0.54:5432, [::1]:5432: 0 open, 1 connecting, 0 held\n"
        "f relay on ?: 0 open, 0 connecting, 0 held\n");
}

static void an_explanation_ends_with_its_relay(void **unused)
{
    (void)unused;
    assert_drawn(draw_explanation, false,
        "{\"name\":\"db\"," RELAY("2", "0", "0", "null") ",\"endpoint\":\"orders-db\","
                                                         "\"status\":\"open\"}",
        "name: db\nendpoint: orders-db\nstatus: open\n"
        "orders-db relay on 127.0.0.54:5432, [::1]:5432: 2 open, 1 connecting, 0 held\n");
    assert_drawn(draw_explanation, false, "{\"name\":\"www\"}", "name: www\n");
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
        cmocka_unit_test(a_step_shows_how_long_it_usually_takes),
        cmocka_unit_test(on_a_terminal_a_step_has_a_bar_by_that_measure),
        cmocka_unit_test(each_change_is_one_plain_line),
        cmocka_unit_test(history_tells_who_why_and_how_long),
        cmocka_unit_test(an_explanation_is_drawn_member_by_member),
        cmocka_unit_test(nothing_from_the_daemon_steers_the_terminal),
        cmocka_unit_test(nonsense_instead_of_a_status_is_drawn_without_harm),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(connections_are_a_row_each),
        cmocka_unit_test(a_narrow_terminal_gets_one_line_a_connection),
        cmocka_unit_test(no_connections_are_said_in_words),
        cmocka_unit_test(nonsense_instead_of_connections_is_drawn_without_harm),
        cmocka_unit_test(status_has_a_line_for_each_relay),
        cmocka_unit_test(an_explanation_ends_with_its_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
