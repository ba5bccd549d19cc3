/* A host's view, what its upstreams said so far, and a client that asks. */
#pragma once

#include "failover/view.h"
#include "resolver/answer.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

#define EU "eu-west-1"
#define US "us-west-2"
#define SCENE_START_MS 1000000
#define SCENE_MAX_STALE_MS 86400000

/* Every endpoint is in a group of its own name:
 *   orders   database  db.shop.internal → orders.eu.rds.test, orders.us.rds.test
 *   search   name      search.internal, *.search.internal → search-eu.test, search-us.test
 *   fixed    name      fixed.internal → 192.0.2.1, 2001:db8::2
 *   relayed  database  relay.internal, relayed on 127.0.0.54 and ::1
 *   narrow   database  narrow.internal, relayed on 127.0.0.55
 *   own      name      own.test, alias.internal → own.test, other.test
 *   assets   bucket    assets.internal */
struct scene {
    struct config *config;
    struct state *state;
    struct world world;
    struct view *view;
    uint64_t generation;
    bool gateway_answers;
    struct cache *cache;
    uint64_t now_ms;

    /* The next question, besides name and type. */
    struct query query;
    size_t room;
    bool past_managed, take_stale;
    struct cache_entry *fetched[ANSWER_FETCHED_MAX];
    unsigned fetched_count;

    /* The last answer. */
    struct answer answer;
    struct reply reply; /* read back, when it was ready */
    char text[65536];
    uint8_t data[DNS_MESSAGE_MAX + 1], work[DNS_MESSAGE_MAX + 1];
    struct reply scratch;
};

int scene_setup(void **ret_scene); /* for cmocka */
int scene_teardown(void **scene);
struct scene *scene_new(void);
void scene_free(struct scene *scene);

/* What changes the view. */
void scene_look(struct scene *scene); /* after changes of `config` or `state` */
void activate(struct scene *scene, const char *group, const char *region);
void fence(struct scene *scene, const char *group);
void undecide(struct scene *scene);

/* An upstream's answer comes into the cache, under the DO and CD of the next question; or only into
 * the question's hand. */
void learn(struct scene *scene, const struct message *message, const char *name, uint16_t type);
void fetched(struct scene *scene, const struct message *message, const char *name, uint16_t type);
/* The upstreams failed to answer it. */
void failed(struct scene *scene, const char *name, uint16_t type, enum dns_ede ede);
struct cache_key key_of(struct scene *scene, const char *name, uint16_t type);

void learn_a(struct scene *scene, const char *name, uint32_t ttl_s, uint32_t address);
void learn_cname(struct scene *scene, const char *name, const char *target);

/* Asks; whatever is answered must pass the walker. */
void ask(struct scene *scene, const char *name, uint16_t type);
void ask_query(struct scene *scene); /* `query` as it is */

/* The records of a section, as "owner TTL TYPE data" with "; " between them. */
const char *section_text(struct scene *scene, enum section section);
void answers(struct scene *scene, unsigned rcode, const char *text); /* answer section, and ready */
void needs(const struct scene *scene, const char *name);             /* has to be fetched first */
uint16_t flags_of(const struct scene *scene);
bool has_ede(const struct scene *scene, enum dns_ede ede);
