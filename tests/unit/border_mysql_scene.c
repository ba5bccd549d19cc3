#include "tests/unit/border_mysql_scene.h"

struct border_session mysql_session;

void mysql_packet(bool from_server, uint8_t sequence, struct span body)
{
    uint8_t bytes[512] = {(uint8_t)body.size, (uint8_t)(body.size >> 8), 0, sequence};
    memcpy(bytes + 4, body.data, body.size);
    border_session_add(&mysql_session, from_server, span_of(bytes, body.size + 4));
}

void mysql_expect(enum border_verdict verdict)
{
    border_session_expect(&mysql_session, verdict);
}

void mysql_ok(uint16_t status)
{
    uint8_t body[] = {0, 1, 2, (uint8_t)status, (uint8_t)(status >> 8), 0, 0};
    mysql_packet(true, 1, span_of(body, sizeof body));
}

void mysql_eof(uint16_t status)
{
    uint8_t body[] = {0xfe, 0, 0, (uint8_t)status, (uint8_t)(status >> 8)};
    mysql_packet(true, 1, span_of(body, sizeof body));
}

void mysql_late_ok(uint16_t status)
{
    uint8_t body[] = {0xfe, 0xfc, 44, 1, 2, (uint8_t)status, (uint8_t)(status >> 8), 0, 0};
    mysql_packet(true, 1, span_of(body, sizeof body));
}

void mysql_error(void)
{
    SERVER("\xff\x28\x04#42000wrong");
}

static void little(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

void mysql_greet(uint32_t capabilities, uint32_t extended)
{
    uint8_t body[80] = "\x0a"
                       "10.11.6-MariaDB",
            *fields = body + 17, flags[4];
    little(flags, capabilities);
    memcpy(fields + 13, flags, 2);
    memcpy(fields + 18, flags + 2, 2);
    little(fields + 27, extended);
    mysql_packet(true, 0, span_of(body, sizeof body));
}

void mysql_respond(uint32_t capabilities, uint32_t extended)
{
    uint8_t body[60] = {0};
    little(body, capabilities);
    little(body + 28, extended);
    mysql_packet(false, 1, span_of(body, sizeof body));
}

void mysql_log_in(uint32_t capabilities, uint32_t extended)
{
    memset(&mysql_session, 0, sizeof mysql_session);
    mysql_greet(capabilities | PROTOCOL_41, extended);
    mysql_respond(capabilities | PROTOCOL_41, extended);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

int mysql_begin(void **unused)
{
    (void)unused;
    memset(&mysql_session, 0, sizeof mysql_session);
    return 0;
}

int mysql_classic(void **unused)
{
    (void)unused;
    mysql_log_in(MYSQL, 0);
    return 0;
}

int mysql_without_eof(void **unused)
{
    (void)unused;
    mysql_log_in(MYSQL | DEPRECATE_EOF, 0);
    return 0;
}

int mysql_mariadb(void **unused)
{
    (void)unused;
    mysql_log_in(DEPRECATE_EOF, CACHE_METADATA);
    return 0;
}

int mysql_check(void **unused)
{
    (void)unused;
    border_session_check(&mysql_session);
    return 0;
}

void mysql_definitions(int count)
{
    for (int i = 0; i < count; i++)
        SERVER("\3def\0\0\0\1x\0\f\x2d\0");
}
