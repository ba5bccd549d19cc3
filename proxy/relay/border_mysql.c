/* The client/server protocol of MySQL and MariaDB ("Connection Phase" and "Command Phase" in
 * MySQL's manual, "Connection" and "Server Response Packets" in MariaDB's). On the good day a
 * greeting, the client's response, a login, and then commands, each with the answer that its kind
 * has: when all of them have come and the last status that the server gave says that no transaction
 * is open, the session is at a border.
 *
 * What can go wrong: a client may send commands before it has read the answers (MariaDB's do, with
 * a prepared statement's first execution), so the kinds of the answers to come are queued. TLS,
 * compression, replication, metadata left out on request, unknown commands, and more than 16
 * answers outstanding are opaque. What the server says is border_mysql_answer.c's. */
#include "proxy/relay/border_mysql.h"

#define VERSION 10
#define RESPONSE_MIN 32 /* flags, size, character set, filler, MariaDB's flags */
#define AWAITED_MAX 16

/* Bits of the four bytes of capability flags. */
#define BYTE_0_COMPRESS 0x20
#define BYTE_1_PROTOCOL_41 0x02
#define BYTE_1_SSL 0x08
#define BYTE_3_OPTIONAL_METADATA 0x02
#define BYTE_3_ZSTD 0x04

/* Where they are: counted from the NUL behind the server's version, and in the response. */
#define GREETING_BYTE_0 14
#define GREETING_BYTE_3 20
#define GREETING_EXTENDED 28
#define GREETING_MIN 32
#define RESPONSE_EXTENDED 28

enum command { /* those that are not answered, or not known by their answer alone */
    COM_QUIT = 1,
    COM_STMT_SEND_LONG_DATA = 24,
    COM_STMT_CLOSE = 25,
};

static const uint8_t answers[256] = {
    [2] = MYSQL_ANSWER_STATUS,    /* COM_INIT_DB */
    [3] = MYSQL_ANSWER_RESULTS,   /* COM_QUERY */
    [4] = MYSQL_ANSWER_LIST,      /* COM_FIELD_LIST */
    [7] = MYSQL_ANSWER_STATUS,    /* COM_REFRESH */
    [8] = MYSQL_ANSWER_STATUS,    /* COM_SHUTDOWN */
    [9] = MYSQL_ANSWER_TEXT,      /* COM_STATISTICS */
    [10] = MYSQL_ANSWER_RESULTS,  /* COM_PROCESS_INFO */
    [12] = MYSQL_ANSWER_STATUS,   /* COM_PROCESS_KILL */
    [13] = MYSQL_ANSWER_STATUS,   /* COM_DEBUG */
    [14] = MYSQL_ANSWER_STATUS,   /* COM_PING */
    [17] = MYSQL_ANSWER_LOGIN,    /* COM_CHANGE_USER */
    [22] = MYSQL_ANSWER_PREPARED, /* COM_STMT_PREPARE */
    [23] = MYSQL_ANSWER_RESULTS,  /* COM_STMT_EXECUTE */
    [26] = MYSQL_ANSWER_STATUS,   /* COM_STMT_RESET */
    [27] = MYSQL_ANSWER_STATUS,   /* COM_SET_OPTION */
    [28] = MYSQL_ANSWER_LIST,     /* COM_STMT_FETCH */
    [31] = MYSQL_ANSWER_STATUS,   /* COM_RESET_CONNECTION */
    [250] = MYSQL_ANSWER_RESULTS, /* COM_STMT_BULK_EXECUTE */
};

static bool is_out_of_turn(const struct border *border, const struct border_flow *flow)
{
    const struct border_mysql *mysql = &border->mysql;
    if (flow == &border->client)
        return mysql->phase == MYSQL_GREETING;
    return mysql->phase == MYSQL_RESPONSE || (mysql->phase == MYSQL_READY && mysql->awaited == 0);
}

size_t mysql_wants(const struct border *border, const struct border_flow *flow)
{
    bool is_client = flow == &border->client;
    if (is_out_of_turn(border, flow))
        return 1;
    if (flow->have < MYSQL_HEADER_SIZE || flow->continued || mysql_length(flow->start) == 0)
        return MYSQL_HEADER_SIZE;
    if (is_client && border->mysql.phase == MYSQL_RESPONSE)
        return MYSQL_HEADER_SIZE;
    if (is_client || border->mysql.phase == MYSQL_GREETING || flow->have == MYSQL_HEADER_SIZE)
        return MYSQL_HEADER_SIZE + 1;
    return MYSQL_HEADER_SIZE + mysql_answer_wants(&border->mysql, flow);
}

bool mysql_watches(const struct border *border, const struct border_flow *flow)
{
    const struct border_flow *watched =
        border->mysql.phase == MYSQL_GREETING ? &border->server : &border->client;
    return flow == watched && border->mysql.phase <= MYSQL_RESPONSE && flow->left > 0;
}

static void watch_greeting(struct border_mysql *mysql, uint8_t byte)
{
    if (mysql->offset == GREETING_BYTE_0)
        mysql->server.low = byte;
    else if (mysql->offset == GREETING_BYTE_3)
        mysql->server.high = byte;
    else if (mysql->offset == GREETING_EXTENDED)
        mysql->server.extended = byte;
    if (mysql->offset > 0 ? mysql->offset < UINT8_MAX : byte == 0)
        mysql->offset++;
}

static void watch_response(struct border *border, uint8_t byte)
{
    struct border_mysql *mysql = &border->mysql;
    bool is_opaque = false;
    if (mysql->offset == 0) {
        mysql->client.low = byte;
        is_opaque = byte & BYTE_0_COMPRESS;
    } else if (mysql->offset == 1) {
        is_opaque = (byte & BYTE_1_SSL) || !(byte & BYTE_1_PROTOCOL_41);
    } else if (mysql->offset == 3) {
        mysql->client.high = byte;
        is_opaque = (byte & BYTE_3_ZSTD) || (byte & mysql->server.high & BYTE_3_OPTIONAL_METADATA);
    } else if (mysql->offset == RESPONSE_EXTENDED) {
        mysql->client.extended = byte;
    }
    if (is_opaque)
        border_become_opaque(border);
    if (mysql->offset < UINT8_MAX)
        mysql->offset++;
}

void mysql_watch(struct border *border, struct border_flow *flow, uint8_t byte)
{
    struct border_mysql *mysql = &border->mysql;
    if (mysql->phase == MYSQL_GREETING)
        watch_greeting(mysql, byte);
    else
        watch_response(border, byte);
    if (flow->left > 0)
        return;
    if (mysql->phase == MYSQL_GREETING && mysql->offset < GREETING_MIN)
        return border_become_opaque(border);
    mysql->offset = 0;
    mysql->phase++;
}

static void judge_command(struct border *border, uint8_t command)
{
    struct border_mysql *mysql = &border->mysql;
    enum mysql_answer answer = answers[command];
    if (command == COM_STMT_CLOSE)
        return;
    if (command == COM_STMT_SEND_LONG_DATA || command == COM_QUIT) {
        mysql->unasked = true;
        return;
    }
    if (answer == 0 || mysql->awaited >> (AWAITED_MAX - 1) * MYSQL_ANSWER_BITS)
        return border_become_opaque(border);
    unsigned place = 0;
    while (mysql->awaited >> place)
        place += MYSQL_ANSWER_BITS;
    mysql->awaited |= (uint64_t)answer << place;
    mysql->unasked = false;
}

/* Commands begin a sequence; what belongs to a login goes on in it. */
static void judge_client(struct border *border, uint32_t length)
{
    struct border_mysql *mysql = &border->mysql;
    const uint8_t *start = border->client.start;
    bool is_first = start[3] == 0;
    bool is_login = mysql->phase == MYSQL_LOGIN || mysql_awaits(mysql) == MYSQL_ANSWER_LOGIN;
    if (mysql->infile)
        mysql->infile = length > 0;
    else if (is_login && !is_first)
        return;
    else if (mysql->phase == MYSQL_LOGIN || !is_first || length == 0)
        border_become_opaque(border);
    else
        judge_command(border, start[MYSQL_HEADER_SIZE]);
}

void mysql_judge(struct border *border, struct border_flow *flow)
{
    const struct border_mysql *mysql = &border->mysql;
    if (is_out_of_turn(border, flow))
        return border_become_opaque(border);
    uint32_t length = mysql_length(flow->start);
    bool is_rest = flow->continued;
    if (mysql->phase == MYSQL_GREETING) {
        if (length == 0 || flow->start[MYSQL_HEADER_SIZE] != VERSION)
            border_become_opaque(border);
    } else if (mysql->phase == MYSQL_RESPONSE) {
        if (length < RESPONSE_MIN)
            border_become_opaque(border);
    } else if (flow == &border->client && !is_rest) {
        judge_client(border, length);
    } else if (!is_rest) {
        mysql_judge_answer(border);
    }
    flow->continued = length == MYSQL_LENGTH_MAX;
    border_pass_rest(flow, length + MYSQL_HEADER_SIZE - flow->have);
}

/* A statement that was closed needs no answer; rows that wait behind a cursor, a file, or data for
 * a statement that was not executed yet do. */
bool mysql_reached(const struct border_mysql *mysql)
{
    return mysql->phase == MYSQL_READY && mysql->awaited == 0 && mysql->known && !mysql->in_block &&
           !mysql->cursor && !mysql->unasked && !mysql->infile;
}
