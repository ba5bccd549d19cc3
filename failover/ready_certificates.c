/* On the good day each database endpoint's target shows its certificate in every region, a few at a
 * time, and each other region's is held against the active one's.
 *
 * What can go wrong: a target cannot be asked, which is a warning here; that it is down is the
 * target's own row. One that is known to be down is not waited for. */
#include "failover/ready_certificates.h"

#include "base/memory.h"
#include "failover/certificate.h"
#include "failover/certificate_rule.h"
#include "failover/ready.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One target's. */
struct slot {
    X509 *certificate;
    char words[256]; /* why it was not read; "": it was, or the server has no TLS */
};

/* A fetch outlives the run that wanted it, while its connection says goodbye. */
struct asking {
    struct ready_certificates *source;
    struct asking *next;
    struct slot *slot; /* NULL: told */
    struct certificate_fetch *fetch;
};

struct ready_certificates {
    struct ready_source source; /* first: it is the handle */
    struct ready_options options;

    struct ready_rows *rows; /* of the run; what follows is the run's */
    const struct config *config;
    size_t *active;     /* region of each endpoint; CONFIG_NONE: undecided */
    struct slot *slots; /* endpoint by endpoint, its regions side by side */
    size_t next;        /* slot to ask for */
    unsigned under_way;

    struct asking *askings; /* those that are not freed yet */
    bool stopping;
    loop_call *freed;
    void *context;
};

static void ask_more(struct ready_certificates *source);

static size_t slot_count(const struct ready_certificates *source)
{
    return source->config->endpoint_count * source->config->region_count;
}

static struct slot *slot_of(const struct ready_certificates *source, size_t endpoint, size_t region)
{
    return &source->slots[endpoint * source->config->region_count + region];
}

/* -- rows -- */

struct pair {
    const struct ready_certificates *source;
    const struct config_endpoint *endpoint;
    struct certificate_side active, standby;
    const char *active_words, *standby_words;
};

static void add(const struct pair *pair, const struct certificate_verdict *verdict)
{
    struct ready_row row = {.check = "certificate",
        .endpoint = pair->endpoint->id,
        .region = pair->standby.region,
        .status = verdict->status,
        .words = verdict->words,
        .advice = verdict->advice};
    ready_rows_add(pair->source->rows, &row);
}

static void add_unread(const struct pair *pair, const char *region, const char *words)
{
    struct certificate_verdict verdict = {.status = READY_WARN,
        .advice = "ask again when that target answers: clients with verify-full may fail after a "
                  "switch"};
    snprintf(verdict.words, sizeof verdict.words,
        "the certificate in %s could not be read, so nothing was compared: %s", region, words);
    add(pair, &verdict);
}

static void add_names(const struct pair *pair)
{
    struct certificate_verdict verdict;
    if (!certificate_compare_tls(&pair->active, &pair->standby, &verdict)) {
        add(pair, &verdict);
        return;
    }
    for (size_t i = 0; i < pair->endpoint->name_count; i++) {
        certificate_compare_name(
            &pair->active, &pair->standby, pair->endpoint->names[i].text, &verdict);
        add(pair, &verdict);
    }
}

static void add_pair(const struct pair *pair)
{
    struct certificate_verdict verdict;
    if (*pair->standby_words)
        add_unread(pair, pair->standby.region, pair->standby_words);
    else if (*pair->active_words)
        add_unread(pair, pair->active.region, pair->active_words);
    else
        add_names(pair);
    if (pair->standby.certificate && certificate_check_dates(&pair->standby, time(NULL), &verdict))
        add(pair, &verdict);
}

static bool is_checked(const struct ready_certificates *source, size_t endpoint)
{
    const struct config_endpoint *config = &source->config->endpoints[endpoint];
    return config->type == CONFIG_DATABASE && config->targets &&
           source->active[endpoint] != CONFIG_NONE;
}

static void add_endpoint(const struct ready_certificates *source, size_t endpoint)
{
    const struct config *config = source->config;
    size_t active = source->active[endpoint];
    for (size_t region = 0; region < config->region_count; region++) {
        const struct slot *here = slot_of(source, endpoint, active);
        const struct slot *there = slot_of(source, endpoint, region);
        struct pair pair = {.source = source,
            .endpoint = &config->endpoints[endpoint],
            .active = {config->regions[active], here->certificate},
            .standby = {config->regions[region], there->certificate},
            .active_words = here->words,
            .standby_words = there->words};
        if (region != active)
            add_pair(&pair);
    }
}

static void end_run(struct ready_certificates *source)
{
    struct ready_rows *rows = source->rows;
    for (size_t i = 0; i < source->config->endpoint_count && !source->stopping; i++) {
        if (is_checked(source, i))
            add_endpoint(source, i);
    }
    for (size_t i = 0; i < slot_count(source); i++)
        X509_free(source->slots[i].certificate);
    free(source->slots);
    free(source->active);
    source->rows = NULL;
    ready_rows_end(rows);
}

/* -- asking -- */

static void end_source(void *context)
{
    struct ready_certificates *source = context;
    loop_call *freed = source->freed;
    void *freed_context = source->context;
    free(source);
    freed(freed_context);
}

static void on_told(void *context, const struct certificate_answer *answer)
{
    struct asking *asking = context;
    struct slot *slot = asking->slot;
    asking->slot = NULL;
    if (answer->status < 0)
        snprintf(slot->words, sizeof slot->words, "%s", answer->words);
    else if (answer->certificate && X509_up_ref(answer->certificate) == 1)
        slot->certificate = answer->certificate;
    asking->source->under_way--;
    ask_more(asking->source);
}

static void on_freed(void *context)
{
    struct asking *asking = context;
    struct ready_certificates *source = asking->source;
    struct asking **at = &source->askings;
    while (*at != asking)
        at = &(*at)->next;
    *at = asking->next;
    free(asking);
    if (source->stopping && !source->askings)
        end_source(source);
}

static enum dialog_protocol protocol_of(const struct config_endpoint *endpoint, uint16_t port)
{
    static const enum dialog_protocol protocols[] = {[CONFIG_PROBE_NONE] = DIALOG_ANY,
        [CONFIG_PROBE_POSTGRES] = DIALOG_POSTGRES,
        [CONFIG_PROBE_MYSQL] = DIALOG_MYSQL};
    return protocols[config_protocol(endpoint, port)];
}

static void ask(struct ready_certificates *source, size_t endpoint, size_t region)
{
    const struct config_endpoint *config = &source->config->endpoints[endpoint];
    const struct config_target *target = &config->targets[region];
    struct asking *asking = memory_new(sizeof *asking);
    *asking = (struct asking){
        .source = source, .next = source->askings, .slot = slot_of(source, endpoint, region)};
    source->askings = asking;
    source->under_way++;
    struct certificate_request request = {.loop = source->options.main_loop,
        .lookup = source->options.lookup,
        .target = target,
        .protocol = protocol_of(config, target->port),
        .done = on_told,
        .freed = on_freed,
        .context = asking};
    asking->fetch = certificate_fetch_new(&request);
}

/* After a reload health knows other targets than this run does. */
static bool is_down(const struct ready_certificates *source, size_t endpoint, size_t region)
{
    const struct health_checks *health = source->options.status->health;
    return health && health_config(health) == source->config &&
           health_get(health, endpoint, region).health == HEALTH_DOWN;
}

/* NULL: it is asked. */
static const char *why_not(const struct ready_certificates *source, size_t endpoint, size_t region)
{
    if (source->config->endpoints[endpoint].targets[region].port == 0)
        return "the target has no port";
    return is_down(source, endpoint, region) ? "the target is down" : NULL;
}

static void ask_next(struct ready_certificates *source)
{
    size_t endpoint = source->next / source->config->region_count;
    size_t region = source->next % source->config->region_count;
    source->next++;
    if (!is_checked(source, endpoint))
        return;
    const char *why = why_not(source, endpoint, region);
    if (why)
        snprintf(slot_of(source, endpoint, region)->words, sizeof source->slots->words, "%s", why);
    else
        ask(source, endpoint, region);
}

static void ask_more(struct ready_certificates *source)
{
    while (!source->stopping && source->next < slot_count(source) &&
           source->under_way < READY_FETCHES_MAX)
        ask_next(source);
    if (source->under_way == 0)
        end_run(source);
}

/* -- life -- */

static size_t active_region(const struct ready_certificates *source, size_t group)
{
    struct keeper *keeper = source->options.status->keeper;
    const char *id = source->config->groups[group].id;
    if (!group_is_decided(keeper_state(keeper), keeper_world(keeper), id))
        return CONFIG_NONE;
    return config_region(source->config, state_find_group(keeper_state(keeper), id)->active);
}

static void start(struct ready_source *handle, struct ready_rows *rows)
{
    struct ready_certificates *source = (struct ready_certificates *)handle;
    source->rows = rows;
    source->config = ready_rows_config(rows);
    source->active = memory_new_array(source->config->endpoint_count, sizeof *source->active);
    source->slots = memory_new_array(slot_count(source), sizeof *source->slots);
    source->next = 0;
    for (size_t i = 0; i < source->config->endpoint_count; i++)
        source->active[i] = active_region(source, source->config->endpoints[i].group);
    ask_more(source);
}

/* The last cancelled fetch that tells ends the run, the last one that is freed ends us. */
static void stop(struct ready_source *handle, loop_call *freed, void *context)
{
    struct ready_certificates *source = (struct ready_certificates *)handle;
    source->stopping = true;
    source->freed = freed;
    source->context = context;
    for (struct asking *asking = source->askings; asking; asking = asking->next)
        certificate_fetch_cancel(asking->fetch);
    if (!source->askings)
        loop_post(source->options.main_loop, end_source, source);
}

struct ready_source *ready_certificates_new(const struct ready_options *options)
{
    struct ready_certificates *source = memory_new(sizeof *source);
    *source =
        (struct ready_certificates){.source = {.start = start, .stop = stop}, .options = *options};
    return &source->source;
}
