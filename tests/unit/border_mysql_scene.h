/* A session with MySQL or MariaDB, written down packet by packet. */
#pragma once

#include "tests/unit/border_session.h"
#include "tests/unit/unit.h"

#define PACKET(from_server, sequence, text)                                                        \
    mysql_packet(from_server, sequence, span_of(text, sizeof(text) - 1))
#define SERVER(text) PACKET(true, 1, text)
#define COMMAND(text) PACKET(false, 0, text)

/* Capability flags; the last is MariaDB's second, in the bits above. */
#define MYSQL 0x1u
#define COMPRESS 0x20u
#define PROTOCOL_41 0x200u
#define SSL 0x800u
#define DEPRECATE_EOF 0x1000000u
#define OPTIONAL_METADATA 0x2000000u
#define ZSTD 0x4000000u
#define CACHE_METADATA 0x10u

/* Server status flags. */
#define IN_TRANS 0x1
#define AUTOCOMMIT 0x2
#define MORE_RESULTS 0x8
#define CURSOR_EXISTS 0x40
#define LAST_ROW_SENT 0x80
#define OUT_PARAMS 0x1000
#define IN_TRANS_READONLY 0x2000

extern struct border_session mysql_session;

void mysql_packet(bool from_server, uint8_t sequence, struct span body);
void mysql_expect(enum border_verdict verdict);
void mysql_ok(uint16_t status);
void mysql_eof(uint16_t status);
/* The OK that a client gets which does without EOF. */
void mysql_late_ok(uint16_t status);
void mysql_error(void);

/* The connection phase; both sides have the same capabilities in log_in. */
void mysql_greet(uint32_t capabilities, uint32_t extended);
void mysql_respond(uint32_t capabilities, uint32_t extended);
void mysql_log_in(uint32_t capabilities, uint32_t extended);

/* Setups, the last three of a session that is logged in; and the teardown. */
int mysql_begin(void **unused);
int mysql_classic(void **unused);
int mysql_without_eof(void **unused);
int mysql_mariadb(void **unused);
int mysql_check(void **unused);

void mysql_definitions(int count);

#define FROM(setup, name) cmocka_unit_test_setup_teardown(name, setup, mysql_check)
