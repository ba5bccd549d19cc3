/* A resolver with two threads, its upstream, and somebody on another loop who looks names up. The
 * clock stands still. */
#pragma once

#include "base/lookup.h"
#include "resolver/resolver_parts.h"
#include "tests/unit/played_upstream.h"
#include "tests/unit/unit.h"

/* What somebody who asked was told, and on which thread. */
struct asker {
    counter calls;
    pthread_t told_on;
    int status;
    struct lookup_answer answer;
    cJSON *explanation;
    uint64_t flushed;
};

struct lookup_scene {
    struct loop home; /* of those who ask; the test runs it */
    struct played upstream;
    struct config *config;
    struct state *state;
    struct announce *announce;
    struct resolver *resolver;
    struct lookup *lookup;
    counter views;
    struct asker asker, other;
    struct message said; /* to send from */
    struct reply reply;
};

extern struct lookup_scene scene;

int lookup_setup(void **unused); /* for cmocka; the engines are there and do not run yet */
int lookup_teardown(void **unused);

void start_engines(void);
void look(void);  /* a new view of configuration and record, until it is acknowledged */
void serve(void); /* both */

/* An answer that an engine heard at a time of its clock; before the engines are started. */
void learn(unsigned engine, const char *name, uint16_t type, uint64_t at_ms);
uint64_t engines_now_ms(void);

void look_up(struct asker *asker, const char *text);
/* Waits for its Nth call; it came on the thread that asked. */
void is_told(struct asker *asker, uint64_t calls);
void has_address(const struct asker *asker, unsigned index, const char *expected);
void explain_it(const char *text, uint16_t type); /* to the other one */
uint64_t flush(const char *text);                 /* NULL: everything */
/* Whatever was asked of the first engine before has been begun there. */
void engine_has_begun(void);

/* The next question that the upstream hears is this one; what it says to it. */
void upstream_hears(const char *name, uint16_t type);
void say_a(uint32_t address);
void say_aaaa(uint8_t last);
void say_code(uint16_t code); /* with a SOA */
void add_aaaa(uint8_t last);  /* to `scene.said` */
