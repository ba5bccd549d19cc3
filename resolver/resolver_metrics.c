/* What the threads counted, added up. */
#include "resolver/resolver_parts.h"

#include <stdio.h>

static const char *const rcode_names[COUNTED_RCODES] = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "other"};
static const char *const transport_names[TRANSPORTS] = {"udp", "tcp"};

static uint64_t sum(const struct resolver *resolver, size_t offset)
{
    uint64_t total = 0;
    for (size_t i = 0; i < resolver->engine_count; i++) {
        const char *counters = (const char *)&resolver->engines[i]->counters;
        const counter *one = (const counter *)(const void *)(counters + offset);
        total += atomic_load_explicit(one, memory_order_relaxed);
    }
    return total;
}

#define SUM(member) sum(resolver, offsetof(struct engine_counters, member))

static void write_answers(const struct resolver *resolver, struct metric_text *out)
{
    metric_family(out, "pilotlight_dns_queries_total", METRIC_COUNTER,
        "Questions answered, by transport, response code and where the answer came from.");
    for (unsigned transport = 0; transport < TRANSPORTS; transport++) {
        for (unsigned source = 0; source < ANSWER_SOURCES; source++) {
            for (unsigned rcode = 0; rcode < COUNTED_RCODES; rcode++) {
                uint64_t count = sum(resolver,
                    offsetof(struct engine_counters, answers) +
                        sizeof(counter) *
                            ((transport * ANSWER_SOURCES + source) * COUNTED_RCODES + rcode));
                if (count == 0)
                    continue;
                metric_value(out, "pilotlight_dns_queries_total",
                    METRIC_LABELS({"transport", transport_names[transport]},
                        {"rcode", rcode_names[rcode]},
                        {"source", answer_source_text((enum answer_source)source)}),
                    (double)count);
            }
        }
    }
}

static void write_durations(const struct resolver *resolver, struct metric_text *out)
{
    uint64_t below = 0;
    metric_family(out, "pilotlight_dns_duration_seconds", METRIC_HISTOGRAM,
        "From a question's arrival to its answer. Those answered at once count as the batch they "
        "came in.");
    for (unsigned i = 0; i <= DURATION_BUCKETS; i++) {
        char bound[32] = "+Inf";
        below += sum(
            resolver, offsetof(struct engine_counters, durations) + sizeof(counter) * (size_t)i);
        if (i < DURATION_BUCKETS)
            snprintf(bound, sizeof bound, "%g", engine_duration_bounds_us[i] / 1e6);
        metric_value(out, "pilotlight_dns_duration_seconds_bucket", METRIC_LABELS({"le", bound}),
            (double)below);
    }
    metric_value(out, "pilotlight_dns_duration_seconds_sum", METRIC_NO_LABELS,
        (double)SUM(duration_sum_us) / 1e6);
    metric_value(out, "pilotlight_dns_duration_seconds_count", METRIC_NO_LABELS, (double)below);
}

static void write_one(struct metric_text *out, const char *name, enum metric_type type,
    const char *help, uint64_t value)
{
    metric_family(out, name, type, help);
    metric_value(out, name, METRIC_NO_LABELS, (double)value);
}

static void write_dropped(const struct resolver *resolver, struct metric_text *out)
{
    static const char name[] = "pilotlight_dns_dropped_total";
    metric_family(out, name, METRIC_COUNTER, "Questions that got no answer, by reason.");
    metric_value(
        out, name, METRIC_LABELS({"reason", "not_allowed"}), (double)SUM(dropped_not_allowed));
    metric_value(out, name, METRIC_LABELS({"reason", "malformed"}), (double)SUM(dropped_malformed));
    metric_value(out, name, METRIC_LABELS({"reason", "unsent"}), (double)SUM(dropped_unsent));
    metric_value(out, name, METRIC_LABELS({"reason", "too_many"}), (double)SUM(questions_refused));
}

static void write_cache(struct resolver *resolver, struct metric_text *out)
{
    write_one(
        out, "pilotlight_dns_cache_entries", METRIC_GAUGE, "Cached answers.", SUM(cache_entries));
    write_one(out, "pilotlight_dns_cache_bytes", METRIC_GAUGE,
        "What the cached answers take, as counted against resolver.cache_size.", SUM(cache_bytes));
    write_one(out, "pilotlight_dns_cache_evictions_total", METRIC_COUNTER,
        "Cached answers that had to make room.", SUM(cache_evictions));
}

static void write_upstreams(const struct resolver *resolver, struct metric_text *out)
{
    write_one(out, "pilotlight_upstream_queries_total", METRIC_COUNTER,
        "Questions sent to upstreams, tries counted one by one.", SUM(upstream_sent));
    write_one(out, "pilotlight_upstream_answers_total", METRIC_COUNTER,
        "Answers of upstreams that were taken.", SUM(upstream_answered));
    write_one(out, "pilotlight_upstream_timeouts_total", METRIC_COUNTER,
        "Tries that nobody answered in time.", SUM(upstream_timeouts));
    write_one(out, "pilotlight_upstream_errors_total", METRIC_COUNTER,
        "Tries that the network refused, and streams that broke.", SUM(upstream_errors));
    write_one(out, "pilotlight_upstream_streams_total", METRIC_COUNTER,
        "Questions sent over TCP or TLS.", SUM(upstream_tcp));
    metric_family(out, "pilotlight_upstream_discarded_total", METRIC_COUNTER,
        "Messages that were no answer to anything asked, or malformed.");
    metric_value(out, "pilotlight_upstream_discarded_total", METRIC_LABELS({"reason", "foreign"}),
        (double)SUM(upstream_foreign));
    metric_value(out, "pilotlight_upstream_discarded_total", METRIC_LABELS({"reason", "malformed"}),
        (double)SUM(upstream_bad));
}

void resolver_write_metrics(void *context, struct metric_text *out)
{
    struct resolver *resolver = context;
    write_answers(resolver, out);
    write_durations(resolver, out);
    write_dropped(resolver, out);
    write_one(out, "pilotlight_dns_tcp_connections", METRIC_GAUGE, "Open connections of clients.",
        SUM(tcp_open));
    write_one(out, "pilotlight_dns_tcp_refused_total", METRIC_COUNTER,
        "Connections refused because too many were open.", SUM(tcp_refused));
    write_cache(resolver, out);
    write_upstreams(resolver, out);
}
