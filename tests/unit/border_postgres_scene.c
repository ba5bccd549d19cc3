#include "tests/unit/border_postgres_scene.h"

struct border_session postgres_session;

void postgres_message(bool from_server, char type, const void *body, size_t size)
{
    uint8_t bytes[512] = {(uint8_t)type};
    write_be32(bytes + 1, (uint32_t)size + 4);
    memcpy(bytes + 5, body, size);
    border_session_add(&postgres_session, from_server, span_of(bytes, size + 5));
}

void postgres_client(const char *types)
{
    for (; *types; types++)
        postgres_message(
            false, *types, "body", *types == 'S' || *types == 'H' || *types == 'c' ? 0 : 4);
}

void postgres_server(const char *types)
{
    for (; *types; types++)
        postgres_message(true, *types, "\0\0\0\1more", 8);
}

void postgres_ready(char status)
{
    postgres_message(true, 'Z', &status, 1);
}

void postgres_expect(enum border_verdict verdict)
{
    border_session_expect(&postgres_session, verdict);
}

void postgres_startup(uint32_t code, size_t size)
{
    uint8_t bytes[64] = {0};
    write_be32(bytes, (uint32_t)size);
    write_be32(bytes + 4, code);
    border_session_add(
        &postgres_session, false, span_of(bytes, size < sizeof bytes ? size : sizeof bytes));
}

int postgres_begin(void **unused)
{
    (void)unused;
    memset(&postgres_session, 0, sizeof postgres_session);
    return 0;
}

int postgres_log_in(void **unused)
{
    postgres_begin(unused);
    postgres_startup(3 << 16, 40);
    postgres_server("RSSK");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
    return 0;
}

int postgres_check(void **unused)
{
    (void)unused;
    border_session_check(&postgres_session);
    return 0;
}
