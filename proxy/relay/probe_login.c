/* A database's own words, for those who have a login there: one statement, and what its row means.
 *
 * Writable is, of PostgreSQL, one row that says: not in recovery, transactions are not read-only;
 * of MySQL, MariaDB and Aurora: neither read_only nor, as Aurora's readers have it,
 * innodb_read_only. Everything else is not yet. */
#include "proxy/relay/probe.h"

#include "base/memory.h"

#include <stdlib.h>

struct login {
    const struct sql_client *client;
    struct sql_question question;
    void *session;
    enum probe_verdict (*judge)(const struct sql_row *row, char words[PROBE_WORDS_SIZE]);
};

static enum probe_verdict say(
    enum probe_verdict verdict, char words[PROBE_WORDS_SIZE], const char *text)
{
    sql_say(words, span_of_text(text));
    return verdict;
}

static bool is_value(const struct sql_row *row, size_t column, const char *value)
{
    const char *found = row->columns[column].value;
    return found && strcmp(found, value) == 0;
}

static enum probe_verdict judge_postgres(const struct sql_row *row, char words[PROBE_WORDS_SIZE])
{
    if (row->count == 0)
        return say(PROBE_NOT_YET, words, "no answer to the question");
    if (row->count != 2 || !(is_value(row, 0, "t") || is_value(row, 0, "f")) ||
        !(is_value(row, 1, "on") || is_value(row, 1, "off")))
        return say(PROBE_NOT_YET, words, SQL_NOT_ASKED_FOR);
    if (is_value(row, 0, "t"))
        return say(PROBE_NOT_YET, words, "in recovery");
    if (is_value(row, 1, "on"))
        return say(PROBE_NOT_YET, words, "transactions are read-only");
    return say(PROBE_WRITABLE, words, "writable");
}

/* MariaDB 12 has more than two values, in words. */
static bool is_off(const struct sql_row *row, size_t column)
{
    return is_value(row, column, "0") || is_value(row, column, "OFF");
}

static enum probe_verdict judge_mysql(const struct sql_row *row, char words[PROBE_WORDS_SIZE])
{
    if (row->count != 2 || !row->columns[0].value || !row->columns[1].value)
        return say(PROBE_NOT_YET, words, SQL_NOT_ASKED_FOR);
    if (!is_off(row, 1))
        return say(PROBE_NOT_YET, words, "innodb_read_only is set");
    if (!is_off(row, 0))
        return say(PROBE_NOT_YET, words, "read_only is set");
    return say(PROBE_WRITABLE, words, "writable");
}

static struct login *login_new(
    const struct sql_client *client, const struct probe_question *question, const char *statement)
{
    struct login *login = memory_new(sizeof *login);
    login->client = client;
    login->question = (struct sql_question){.address = question->address,
        .user = question->user,
        .password = question->password,
        .database = question->database,
        .statement = statement};
    login->session = client->begin(&login->question);
    return login;
}

static void *begin_postgres(const struct probe_question *question)
{
    struct login *login = login_new(&sql_postgres, question,
        "SELECT pg_catalog.pg_is_in_recovery(), "
        "pg_catalog.current_setting('transaction_read_only')");
    login->judge = judge_postgres;
    return login;
}

static void *begin_mysql(const struct probe_question *question)
{
    struct login *login =
        login_new(&sql_mysql, question, "SELECT @@global.read_only, @@global.innodb_read_only");
    login->judge = judge_mysql;
    return login;
}

static enum probe_verdict step(
    void *probe, int events, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    struct login *login = probe;
    struct sql_wait wait = {.fd = -1};
    switch (login->client->step(login->session, events, &wait, words)) {
    case SQL_WAITS:
        *ret_wait = (struct probe_wait){.fd = wait.fd, .events = wait.events};
        return PROBE_WAITS;
    case SQL_ANSWERED:
        return login->judge(login->client->row(login->session), words);
    case SQL_UNREACHABLE:
        return PROBE_UNREACHABLE;
    default:
        return PROBE_NOT_YET;
    }
}

static void end(void *probe)
{
    struct login *login = probe;
    login->client->end(login->session);
    free(login);
}

const struct probe_kind probe_postgres = {.begin = begin_postgres, .step = step, .end = end};
const struct probe_kind probe_mysql = {.begin = begin_mysql, .step = step, .end = end};
