/* MySQL, MariaDB and Aurora through MariaDB's client library: log in, ask, leave.
 *
 *     mysql_real_connect → mysql_real_query → mysql_fetch_row, twice → mysql_close
 *
 * Each call runs in a coroutine of the library's (`…_start`, and `…_cont` when its socket is
 * ready). What can go wrong besides: the question ends while a call waits; the call is then told
 * that its time is over.
 *
 * What could block or leak is not given to the library: it connects to an address over TCP, reads
 * no option file, and answers neither a request for a local file nor for a login that asks a
 * terminal or a KDC. */
#include "base/sql.h"

#include "base/memory.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <uv.h>

#define STACK_SIZE (256u << 10) /* of the coroutine; the library's own 60 KiB is little for TLS */
#define PACKET_MAX (64ul << 10) /* what is taken of the server's in one piece */
#define LOGINS                                                                                     \
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,"           \
    "mysql_clear_password"
#define RESUMES_MAX 16 /* until a call that is told to give up must have returned */

#define FUNCTIONS(X)                                                                               \
    X(mysql_server_init)                                                                           \
    X(mysql_init)                                                                                  \
    X(mysql_options)                                                                               \
    X(mysql_real_connect_start)                                                                    \
    X(mysql_real_connect_cont)                                                                     \
    X(mysql_real_query_start)                                                                      \
    X(mysql_real_query_cont)                                                                       \
    X(mysql_use_result)                                                                            \
    X(mysql_num_fields)                                                                            \
    X(mysql_fetch_fields)                                                                          \
    X(mysql_fetch_row_start)                                                                       \
    X(mysql_fetch_row_cont)                                                                        \
    X(mysql_free_result)                                                                           \
    X(mysql_get_socket)                                                                            \
    X(mysql_errno)                                                                                 \
    X(mysql_error)                                                                                 \
    X(mysql_close)                                                                                 \
    X(mariadb_cancel)

/* Written once, before any session begins. */
static struct {
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
    bool loaded;
} my;

enum call { CALL_NONE, CALL_CONNECT, CALL_QUERY, CALL_FIRST_ROW, CALL_SECOND_ROW };

struct mysql {
    const struct sql_question *question;
    MYSQL *handle;
    enum call call;
    int waits; /* MYSQL_WAIT_…: what the call waits for; 0: it has returned */
    char ip[ADDRESS_TEXT_SIZE];
    bool complete; /* the answer's last packet was read */

    MYSQL *connected; /* what the calls return */
    int query_status;
    MYSQL_RES *result;
    MYSQL_ROW fetched;
    struct sql_row row;
};

static int load(struct failure *why)
{
#define FUNCTION(name) {#name, &my.name},
    const struct sql_function functions[] = {FUNCTIONS(FUNCTION)};
#undef FUNCTION
    if (my.loaded)
        return 0;
    int status = sql_load(
        "libmariadb.so.3", "libmariadb3", functions, sizeof functions / sizeof *functions, why);
    if (status == 0 && my.mysql_server_init(0, NULL, NULL) != 0) /* reads /etc/services */
        status = failure_set(why, UV_ENOMEM, "libmariadb.so.3 does not start");
    my.loaded = status == 0;
    return status;
}

static void set_options(MYSQL *handle)
{
    const size_t stack_size = STACK_SIZE;
    const unsigned protocol = MYSQL_PROTOCOL_TCP, no_files = 0;
    const unsigned long packet_max = PACKET_MAX;
    const my_bool yes = 1, no = 0;
    my.mysql_options(handle, MYSQL_OPT_NONBLOCK, &stack_size);
    my.mysql_options(handle, MYSQL_OPT_PROTOCOL, &protocol);
    my.mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &no_files);
    my.mysql_options(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max);
    my.mysql_options(handle, MARIADB_OPT_RESTRICTED_AUTH, LOGINS);
    my.mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes); /* that is: where the server has it */
    my.mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    my.mysql_options(handle, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
}

static void *begin(const struct sql_question *question)
{
    struct mysql *mysql = memory_new(sizeof *mysql);
    mysql->question = question;
    address_print_ip(&question->address, mysql->ip);
    mysql->handle = my.mysql_init(NULL);
    if (!mysql->handle)
        abort(); /* no memory, as base/memory.h */
    set_options(mysql->handle);
    return mysql;
}

static int start_connect(struct mysql *mysql)
{
    const struct sql_question *question = mysql->question;
    return my.mysql_real_connect_start(&mysql->connected, mysql->handle, mysql->ip, question->user,
        question->password, question->database, address_port(&question->address), NULL, 0);
}

static int start(struct mysql *mysql)
{
    const char *statement = mysql->question->statement;
    switch (mysql->call) {
    case CALL_CONNECT:
        return start_connect(mysql);
    case CALL_QUERY:
        return my.mysql_real_query_start(
            &mysql->query_status, mysql->handle, statement, strlen(statement));
    default:
        return my.mysql_fetch_row_start(&mysql->fetched, mysql->result);
    }
}

static int resume(struct mysql *mysql, int happened)
{
    switch (mysql->call) {
    case CALL_CONNECT:
        return my.mysql_real_connect_cont(&mysql->connected, mysql->handle, happened);
    case CALL_QUERY:
        return my.mysql_real_query_cont(&mysql->query_status, mysql->handle, happened);
    default:
        return my.mysql_fetch_row_cont(&mysql->fetched, mysql->result, happened);
    }
}

static enum sql_verdict fail(struct mysql *mysql, char words[SQL_WORDS_SIZE])
{
    const char *error = my.mysql_error(mysql->handle);
    sql_say(words, span_of_text(*error ? error : SQL_NOT_ASKED_FOR));
    return SQL_FAILED;
}

static enum sql_verdict fail_asking(struct mysql *mysql, char words[SQL_WORDS_SIZE])
{
    unsigned error = my.mysql_errno(mysql->handle);
    fail(mysql, words);
    return error == ER_PARSE_ERROR || error == ER_UNKNOWN_SYSTEM_VARIABLE ? SQL_NOT_UNDERSTOOD
                                                                          : SQL_FAILED;
}

static enum sql_verdict fail_connecting(struct mysql *mysql, char words[SQL_WORDS_SIZE])
{
    unsigned error = my.mysql_errno(mysql->handle);
    fail(mysql, words);
    return error == CR_CONNECTION_ERROR || error == CR_CONN_HOST_ERROR ? SQL_UNREACHABLE
                                                                       : SQL_FAILED;
}

static void take_row(struct mysql *mysql)
{
    unsigned count = my.mysql_num_fields(mysql->result);
    const MYSQL_FIELD *fields = my.mysql_fetch_fields(mysql->result);
    for (unsigned i = 0; mysql->fetched && i < count; i++)
        sql_row_add(&mysql->row, fields[i].name, mysql->fetched[i]);
}

/* The call has returned: the next one (SQL_WAITS), or a verdict. */
static enum sql_verdict go_on(struct mysql *mysql, char words[SQL_WORDS_SIZE])
{
    switch (mysql->call) {
    case CALL_NONE:
        break;
    case CALL_CONNECT:
        if (!mysql->connected)
            return fail_connecting(mysql, words);
        break;
    case CALL_QUERY:
        mysql->result = mysql->query_status == 0 ? my.mysql_use_result(mysql->handle) : NULL;
        if (!mysql->result || my.mysql_num_fields(mysql->result) > SQL_COLUMNS_MAX)
            return fail_asking(mysql, words);
        break;
    case CALL_FIRST_ROW:
        if (!mysql->fetched && my.mysql_errno(mysql->handle) != 0)
            return fail(mysql, words);
        take_row(mysql);
        mysql->complete = !mysql->fetched;
        if (mysql->complete)
            return SQL_ANSWERED;
        break;
    case CALL_SECOND_ROW:
        mysql->complete = !mysql->fetched && my.mysql_errno(mysql->handle) == 0;
        return mysql->complete ? SQL_ANSWERED : fail(mysql, words);
    }
    mysql->call++;
    return SQL_WAITS;
}

static int happened_of(const struct mysql *mysql, int events)
{
    int happened = (events & UV_READABLE ? MYSQL_WAIT_READ : 0) |
                   (events & UV_WRITABLE ? MYSQL_WAIT_WRITE : 0);
    return happened & mysql->waits;
}

static enum sql_verdict step(
    void *session, int events, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE])
{
    struct mysql *mysql = session;
    if (mysql->waits)
        mysql->waits = resume(mysql, happened_of(mysql, events));
    while (!mysql->waits) {
        enum sql_verdict verdict = go_on(mysql, words);
        if (verdict != SQL_WAITS)
            return verdict;
        mysql->waits = start(mysql);
    }
    *ret_wait = (struct sql_wait){.fd = my.mysql_get_socket(mysql->handle),
        .events = (mysql->waits & MYSQL_WAIT_READ ? UV_READABLE : 0) |
                  (mysql->waits & MYSQL_WAIT_WRITE ? UV_WRITABLE : 0)};
    return SQL_WAITS;
}

static const struct sql_row *row_of(const void *session)
{
    const struct mysql *mysql = session;
    return &mysql->row;
}

/* mysql_close may come in the middle of a call, but what the call had allocated may then be lost;
 * so the call ends first. An answer that is not read to its end is cut off, or freeing it would
 * read on, blocking. The farewell of mysql_close is five bytes into an empty buffer: it does not
 * block.
 */
static void end(void *session)
{
    struct mysql *mysql = session;
    for (unsigned i = 0; mysql->waits && i < RESUMES_MAX; i++)
        mysql->waits = resume(mysql, MYSQL_WAIT_TIMEOUT);
    if (!mysql->complete)
        my.mariadb_cancel(mysql->handle);
    if (mysql->result)
        my.mysql_free_result(mysql->result);
    my.mysql_close(mysql->handle);
    sql_row_fini(&mysql->row);
    free(mysql);
}

const struct sql_client sql_mysql = {
    .load = load, .begin = begin, .step = step, .row = row_of, .end = end};
