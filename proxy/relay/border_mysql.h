/* Between border_mysql.c, which follows the client, and border_mysql_answer.c, which follows the
 * server once the client has logged in. */
#pragma once

#include "proxy/relay/border_parts.h"

#define MYSQL_HEADER_SIZE 4        /* length of three bytes, little-endian, and a sequence number */
#define MYSQL_LENGTH_MAX 0xffffffu /* the message goes on in another packet */

#define MYSQL_ANSWER_BITS 4 /* in `awaited` */

enum mysql_phase {
    MYSQL_GREETING, /* of the server */
    MYSQL_RESPONSE, /* of the client */
    MYSQL_LOGIN,    /* whatever they say until the server says OK */
    MYSQL_READY,
};

/* How the server answers a command. 0 is none. */
enum mysql_answer {
    MYSQL_ANSWER_RESULTS = 1, /* OK, an error, or rows; and more of these if it says so */
    MYSQL_ANSWER_PREPARED,    /* a statement's number and definitions */
    MYSQL_ANSWER_LIST,        /* rows or definitions up to an EOF */
    MYSQL_ANSWER_STATUS,      /* OK, EOF or an error */
    MYSQL_ANSWER_TEXT,        /* one packet of anything */
    MYSQL_ANSWER_LOGIN,       /* another login */
};

static inline uint32_t mysql_length(const uint8_t *header)
{
    return header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16;
}

/* The kind of the next answer, 0 when nothing was asked. */
static inline enum mysql_answer mysql_awaits(const struct border_mysql *mysql)
{
    return mysql->awaited & ((1u << MYSQL_ANSWER_BITS) - 1);
}

/* How much it takes of the server's packet, behind its header: its first byte is there. */
size_t mysql_answer_wants(const struct border_mysql *mysql, const struct border_flow *flow);

/* Judges a packet of the server's in the phases LOGIN and READY. */
void mysql_judge_answer(struct border *border);
