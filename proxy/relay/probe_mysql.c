/* MySQL, MariaDB and Aurora through MariaDB's client library: log in, ask, leave.
 *
 *     mysql_real_connect → mysql_real_query → mysql_fetch_row, twice → mysql_close
 *
 * Each call runs in a coroutine of the library's (`…_start`, and `…_cont` when its socket is
 * ready). Writable is one row that says: neither read_only nor, as Aurora's readers have it,
 * innodb_read_only. Everything else is not yet. What can go wrong besides: the question ends while
 * a call waits; the call is then told that its time is over.
 *
 * What could block or leak is not given to the library: it connects to an address over TCP, reads
 * no option file, and answers neither a request for a local file nor for a login that asks a
 * terminal or a KDC. */
#include "proxy/relay/probe.h"

#include "base/memory.h"

#include <errmsg.h>
#include <mysql.h>
#include <stdlib.h>
#include <uv.h>

#define STACK_SIZE (256u << 10) /* of the coroutine; the library's own 60 KiB is little for TLS */
#define PACKET_MAX (64ul << 10) /* what is taken of the server's in one piece */
#define LOGINS                                                                                     \
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,"           \
    "mysql_clear_password"
#define QUESTION "SELECT @@global.read_only, @@global.innodb_read_only"
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
    X(mysql_fetch_row_start)                                                                       \
    X(mysql_fetch_row_cont)                                                                        \
    X(mysql_free_result)                                                                           \
    X(mysql_get_socket)                                                                            \
    X(mysql_errno)                                                                                 \
    X(mysql_error)                                                                                 \
    X(mysql_close)                                                                                 \
    X(mariadb_cancel)

/* Written once, before any probe begins. */
static struct {
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
    bool loaded;
} my;

enum call { CALL_NONE, CALL_CONNECT, CALL_QUERY, CALL_FIRST_ROW, CALL_SECOND_ROW };

struct mysql {
    const struct probe_question *question;
    MYSQL *handle;
    enum call call;
    int waits; /* MYSQL_WAIT_…: what the call waits for; 0: it has returned */
    char ip[ADDRESS_TEXT_SIZE];
    bool complete; /* the answer's last packet was read */

    MYSQL *connected; /* what the calls return */
    int query_status;
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool read_only, innodb_read_only; /* what the row says */
};

int probe_mysql_load(struct failure *why)
{
#define FUNCTION(name) {#name, &my.name},
    const struct probe_function functions[] = {FUNCTIONS(FUNCTION)};
#undef FUNCTION
    if (my.loaded)
        return 0;
    int status = probe_load(
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

static void *begin(const struct probe_question *question)
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
    const struct probe_question *question = mysql->question;
    return my.mysql_real_connect_start(&mysql->connected, mysql->handle, mysql->ip, question->user,
        question->password, question->database, address_port(&question->address), NULL, 0);
}

static int start(struct mysql *mysql)
{
    switch (mysql->call) {
    case CALL_CONNECT:
        return start_connect(mysql);
    case CALL_QUERY:
        return my.mysql_real_query_start(
            &mysql->query_status, mysql->handle, QUESTION, strlen(QUESTION));
    default:
        return my.mysql_fetch_row_start(&mysql->row, mysql->result);
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
        return my.mysql_fetch_row_cont(&mysql->row, mysql->result, happened);
    }
}

static enum probe_verdict say(
    enum probe_verdict verdict, char words[PROBE_WORDS_SIZE], const char *text)
{
    probe_say(words, span_of_text(text));
    return verdict;
}

static enum probe_verdict fail(struct mysql *mysql, char words[PROBE_WORDS_SIZE])
{
    const char *error = my.mysql_error(mysql->handle);
    return say(PROBE_NOT_YET, words, *error ? error : "an answer that was not asked for");
}

static enum probe_verdict fail_connecting(struct mysql *mysql, char words[PROBE_WORDS_SIZE])
{
    unsigned error = my.mysql_errno(mysql->handle);
    fail(mysql, words);
    return error == CR_CONNECTION_ERROR || error == CR_CONN_HOST_ERROR ? PROBE_UNREACHABLE
                                                                       : PROBE_NOT_YET;
}

/* MariaDB 12 has more than two values, in words. */
static bool is_off(const char *value)
{
    return value && (strcmp(value, "0") == 0 || strcmp(value, "OFF") == 0);
}

static enum probe_verdict judge(const struct mysql *mysql, char words[PROBE_WORDS_SIZE])
{
    if (mysql->innodb_read_only)
        return say(PROBE_NOT_YET, words, "innodb_read_only is set");
    if (mysql->read_only)
        return say(PROBE_NOT_YET, words, "read_only is set");
    return say(PROBE_WRITABLE, words, "writable");
}

/* The call has returned: the next one (PROBE_WAITS), or a verdict. */
static enum probe_verdict go_on(struct mysql *mysql, char words[PROBE_WORDS_SIZE])
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
        if (!mysql->result || my.mysql_num_fields(mysql->result) != 2)
            return fail(mysql, words);
        break;
    case CALL_FIRST_ROW:
        if (!mysql->row || !mysql->row[0] || !mysql->row[1])
            return fail(mysql, words);
        mysql->read_only = !is_off(mysql->row[0]);
        mysql->innodb_read_only = !is_off(mysql->row[1]);
        break;
    case CALL_SECOND_ROW:
        mysql->complete = !mysql->row && my.mysql_errno(mysql->handle) == 0;
        return mysql->complete ? judge(mysql, words) : fail(mysql, words);
    }
    mysql->call++;
    return PROBE_WAITS;
}

static int happened_of(const struct mysql *mysql, int events)
{
    int happened = (events & UV_READABLE ? MYSQL_WAIT_READ : 0) |
                   (events & UV_WRITABLE ? MYSQL_WAIT_WRITE : 0);
    return happened & mysql->waits;
}

static enum probe_verdict step(
    void *probe, int events, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE])
{
    struct mysql *mysql = probe;
    if (mysql->waits)
        mysql->waits = resume(mysql, happened_of(mysql, events));
    while (!mysql->waits) {
        enum probe_verdict verdict = go_on(mysql, words);
        if (verdict != PROBE_WAITS)
            return verdict;
        mysql->waits = start(mysql);
    }
    *ret_wait = (struct probe_wait){.fd = my.mysql_get_socket(mysql->handle),
        .events = (mysql->waits & MYSQL_WAIT_READ ? UV_READABLE : 0) |
                  (mysql->waits & MYSQL_WAIT_WRITE ? UV_WRITABLE : 0)};
    return PROBE_WAITS;
}

/* mysql_close may come in the middle of a call, but what the call had allocated may then be lost;
 * so the call ends first. An answer that is not read to its end is cut off, or freeing it would
 * read on, blocking. The farewell of mysql_close is five bytes into an empty buffer: it does not
 * block.
 */
static void end(void *probe)
{
    struct mysql *mysql = probe;
    for (unsigned i = 0; mysql->waits && i < RESUMES_MAX; i++)
        mysql->waits = resume(mysql, MYSQL_WAIT_TIMEOUT);
    if (!mysql->complete)
        my.mariadb_cancel(mysql->handle);
    if (mysql->result)
        my.mysql_free_result(mysql->result);
    my.mysql_close(mysql->handle);
    free(mysql);
}

const struct probe_kind probe_mysql = {.begin = begin, .step = step, .end = end};
