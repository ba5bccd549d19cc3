/* One thread of the resolver on a loop that the test runs, its upstream, and clients on loopback.
 */
#pragma once

#include "resolver/engine.h"
#include "tests/unit/played_upstream.h"
#include "tests/unit/unit.h"

#define EU "eu-west-1"
#define US "us-west-2"
#define SCENE_FETCHES_MAX 40
#define SCENE_CONNECTIONS_MAX 3
#define SCENE_CLIENTS_MAX 64
#define SCENE_BUFFER 8192 /* what the kernel holds for a TCP client; the rest stays with us */

/* An address, and one that `allow` leaves out. */
#define ALLOWED "127.0.0.1"
#define STRANGER "127.0.0.2"

/* Every endpoint is in a group of its own name, its targets end in -eu.test and -us.test:
 *   orders   database  db.shop.internal → orders-eu.test, orders-us.test
 *   relayed  database  relay.internal, relayed on 127.0.0.54
 *   search   name      search.internal, *.search.internal → search-eu.test, search-us.test
 *   one, two, three  name  one.internal → one-eu.test, …
 *   fixed    name      fixed.internal → 192.0.2.1, 192.0.2.2
 * corp.example is routed to 192.0.2.7 and tls://192.0.2.8:853#dns.corp.example. */
struct engine_scene {
    struct engine engine;
    struct config *config;
    struct state *state;
    struct world world;
    struct announce *announce;
    counter views; /* that were taken and acknowledged */
    struct played upstream;
    struct address udp, tcp;
    int clients[SCENE_CLIENTS_MAX];
    unsigned client_count;
    struct message question, said; /* to send from */
    struct message received;       /* by the client that was looked at last */
    char text[65536];
};

extern struct engine_scene scene;

int engine_setup(void **unused);        /* for cmocka; serves */
int engine_setup_silent(void **unused); /* before its first view */
int engine_teardown(void **unused);

/* A new view of configuration, record and world as they are now, until it is acknowledged. */
void look(void);
void activate(const char *group, const char *region);
void fence(const char *group);

/* A client's socket, connected to the engine; teardown closes it. */
int udp_client(const char *from);
int tcp_client(const char *from);
void leaves(int client); /* closes it now, over TCP by a reset */

/* A question of class IN with RD and no EDNS, into `scene.question`. */
void write_question(uint16_t id, const char *name, uint16_t type);
void sends_question(int client); /* `scene.question`, over UDP or framed */
void sends_bytes(int client, const void *data, size_t size);
void asks(int client, uint16_t id, const char *name); /* type A */

/* Waits for the next message to the client. */
void receives(int client);
/* And it is this answer; the answer section as "owner TTL TYPE data" with "; " between. */
void is_told(int client, uint16_t id, unsigned rcode, const char *text);
bool is_told_nothing(int client); /* settles first */
void sees_the_end(int client);

/* Of `scene.received`. */
const char *answer_text(void);
bool has_ede(enum dns_ede ede);

/* The upstream hears a question of that name, in that letter case; says nothing, or an address. */
void upstream_hears(const char *name);
void upstream_tells(const char *name, uint32_t address);
/* It answers what it heard last. */
void upstream_says_a(uint32_t ttl_s, uint32_t address);
void upstream_says_cname(uint32_t ttl_s, const char *target);
void upstream_says_many(unsigned count); /* so many addresses: 16 bytes each */

static inline void passes(uint64_t ms)
{
    time_passes(&scene.engine.loop.uv, ms);
}

static inline void comes_to_rest(void)
{
    settle(&scene.engine.loop.uv);
}
