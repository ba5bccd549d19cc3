/* A session with PostgreSQL, written down message by message. */
#pragma once

#include "tests/unit/border_session.h"
#include "tests/unit/unit.h"

extern struct border_session postgres_session;

/* One message with this body. */
void postgres_message(bool from_server, char type, const void *body, size_t size);

/* Messages of these types, in one piece each. */
void postgres_client(const char *types);
void postgres_server(const char *types);

void postgres_ready(char status);
void postgres_expect(enum border_verdict verdict);
void postgres_startup(uint32_t code, size_t size);

/* Setups, the second of a session that is logged in; and the teardown. */
int postgres_begin(void **unused);
int postgres_log_in(void **unused);
int postgres_check(void **unused);

#define FROM(setup, name) cmocka_unit_test_setup_teardown(name, setup, postgres_check)
