/* From a question to the bytes of its answer, as the view and the cache are now.
 *
 *     managed? → its CNAME or addresses → (the target's cached chain) → OPT
 *     else     → cached?                → patched copy                → OPT
 *     else     → what has to be fetched first
 *
 * Pure but for the cache's "used" marks: the same call is made when the question arrives, when a
 * fetch has ended, and when a new view has come, so that a pending question always follows the
 * newest. */
#pragma once

#include "failover/view.h"
#include "resolver/cache.h"

#define ANSWER_FETCHED_MAX 4  /* fetches that one question may cause */
#define ANSWER_STALE_TTL_S 30 /* RFC 8767 section 4 */

/* Where an answer came from: a label in metrics. */
enum answer_source {
    ANSWER_MANAGED,
    ANSWER_CACHED,
    ANSWER_STALE,
    ANSWER_FORWARDED, /* as cached, after a fetch */
    ANSWER_LOCAL,     /* made here: refusals, malformed questions, names of RFC 6761 */
    ANSWER_SOURCES
};
const char *answer_source_text(enum answer_source source);

struct answer_inputs {
    const struct view *view;
    struct cache *cache;
    struct reply *scratch; /* the thread's, to work with */
    uint64_t now_ms;
    /* What this question fetched already: it counts although its TTL may be 0. */
    struct cache_entry *const *fetched;
    unsigned fetched_count;
    bool past_managed; /* a lookup for those who dial */
    bool take_stale;   /* no upstream answered in time: stale data is better than none */
};

struct answer {
    /* In: where the message goes, and how large it may be. Out: `size`. */
    uint8_t *data;
    size_t room, size;

    bool ready; /* false: `need` has to be fetched first */
    unsigned rcode;
    enum answer_source source;
    bool truncated;
    bool stale_at_hand; /* not ready, but stale data would do */

    struct cache_key need; /* its name is `need_name`, in lower case */
    uint8_t need_name[NAME_WIRE_MAX];
    const uint8_t *need_wire; /* the same name as it is to be asked: in the client's case or ours */

    const struct view_endpoint *endpoint; /* the last managed name on the way; NULL: none */
};

/* `room` is at least DNS_UDP_SIZE_MIN. When the answer does not fit it is truncated on an RRset's
 * border, with TC. `work` has DNS_MESSAGE_MAX bytes and serves answers that are too large at first.
 */
void answer_make(const struct answer_inputs *inputs, const struct query *query, uint8_t *work,
    struct answer *answer);

/* Bare answers without looking anything up, of at most DNS_UDP_SIZE_MIN bytes. Of `answer` only
 * `data` has to be set. */
void answer_refuse(
    const struct query *query, unsigned rcode, enum dns_ede ede, struct answer *answer);
/* FORMERR, NOTIMP or BADVERS, with as much of the question as the verdict says is known. */
void answer_refuse_malformed(
    const struct query *query, enum query_verdict verdict, struct answer *answer);
