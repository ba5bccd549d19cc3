/* PostgreSQL through libpq: log in, ask both questions in one statement, leave.
 *
 *     PQconnectStartParams → PQconnectPoll … → PQsendQuery → PQconsumeInput … → PQgetResult → NULL
 *
 * Writable is one row that says: not in recovery, transactions are not read-only. Everything else
 * is not yet. What could block is not given to libpq: the address is resolved already, no service,
 * password or certificate file is looked for, and without a host's name it refuses GSSAPI, which
 * would talk to a KDC. (So there is no SNI either; nothing that is promoted here needs it.) */
#include "proxy/relay/probe.h"

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
    X(PQgetisnull)                                                                                 \
    X(PQgetvalue)                                                                                  \
    X(PQclear)                                                                                     \
    X(PQfinish)

/* Written once, before any probe begins. */
static struct {
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
    bool loaded;
} pq;

struct postgres {
    PGconn *connection;
    bool started, asking;
    unsigned reads;
    unsigned rows;
    bool in_recovery, read_only; /* what the row says */
};

int probe_postgres_load(struct failure *why)
{
#define FUNCTION(name) {#name, &pq.name},
    const struct probe_function functions[] = {FUNCTIONS(FUNCTION)};
#undef FUNCTION
    if (pq.loaded)
        return 0;
    int status =
        probe_load("libpq.so.5", "libpq5", functions, sizeof functions / sizeof *functions, why);
    pq.loaded = status == 0;
    return status;
}

/* Notices would go to standard error. */
static void ignore_notice(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}

static void *begin(const struct probe_question *question)
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
    postgres->connection = pq.PQconnectStartParams(names, values, 0);
    if (postgres->connection)
        pq.PQsetNoticeProcessor(postgres->connection, ignore_notice, NULL);
    return postgres;
}

/* "connection to server at "10.1.0.7", port 5432 failed: FATAL:  …": who it was is said already. */
static void say_error(char words[PROBE_WORDS_SIZE], const char *message)
{
    static const char prefix[] = "connection to server at ", failed[] = " failed: ";
    const char *rest = strstr(message, failed);
    if (strncmp(message, prefix, strlen(prefix)) == 0 && rest)
        message = rest + strlen(failed);
    probe_say(words, span_of_text(message));
}

static enum probe_verdict wait_for(
    struct postgres *postgres, int events, struct probe_wait *ret_wait)
{
    *ret_wait = (struct probe_wait){.fd = pq.PQsocket(postgres->connection), .events = events};
    return PROBE_WAITS;
}

static enum probe_verdict fail(struct postgres *postgres, char words[PROBE_WORDS_SIZE])
{
    say_error(words, pq.PQerrorMessage(postgres->connection));
    return PROBE_NOT_YET;
}

static bool is_value(const PGresult *row, int column, const char *value)
{
    return !pq.PQgetisnull(row, 0, column) && strcmp(pq.PQgetvalue(row, 0, column), value) == 0;
}

/* False: it is not the answer that was asked for. */
static bool take_row(struct postgres *postgres, const PGresult *row)
{
    if (postgres->rows++ > 0 || pq.PQnfields(row) != 2 || pq.PQntuples(row) != 1)
        return false;
    postgres->in_recovery = is_value(row, 0, "t");
    postgres->read_only = is_value(row, 1, "on");
    return (postgres->in_recovery || is_value(row, 0, "f")) &&
           (postgres->read_only || is_value(row, 1, "off"));
}

static enum probe_verdict judge(const struct postgres *postgres, char words[PROBE_WORDS_SIZE])
{
    bool writable = postgres->rows == 1 && !postgres->in_recovery && !postgres->read_only;
    const char *why = postgres->rows != 1     ? "no answer to the question"
                      : postgres->in_recovery ? "in recovery"
                      : postgres->read_only   ? "transactions are read-only"
                                              : "writable";
    probe_say(words, span_of_text(why));
    return writable ? PROBE_WRITABLE : PROBE_NOT_YET;
}

/* False: the answer is an odd one. */
static bool take_result(
    struct postgres *postgres, const PGresult *result, char words[PROBE_WORDS_SIZE])
{
    ExecStatusType status = pq.PQresultStatus(result);
    if (status == PGRES_SINGLE_TUPLE && take_row(postgres, result))
        return true;
    if (status == PGRES_TUPLES_OK && pq.PQntuples(result) == 0)
        return true; /* the end of the rows */
    const char *message = pq.PQresultErrorMessage(result);
    say_error(words, *message ? message : "an answer that was not asked for");
    return false;
}

static enum probe_verdict take_results(
    struct postgres *postgres, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    while (!pq.PQisBusy(postgres->connection)) {
        PGresult *result = pq.PQgetResult(postgres->connection);
        if (!result)
            return judge(postgres, words);
        bool good = take_result(postgres, result, words);
        pq.PQclear(result);
        if (!good)
            return PROBE_NOT_YET;
    }
    return wait_for(postgres, UV_READABLE, ret_wait);
}

static enum probe_verdict read_answer(
    struct postgres *postgres, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    if (postgres->reads++ == READS_MAX) {
        probe_say(words, span_of_text("an answer without end"));
        return PROBE_NOT_YET;
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

static enum probe_verdict ask(
    struct postgres *postgres, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    postgres->asking = true;
    if (pq.PQsetnonblocking(postgres->connection, 1) < 0 ||
        !pq.PQsendQuery(postgres->connection,
            "SELECT pg_catalog.pg_is_in_recovery(), "
            "pg_catalog.current_setting('transaction_read_only')") ||
        !pq.PQsetSingleRowMode(postgres->connection))
        return fail(postgres, words);
    return read_answer(postgres, ret_wait, words);
}

static enum probe_verdict log_in(
    struct postgres *postgres, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
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
        return connecting ? PROBE_UNREACHABLE : PROBE_NOT_YET;
    }
}

static enum probe_verdict step(
    void *probe, int events, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    (void)events; /* libpq finds out by itself */
    struct postgres *postgres = probe;
    if (postgres->asking)
        return read_answer(postgres, ret_wait, words);
    if (postgres->started)
        return log_in(postgres, ret_wait, words);
    postgres->started = true;
    if (pq.PQstatus(postgres->connection) != CONNECTION_BAD)
        return wait_for(postgres, UV_WRITABLE, ret_wait); /* as libpq's manual wants it */
    fail(postgres, words);
    return PROBE_UNREACHABLE;
}

static void end(void *probe)
{
    struct postgres *postgres = probe;
    pq.PQfinish(postgres->connection);
    free(postgres);
}

const struct probe_kind probe_postgres = {.begin = begin, .step = step, .end = end};
