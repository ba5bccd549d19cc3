/* PostgreSQL through libpq: log in, ask, leave.
 *
 *     PQconnectStartParams → PQconnectPoll … → PQsendQuery → PQconsumeInput … → PQgetResult → NULL
 *
 * What could block is not given to libpq: the address is resolved already, no service,
 * password or certificate file is looked for, and without a host's name it refuses GSSAPI, which
 * would talk to a KDC. (So there is no SNI either; nothing that is asked here needs it.) */
#include "base/sql.h"

#include "base/memory.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define NOWHERE "/dev/null/none" /* no file can be there */
#define READS_MAX 64             /* an answer comes in two or three */

#define FUNCTIONS(X)                                                                               \
    X(PQconnectStartParams)                                                                        \
    X(PQconnectPoll)                                                                               \
    X(PQstatus)                                                                                    \
    X(PQsocket)                                                                                    \
    X(PQerrorMessage)                                                                              \
    X(PQsetNoticeProcessor)                                                                        \
    X(PQsetnonblocking)                                                                            \
    X(PQsendQuery)                                                                                 \
    X(PQsetSingleRowMode)                                                                          \
    X(PQflush)                                                                                     \
    X(PQconsumeInput)                                                                              \
    X(PQisBusy)                                                                                    \
    X(PQgetResult)                                                                                 \
    X(PQresultStatus)                                                                              \
    X(PQresultErrorMessage)                                                                        \
    X(PQntuples)                                                                                   \
    X(PQnfields)                                                                                   \
    X(PQfname)                                                                                     \
    X(PQgetisnull)                                                                                 \
    X(PQgetvalue)                                                                                  \
    X(PQclear)                                                                                     \
    X(PQfinish)

/* Written once, before any session begins. */
static struct {
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
    bool loaded;
} pq;

struct postgres {
    PGconn *connection;
    const char *statement;
    bool started, asking;
    unsigned reads;
    struct sql_row row;
};

static int load(struct failure *why)
{
#define FUNCTION(name) {#name, &pq.name},
    const struct sql_function functions[] = {FUNCTIONS(FUNCTION)};
#undef FUNCTION
    if (pq.loaded)
        return 0;
    int status =
        sql_load("libpq.so.5", "libpq5", functions, sizeof functions / sizeof *functions, why);
    pq.loaded = status == 0;
    return status;
}

/* Notices would go to standard error. */
static void ignore_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}

static void *begin(const struct sql_question *question)
{
    char ip[ADDRESS_TEXT_SIZE], port[8];
    address_print_ip(&question->address, ip);
    snprintf(port, sizeof port, "%u", address_port(&question->address));
    const char *const options[][2] = {{"hostaddr", ip}, {"port", port}, {"user", question->user},
        {"password", question->password},
        {"dbname", question->database ? question->database : "postgres"},
        {"application_name", "pilotlight"}, {"target_session_attrs", "any"}, {"sslmode", "prefer"},
        {"gssencmode", "disable"}, {"passfile", NOWHERE}, {"sslcert", NOWHERE}, {"sslkey", NOWHERE},
        {"sslrootcert", NOWHERE}, {"sslcrl", NOWHERE}, {NULL, NULL}};
    const char *names[sizeof options / sizeof *options];
    const char *values[sizeof options / sizeof *options];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        names[i] = options[i][0];
        values[i] = options[i][1];
    }
    struct postgres *postgres = memory_new(sizeof *postgres);
    postgres->statement = question->statement;
    postgres->connection = pq.PQconnectStartParams(names, values, 0);
    if (postgres->connection)
        pq.PQsetNoticeProcessor(postgres->connection, ignore_notice, NULL);
    return postgres;
}

/* "connection to server at "10.1.0.7", port 5432 failed: FATAL:  …": who it was is said already. */
static void say_error(char words[SQL_WORDS_SIZE], const char *message)
{
    static const char prefix[] = "connection to server at ", failed[] = " failed: ";
    const char *rest = strstr(message, failed);
    if (strncmp(message, prefix, strlen(prefix)) == 0 && rest)
        message = rest + strlen(failed);
    sql_say(words, span_of_text(message));
}

static enum sql_verdict wait_for(struct postgres *postgres, int events, struct sql_wait *ret_wait)
{
    *ret_wait = (struct sql_wait){.fd = pq.PQsocket(postgres->connection), .events = events};
    return SQL_WAITS;
}

static enum sql_verdict fail(struct postgres *postgres, char words[SQL_WORDS_SIZE])
{
    say_error(words, pq.PQerrorMessage(postgres->connection));
    return SQL_FAILED;
}

/* False: it is not an answer that can be asked for. */
static bool take_row(struct postgres *postgres, const PGresult *row)
{
    int columns = pq.PQnfields(row);
    if (postgres->row.count > 0 || columns > SQL_COLUMNS_MAX || pq.PQntuples(row) != 1)
        return false;
    for (int i = 0; i < columns; i++) {
        const char *value = pq.PQgetisnull(row, 0, i) ? NULL : pq.PQgetvalue(row, 0, i);
        sql_row_add(&postgres->row, pq.PQfname(row, i), value);
    }
    return true;
}

/* False: the answer is an odd one. */
static bool take_result(
    struct postgres *postgres, const PGresult *result, char words[SQL_WORDS_SIZE])
{
    ExecStatusType status = pq.PQresultStatus(result);
    if (status == PGRES_SINGLE_TUPLE && take_row(postgres, result))
        return true;
    if (status == PGRES_TUPLES_OK && pq.PQntuples(result) == 0)
        return true; /* the end of the rows */
    const char *message = pq.PQresultErrorMessage(result);
    say_error(words, *message ? message : SQL_NOT_ASKED_FOR);
    return false;
}

static enum sql_verdict take_results(
    struct postgres *postgres, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    while (!pq.PQisBusy(postgres->connection)) {
        PGresult *result = pq.PQgetResult(postgres->connection);
        if (!result)
            return SQL_ANSWERED;
        bool good = take_result(postgres, result, words);
        pq.PQclear(result);
        if (!good)
            return SQL_FAILED;
    }
    return wait_for(postgres, UV_READABLE, ret_wait);
}

static enum sql_verdict read_answer(
    struct postgres *postgres, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    if (postgres->reads++ == READS_MAX) {
        sql_say(words, span_of_text("an answer without end"));
        return SQL_FAILED;
    }
    if (!pq.PQconsumeInput(postgres->connection))
        return fail(postgres, words);
    int left = pq.PQflush(postgres->connection);
    if (left < 0)
        return fail(postgres, words);
    if (left > 0)
        return wait_for(postgres, UV_READABLE | UV_WRITABLE, ret_wait);
    return take_results(postgres, ret_wait, words);
}

static enum sql_verdict ask(
    struct postgres *postgres, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    postgres->asking = true;
    if (pq.PQsetnonblocking(postgres->connection, 1) < 0 ||
        !pq.PQsendQuery(postgres->connection, postgres->statement) ||
        !pq.PQsetSingleRowMode(postgres->connection))
        return fail(postgres, words);
    return read_answer(postgres, ret_wait, words);
}

static enum sql_verdict log_in(
    struct postgres *postgres, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    bool connecting = pq.PQstatus(postgres->connection) == CONNECTION_STARTED;
    switch (pq.PQconnectPoll(postgres->connection)) {
    case PGRES_POLLING_READING:
        return wait_for(postgres, UV_READABLE, ret_wait);
    case PGRES_POLLING_WRITING:
        return wait_for(postgres, UV_WRITABLE, ret_wait);
    case PGRES_POLLING_OK:
        return ask(postgres, ret_wait, words);
    default:
        fail(postgres, words);
        return connecting ? SQL_UNREACHABLE : SQL_FAILED;
    }
}

static enum sql_verdict step(
    void *session, int events, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    (void)events; /* libpq finds out by itself */
    struct postgres *postgres = session;
    if (postgres->asking)
        return read_answer(postgres, ret_wait, words);
    if (postgres->started)
        return log_in(postgres, ret_wait, words);
    postgres->started = true;
    if (pq.PQstatus(postgres->connection) != CONNECTION_BAD)
        return wait_for(postgres, UV_WRITABLE, ret_wait); /* as libpq's manual wants it */
    fail(postgres, words);
    return SQL_UNREACHABLE;
}

static const struct sql_row *row_of(const void *session)
{
    const struct postgres *postgres = session;
    return &postgres->row;
}

static void end(void *session)
{
    struct postgres *postgres = session;
    pq.PQfinish(postgres->connection);
    sql_row_fini(&postgres->row);
    free(postgres);
}

const struct sql_client sql_postgres = {
    .load = load, .begin = begin, .step = step, .row = row_of, .end = end};
