/* On the good day an answer is one OK packet with the server's status, or a result: a count of
 * columns, their definitions, an EOF (unless the client does without: CLIENT_DEPRECATE_EOF), rows,
 * and an EOF or OK with the status, which also says whether another result follows.
 *
 * What can go wrong: nothing in a packet says which of these it is, only its place and its first
 * byte. A row may begin with the byte of an OK (a NULL-free binary row, an empty text) or, if its
 * first value has 16 MB or more, with the byte of an EOF; that one fills its packet, which no EOF
 * does. An error ends every answer, and has no status: whether it left a transaction open is not
 * known until the next status. MariaDB sends reports of progress as errors of the number 0xffff. */
#include "proxy/relay/border_mysql.h"

#define JUDGED_MAX (BORDER_START_SIZE - MYSQL_HEADER_SIZE) /* an OK up to its status */

#define BYTE_OK 0x00
#define BYTE_INFILE 0xfb
#define BYTE_EOF 0xfe /* also the OK that is sent in its place */
#define BYTE_ERROR 0xff
#define EOF_SIZE 5
#define PREPARED_SIZE 12
#define ERROR_PROGRESS 0xffff

#define BYTE_0_MYSQL 0x01 /* CLIENT_MYSQL: MariaDB's own flags are not there */
#define BYTE_3_DEPRECATE_EOF 0x01
#define EXTENDED_CACHE_METADATA 0x10

#define STATUS_IN_TRANS 0x0001
#define STATUS_MORE_RESULTS_EXISTS 0x0008
#define STATUS_CURSOR_EXISTS 0x0040
#define STATUS_LAST_ROW_SENT 0x0080
#define STATUS_PS_OUT_PARAMS 0x1000
#define STATUS_IN_TRANS_READONLY 0x2000

enum step {
    STEP_FIRST,
    STEP_DEFINITIONS,
    STEP_DEFINITIONS_END, /* an EOF */
    STEP_ROWS,
};

size_t mysql_answer_wants(const struct border_mysql *mysql, const struct border_flow *flow)
{
    uint32_t length = mysql_length(flow->start);
    uint8_t first = flow->start[MYSQL_HEADER_SIZE];
    bool is_inner = mysql_awaits(mysql) == MYSQL_ANSWER_LIST || mysql->step != STEP_FIRST;
    if (is_inner && first != BYTE_EOF && first != BYTE_ERROR)
        return 1;
    return length < JUDGED_MAX ? length : JUDGED_MAX;
}

static void finish(struct border_mysql *mysql)
{
    mysql->awaited >>= MYSQL_ANSWER_BITS;
    mysql->step = STEP_FIRST;
    mysql->output = false;
}

/* The length of an integer whose first byte this is, 0 if none begins so. */
static size_t integer_size(uint8_t first)
{
    switch (first) {
    case 0xfb:
    case 0xff:
        return 0;
    case 0xfc:
        return 3;
    case 0xfd:
        return 4;
    case 0xfe:
        return 9;
    default:
        return 1;
    }
}

static uint16_t read_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* Behind the warnings of an EOF, or behind the two integers of an OK. */
static bool read_status(struct span packet, uint16_t *ret_status)
{
    bool is_eof = packet.data[0] == BYTE_EOF && packet.size == EOF_SIZE;
    size_t at = is_eof ? 3 : 1;
    for (int integers = is_eof ? 0 : 2; integers > 0; integers--) {
        size_t size = at < packet.size ? integer_size(packet.data[at]) : 0;
        if (size == 0)
            return false;
        at += size;
    }
    if (at + 2 > packet.size)
        return false;
    *ret_status = read_le16(packet.data + at);
    return true;
}

static bool note_status(struct border *border, struct span packet, uint16_t *ret_status)
{
    struct border_mysql *mysql = &border->mysql;
    if (!read_status(packet, ret_status)) {
        border_become_opaque(border);
        return false;
    }
    bool in_block = *ret_status & (STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY);
    mysql->ended_block = mysql->in_block && !in_block;
    mysql->in_block = in_block;
    mysql->cursor = (*ret_status & STATUS_CURSOR_EXISTS) && !(*ret_status & STATUS_LAST_ROW_SENT);
    mysql->known = true;
    return true;
}

static void finish_without_status(struct border_mysql *mysql)
{
    mysql->ended_block = false;
    finish(mysql);
}

static void judge_error(struct border_mysql *mysql)
{
    mysql->known = false;
    finish_without_status(mysql);
}

static void judge_status(struct border *border, struct span packet)
{
    uint16_t status;
    bool is_status = packet.data[0] == BYTE_OK || packet.data[0] == BYTE_EOF;
    if (!is_status)
        border_become_opaque(border);
    else if (note_status(border, packet, &status))
        finish(&border->mysql);
}

/* OK is the end of it; a request to change the method, or data of the method, is not. */
static void judge_login(struct border *border, struct span packet)
{
    if (packet.data[0] != BYTE_OK)
        return;
    border->mysql.phase = MYSQL_READY;
    judge_status(border, packet);
}

static bool has_eofs(const struct border_mysql *mysql)
{
    return !(mysql->server.high & mysql->client.high & BYTE_3_DEPRECATE_EOF);
}

static void end_definitions(struct border_mysql *mysql)
{
    if (mysql_awaits(mysql) == MYSQL_ANSWER_PREPARED)
        finish_without_status(mysql);
    else
        mysql->step = has_eofs(mysql) ? STEP_DEFINITIONS_END : STEP_ROWS;
}

static void expect_definitions(struct border_mysql *mysql, uint32_t count)
{
    mysql->step = STEP_DEFINITIONS;
    mysql->definitions = count;
    if (count == 0)
        end_definitions(mysql);
}

/* Definitions of the parameters and of the columns, each with an EOF if there are any. */
static void judge_prepared(struct border *border, struct span packet)
{
    if (packet.data[0] != BYTE_OK || packet.size < PREPARED_SIZE)
        return border_become_opaque(border);
    uint32_t columns = read_le16(packet.data + 5), parameters = read_le16(packet.data + 7);
    uint32_t eofs = (columns > 0) + (parameters > 0);
    expect_definitions(
        &border->mysql, columns + parameters + (has_eofs(&border->mysql) ? eofs : 0));
}

/* MariaDB leaves out the definitions that the client still has, and says so behind the count. */
static bool caches_metadata(const struct border_mysql *mysql)
{
    bool is_mariadb = !((mysql->server.low | mysql->client.low) & BYTE_0_MYSQL);
    return is_mariadb &&
           (mysql->server.extended & mysql->client.extended & EXTENDED_CACHE_METADATA);
}

/* No server has more columns than 16 bits can count. */
static void judge_count(struct border *border, struct span packet)
{
    size_t size = integer_size(packet.data[0]);
    bool has_flag = caches_metadata(&border->mysql) && packet.size == size + 1;
    if (size == 0 || size > 3 || packet.size != size + has_flag)
        return border_become_opaque(border);
    uint32_t count = size == 1 ? packet.data[0] : read_le16(packet.data + 1);
    expect_definitions(&border->mysql, has_flag && packet.data[size] == 0 ? 0 : count);
}

/* Commands that were sent already would be read as the file. */
static void judge_infile(struct border *border)
{
    struct border_mysql *mysql = &border->mysql;
    if (mysql->awaited >> MYSQL_ANSWER_BITS || !border_flow_rests(&border->client))
        return border_become_opaque(border);
    mysql->infile = true;
}

static void end_result(struct border *border, struct span packet)
{
    struct border_mysql *mysql = &border->mysql;
    bool is_rows = mysql->step == STEP_ROWS;
    uint16_t status;
    if (!note_status(border, packet, &status))
        return;
    bool is_output = is_rows && (mysql->output || (status & STATUS_PS_OUT_PARAMS));
    if (!is_output && !(status & STATUS_MORE_RESULTS_EXISTS))
        return finish(mysql);
    mysql->step = STEP_FIRST;
    mysql->output = false;
}

/* With a cursor there are no rows before the client fetches them. */
static void judge_definitions_end(struct border *border, struct span packet)
{
    struct border_mysql *mysql = &border->mysql;
    uint16_t status;
    if (packet.data[0] != BYTE_EOF)
        return border_become_opaque(border);
    if (!note_status(border, packet, &status))
        return;
    mysql->output = status & STATUS_PS_OUT_PARAMS;
    mysql->step = STEP_ROWS;
    if (status & STATUS_CURSOR_EXISTS)
        finish(mysql);
}

static void judge_first(struct border *border, struct span packet)
{
    if (packet.data[0] == BYTE_OK)
        end_result(border, packet);
    else if (packet.data[0] == BYTE_INFILE)
        judge_infile(border);
    else
        judge_count(border, packet);
}

static void judge_result(struct border *border, struct span packet)
{
    bool is_row =
        packet.data[0] != BYTE_EOF || mysql_length(border->server.start) == MYSQL_LENGTH_MAX;
    if (border->mysql.step == STEP_FIRST)
        judge_first(border, packet);
    else if (border->mysql.step == STEP_DEFINITIONS_END)
        judge_definitions_end(border, packet);
    else if (!is_row)
        end_result(border, packet);
}

static void judge_definition(struct border_mysql *mysql)
{
    if (--mysql->definitions == 0)
        end_definitions(mysql);
}

static void judge_awaited(struct border *border, struct span packet)
{
    switch (mysql_awaits(&border->mysql)) {
    case MYSQL_ANSWER_RESULTS:
        return judge_result(border, packet);
    case MYSQL_ANSWER_PREPARED:
        return judge_prepared(border, packet);
    case MYSQL_ANSWER_LIST:
        if (packet.data[0] == BYTE_EOF && mysql_length(border->server.start) < MYSQL_LENGTH_MAX)
            judge_status(border, packet);
        return;
    case MYSQL_ANSWER_STATUS:
        return judge_status(border, packet);
    case MYSQL_ANSWER_TEXT:
        return finish_without_status(&border->mysql);
    case MYSQL_ANSWER_LOGIN:
        return judge_login(border, packet);
    }
}

void mysql_judge_answer(struct border *border)
{
    const struct border_flow *flow = &border->server;
    struct border_mysql *mysql = &border->mysql;
    struct span packet = span_of(flow->start + MYSQL_HEADER_SIZE, flow->have - MYSQL_HEADER_SIZE);
    bool is_error = packet.size > 0 && packet.data[0] == BYTE_ERROR;
    if (packet.size == 0 || (is_error && mysql->phase == MYSQL_LOGIN))
        border_become_opaque(border);
    else if (is_error && packet.size >= 3 && read_le16(packet.data + 1) == ERROR_PROGRESS)
        return;
    else if (is_error)
        judge_error(mysql);
    else if (mysql->phase == MYSQL_LOGIN)
        judge_login(border, packet);
    else if (mysql->step == STEP_DEFINITIONS)
        judge_definition(mysql);
    else
        judge_awaited(border, packet);
}

size_t mysql_rows(const struct border *border, struct span bytes)
{
    size_t at = 0;
    if (border->mysql.step != STEP_ROWS || border->server.continued)
        return 0;
    while (bytes.size - at > MYSQL_HEADER_SIZE) {
        uint32_t length = mysql_length(bytes.data + at);
        uint8_t first = bytes.data[at + MYSQL_HEADER_SIZE];
        bool is_here = length <= bytes.size - at - MYSQL_HEADER_SIZE;
        if (!is_here || length == 0 || length == MYSQL_LENGTH_MAX || first >= BYTE_EOF)
            break;
        at += length + MYSQL_HEADER_SIZE;
    }
    return at;
}
