/* On the good day an unmanaged name is one look into the view, one into the cache, one copy; a
 * managed name is a CNAME in front of its target's cached records.
 *
 * What can go wrong: the endpoint is fenced or undecided (SERVFAIL and why), a target's chain leads
 * back to where it came from (SERVFAIL, never a loop), nothing is cached (say what to fetch), only
 * stale data is there (use it when nobody answers). */
#include "resolver/answer.h"

#include "resolver/compose.h"
#include "resolver/local_names.h"

#define TTL_ANY UINT32_MAX

/* Work on one answer. */
struct work {
    const struct answer_inputs *in;
    const struct query *query;
    struct answer *answer;
    struct compose compose;
    struct compose_end end;
    const struct view_endpoint *visited[DNS_CHAIN_MAX + 1];
    unsigned visited_count;
    unsigned hops;             /* CNAMEs in the answer */
    struct compose_ttl ttl;    /* of what is appended */
    struct cache_entry *local; /* ours; NULL: none was made */
};

enum step { STEP_AGAIN, STEP_READY, STEP_FETCH };

const char *answer_source_text(enum answer_source source)
{
    static const char *const texts[] = {"managed", "cache", "stale", "forwarded", "local"};
    return texts[source];
}

static void fail(struct work *work, unsigned rcode, enum dns_ede ede, const char *text)
{
    compose_start(&work->compose, work->compose.data, work->compose.room, work->query);
    work->end.rcode = rcode;
    work->end.flags = 0;
    work->end.ede[0] = ede;
    work->end.ede[1] = EDE_NONE;
    work->end.ede_text = text;
}

/* Once each, in the order in which they came up. */
static void add_ede(struct work *work, enum dns_ede ede)
{
    for (unsigned i = 0; i < COMPOSE_EDE_MAX && work->end.ede[i] != ede; i++) {
        if (work->end.ede[i] == EDE_NONE) {
            work->end.ede[i] = ede;
            return;
        }
    }
}

static void lower_ttl(struct work *work, uint32_t ttl_s)
{
    work->ttl.max_s = work->ttl.max_s < ttl_s ? work->ttl.max_s : ttl_s;
}

/* False, and the answer is SERVFAIL, when the chain has become too long to be followed. */
static bool add_hops(struct work *work, unsigned count)
{
    work->hops += count;
    if (work->hops <= DNS_CHAIN_MAX)
        return true;
    fail(work, RCODE_SERVFAIL, EDE_NONE, NULL);
    return false;
}

static bool is_managed_class(const struct work *work)
{
    return !work->in->past_managed && work->query->class == CLASS_IN;
}

static const struct view_endpoint *find_managed(
    const struct work *work, const uint8_t *name, size_t size, uint64_t hash)
{
    return is_managed_class(work) ? view_find(work->in->view, name, size, hash) : NULL;
}

/* The application dials the target itself: while that target is active there is nothing to switch.
 */
static bool is_own_target(const struct view_endpoint *endpoint, const uint8_t *name, size_t size)
{
    const struct config_target *target = endpoint->target;
    return endpoint->status == VIEW_OPEN && !endpoint->address_count && target &&
           !target->is_address && target->name.size == size &&
           memcmp(target->name.wire, name, size) == 0;
}

/* The key of what an upstream would be asked for `name`. */
static struct cache_key key_for(
    const struct work *work, const uint8_t *name, size_t size, uint64_t hash)
{
    const struct query *query = work->query;
    bool cd = query->flags & DNS_CD;
    return (struct cache_key){.name = name,
        .name_size = (uint8_t)size,
        .dnssec_ok = query->dnssec_ok,
        .checking_disabled = cd,
        .type = query->type,
        .class = query->class,
        .hash = cache_hash(hash, query->type, query->class, query->dnssec_ok, cd)};
}

static void note_stale(struct work *work)
{
    add_ede(work, EDE_STALE);
    lower_ttl(work, ANSWER_STALE_TTL_S);
    work->ttl.expired_s = ANSWER_STALE_TTL_S;
    work->answer->source = ANSWER_STALE;
}

static struct cache_entry *find_fetched(const struct work *work, const struct cache_key *key)
{
    for (unsigned i = 0; i < work->in->fetched_count; i++) {
        if (cache_entry_is(work->in->fetched[i], key))
            return work->in->fetched[i];
    }
    return NULL;
}

/* Not kept in the cache, where whoever asks for many such names would drive out the others. */
static struct cache_entry *make_local(struct work *work, const struct cache_key *key)
{
    if (!work->local)
        work->local = local_names_answer(key, work->in->scratch, work->in->now_ms);
    return work->local && cache_entry_is(work->local, key) ? work->local : NULL;
}

/* The entry to answer from: fresh, or just fetched, or stale where that is better than nothing.
 * NULL: it has to be fetched. */
static struct cache_entry *find_entry(struct work *work, const struct cache_key *key)
{
    uint64_t now_ms = work->in->now_ms;
    struct cache_entry *entry = cache_find(work->in->cache, key);
    if (entry && now_ms < entry->expires_ms)
        return entry;
    struct cache_entry *fetched = find_fetched(work, key);
    bool failed = fetched && fetched->kind == CACHE_FAILURE;
    if (fetched && !failed)
        return fetched;
    if (entry && now_ms < entry->stale_until_ms) {
        if (failed || work->in->take_stale || now_ms < entry->failed_until_ms) {
            note_stale(work);
            return entry;
        }
        work->answer->stale_at_hand = true;
    }
    return fetched || entry ? fetched : make_local(work, key);
}

static enum step need_fetch(struct work *work, const struct cache_key *key, const uint8_t *wire)
{
    struct answer *answer = work->answer;
    memcpy(answer->need_name, key->name, key->name_size);
    answer->need = *key;
    answer->need.name = answer->need_name;
    answer->need_wire = wire;
    return STEP_FETCH;
}

/* AD survives only where the client asked to see it (RFC 6840 section 5.8). */
static uint16_t ad_of(const struct work *work, const struct cache_entry *entry)
{
    bool wanted = work->query->dnssec_ok || (work->query->flags & DNS_AD);
    return wanted ? read_be16(entry->message + 2) & DNS_AD : 0;
}

/* A name that belongs to an endpoint: appends what it answers. `name`, `size` and `at` go on to its
 * target when that has to be resolved. */
static enum step answer_managed(struct work *work, const struct view_endpoint *endpoint,
    const uint8_t **name, size_t *size, size_t *at)
{
    const struct view *view = work->in->view;
    uint16_t type = work->query->type;
    uint32_t ttl_s = view->config->resolver.ttl_s;
    work->answer->endpoint = endpoint;
    for (unsigned i = 0; i < work->visited_count; i++) {
        if (work->visited[i] == endpoint) {
            fail(work, RCODE_SERVFAIL, EDE_NONE, NULL);
            return STEP_READY;
        }
    }
    work->visited[work->visited_count++] = endpoint;
    lower_ttl(work, ttl_s);
    work->end.flags = view->config->resolver.authoritative ? DNS_AA : 0;
    if (work->query->dnssec_ok)
        add_ede(work, EDE_FORGED);

    bool ours = endpoint->address_count > 0; /* a relay's or the gateway's */
    if (endpoint->status == VIEW_UNDECIDED || (endpoint->status == VIEW_FENCED && !ours)) {
        bool fenced = endpoint->status == VIEW_FENCED;
        fail(work, RCODE_SERVFAIL, EDE_NOT_READY,
            fenced ? "fenced: between two regions" : "undecided: no region is known to be active");
        return STEP_READY;
    }
    if (!ours && !endpoint->target->is_address) {
        const struct name *target = &endpoint->target->name;
        *at = compose_cname(&work->compose, *at, target->wire, target->size, ttl_s);
        *name = target->wire;
        *size = target->size;
        return !add_hops(work, 1) || type == TYPE_CNAME ? STEP_READY : STEP_AGAIN;
    }
    unsigned before = work->compose.answers;
    const struct address *target = ours ? NULL : &endpoint->target->address;
    for (unsigned i = 0; i < (ours ? endpoint->address_count : 1); i++) {
        const struct address *address = ours ? endpoint->addresses[i] : target;
        if (type == (address->any.sa_family == AF_INET ? TYPE_A : TYPE_AAAA))
            compose_address(&work->compose, *at, address, ttl_s);
    }
    if (work->compose.answers == before)
        compose_soa(&work->compose, *at, ttl_s);
    return STEP_READY;
}

/* A bucket is not: whoever came by another name sends that as its Host, which S3 could not map. */
static bool is_switched_midway(const struct view_endpoint *endpoint)
{
    return endpoint->config->type != CONFIG_BUCKET;
}

/* The first CNAME of the entry's chain whose target is managed (and not simply itself), -1: none.
 */
static int find_managed_hop(struct work *work, struct cache_entry *entry,
    const struct view_endpoint **ret_endpoint, struct name *ret_name)
{
    const struct view *view = work->in->view;
    if (entry->hop_count == 0 || !is_managed_class(work) ||
        entry->clear_generation == view->generation)
        return -1;
    for (int i = 0; i < entry->hop_count; i++) {
        ret_name->size =
            (uint8_t)packet_copy_name(entry->message, entry->hops[i].target, ret_name->wire);
        uint64_t hash = siphash(&view->key, ret_name->wire, ret_name->size);
        *ret_endpoint = view_find(view, ret_name->wire, ret_name->size, hash);
        if (*ret_endpoint && is_switched_midway(*ret_endpoint) &&
            !is_own_target(*ret_endpoint, ret_name->wire, ret_name->size))
            return i;
    }
    entry->clear_generation = view->generation;
    return -1;
}

/* The chain up to a managed name, which answers for itself. */
static size_t append_hops(
    struct work *work, const struct cache_entry *entry, int last, size_t owner_at)
{
    for (int i = 0; i <= last; i++) {
        uint8_t target[NAME_WIRE_MAX];
        size_t size = packet_copy_name(entry->message, entry->hops[i].target, target);
        uint32_t ttl_s = compose_ttl_left(entry, entry->hops[i].ttl, &work->ttl);
        owner_at = compose_cname(&work->compose, owner_at, target, size, ttl_s);
    }
    return owner_at;
}

/* What upstreams say about a name; goes on at a managed name in the middle of the chain. */
static enum step answer_resolved(struct work *work, const uint8_t *name, size_t size, size_t *at,
    const uint8_t *wire, const struct view_endpoint **ret_endpoint, struct name *ret_name)
{
    uint64_t hash = siphash(&work->in->view->key, name, size);
    struct cache_key key = key_for(work, name, size, hash);
    struct cache_entry *entry = find_entry(work, &key);
    if (!entry && !(work->query->flags & DNS_RD)) {
        if (work->compose.answers == 0)
            fail(work, RCODE_REFUSED, EDE_NONE, NULL);
        return STEP_READY;
    }
    if (!entry)
        return need_fetch(work, &key, wire);
    int hop = find_managed_hop(work, entry, ret_endpoint, ret_name);
    if (hop >= 0) {
        *at = append_hops(work, entry, hop, *at);
        return add_hops(work, (unsigned)hop + 1) ? STEP_AGAIN : STEP_READY;
    }
    if (!add_hops(work, entry->hop_count))
        return STEP_READY;
    work->end.rcode = entry->rcode;
    add_ede(work, (enum dns_ede)entry->ede);
    compose_entry(&work->compose, *at, entry, &work->ttl);
    return STEP_READY;
}

/* From managed name to managed name, at most once through each endpoint. */
static enum step answer_chain(
    struct work *work, const struct view_endpoint *endpoint, const uint8_t *name, size_t size)
{
    size_t at = COMPOSE_QUESTION_AT;
    const uint8_t *wire = work->query->name;
    struct name hop;
    for (;;) {
        enum step step = STEP_AGAIN;
        if (endpoint) {
            step = answer_managed(work, endpoint, &name, &size, &at);
            wire = name;
        }
        if (step != STEP_AGAIN)
            return step;
        step = answer_resolved(work, name, size, &at, wire, &endpoint, &hop);
        if (step != STEP_AGAIN)
            return step;
        name = hop.wire;
        size = hop.size;
    }
}

/* The common case: a name that is not managed, in one copy. False when its chain has to be taken
 * apart. */
static bool answer_unmanaged(struct work *work, uint64_t hash, enum step *ret_step)
{
    const struct query *query = work->query;
    struct cache_key key = key_for(work, query->lower, query->name_size, hash);
    struct cache_entry *entry = find_entry(work, &key);
    const struct view_endpoint *endpoint;
    struct name hop;
    *ret_step = STEP_READY;
    if (!entry && !(query->flags & DNS_RD)) {
        fail(work, RCODE_REFUSED, EDE_NONE, NULL);
        work->answer->source = ANSWER_LOCAL;
        return true;
    }
    if (!entry) {
        *ret_step = need_fetch(work, &key, query->name);
        return true;
    }
    if (find_managed_hop(work, entry, &endpoint, &hop) >= 0)
        return false;
    if (work->answer->source != ANSWER_STALE && entry != work->local)
        work->answer->source = work->in->fetched_count ? ANSWER_FORWARDED : ANSWER_CACHED;
    compose_whole(&work->compose, work->compose.data, work->compose.room, query, entry, &work->ttl);
    work->end.rcode = entry->rcode;
    work->end.flags = ad_of(work, entry);
    add_ede(work, (enum dns_ede)entry->ede);
    return true;
}

static enum step answer_into(struct work *work)
{
    const struct query *query = work->query;
    uint64_t hash = siphash(&work->in->view->key, query->lower, query->name_size);
    const struct view_endpoint *endpoint = find_managed(work, query->lower, query->name_size, hash);
    if (endpoint && is_own_target(endpoint, query->lower, query->name_size))
        endpoint = NULL;
    enum step step;
    if (!endpoint && answer_unmanaged(work, hash, &step))
        return step;
    work->answer->source = ANSWER_MANAGED;
    compose_start(&work->compose, work->compose.data, work->compose.room, query);
    return answer_chain(work, endpoint, query->lower, query->name_size);
}

/* Types that are no questions for a forwarder: zone transfers, the obsolete mail types, and ANY. */
static bool answer_meta_type(struct work *work)
{
    uint16_t type = work->query->type;
    if (type != TYPE_ANY && (type < TYPE_TSIG || type > TYPE_MAILA) && type != TYPE_OPT)
        return false;
    compose_start(&work->compose, work->compose.data, work->compose.room, work->query);
    work->answer->source = ANSWER_LOCAL;
    if (type == TYPE_ANY && work->query->class == CLASS_IN)
        compose_hinfo(&work->compose, work->in->view->config->resolver.ttl_s);
    else
        work->end.rcode = RCODE_NOTIMP;
    return true;
}

static enum step attempt(struct work *work, uint8_t *data, size_t room)
{
    *work = (struct work){.in = work->in,
        .query = work->query,
        .answer = work->answer,
        .compose = {.data = data, .room = room},
        .ttl = {.now_ms = work->in->now_ms, .max_s = TTL_ANY},
        .local = work->local,
        .end = {.query = work->query, .ede = {EDE_NONE, EDE_NONE}, .limit = work->answer->room}};
    work->answer->endpoint = NULL;
    work->answer->stale_at_hand = false;
    work->answer->source = ANSWER_LOCAL;
    return answer_meta_type(work) ? STEP_READY : answer_into(work);
}

void answer_make(const struct answer_inputs *inputs, const struct query *query, uint8_t *scratch,
    struct answer *answer)
{
    struct work work = {.in = inputs, .query = query, .answer = answer};
    enum step step = attempt(&work, answer->data, answer->room);
    bool large = step == STEP_READY && !compose_fits(&work.compose);
    if (large) {
        step = attempt(&work, scratch, DNS_MESSAGE_MAX);
        if (!compose_fits(&work.compose))
            fail(&work, RCODE_SERVFAIL, EDE_NONE, NULL);
    }
    cache_entry_unref(work.local);
    answer->ready = step == STEP_READY;
    if (!answer->ready)
        return;
    answer->size = compose_finish(&work.compose, &work.end, inputs->scratch, &answer->truncated);
    answer->rcode = work.end.rcode;
    if (large)
        memcpy(answer->data, scratch, answer->size);
}

static void set_refused(struct answer *answer, unsigned rcode, size_t size)
{
    answer->size = size;
    answer->rcode = rcode;
    answer->source = ANSWER_LOCAL;
    answer->ready = true;
}

void answer_refuse(
    const struct query *query, unsigned rcode, enum dns_ede ede, struct answer *answer)
{
    struct compose compose;
    struct compose_end end = {
        .query = query, .rcode = rcode, .ede = {ede, EDE_NONE}, .limit = DNS_UDP_SIZE_MIN};
    bool tc;
    compose_start(&compose, answer->data, DNS_UDP_SIZE_MIN, query);
    set_refused(answer, rcode, compose_finish(&compose, &end, NULL, &tc));
}

void answer_refuse_malformed(
    const struct query *query, enum query_verdict verdict, struct answer *answer)
{
    if (verdict == QUERY_BADVERS) {
        answer_refuse(query, RCODE_BADVERS, EDE_NONE, answer);
        return;
    }
    unsigned rcode = verdict == QUERY_NOTIMP ? RCODE_NOTIMP : RCODE_FORMERR;
    uint16_t flags = (uint16_t)(DNS_QR | (query->flags & (DNS_OPCODE | DNS_RD)) | rcode);
    memset(answer->data, 0, DNS_HEADER_SIZE);
    write_be16(answer->data, query->id);
    write_be16(answer->data + 2, flags);
    set_refused(answer, rcode, DNS_HEADER_SIZE);
}
