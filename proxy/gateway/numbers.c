/* What monitoring may know: numbers that each loop counts for itself, summed here on the main loop.
 */
#include "proxy/gateway/gateway_parts.h"
#include "proxy/gateway/http_fields.h"

static const char *const methods[GATEWAY_METHODS] = {
    "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "other"};
static const char *const classes[GATEWAY_STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
static const char *const errors[GATEWAY_ERRORS] = {
    [GATEWAY_ERROR_BAD_REQUEST] = "bad_request",
    [GATEWAY_ERROR_FOREIGN_HOST] = "foreign_host",
    [GATEWAY_ERROR_UNAUTHORIZED] = "unauthorized",
    [GATEWAY_ERROR_UNDECIDED] = "undecided",
    [GATEWAY_ERROR_UNREACHABLE] = "unreachable",
    [GATEWAY_ERROR_UNTRUSTED] = "untrusted",
    [GATEWAY_ERROR_SILENT] = "silent",
    [GATEWAY_ERROR_BAD_RESPONSE] = "bad_response",
    [GATEWAY_ERROR_REDIRECT] = "redirect",
    [GATEWAY_ERROR_TIMEOUT] = "timeout",
    [GATEWAY_ERROR_FULL] = "full",
};

void gateway_count_request(struct gateway_worker *worker, struct span method, unsigned status)
{
    size_t row = 0, column = status / 100 - 1;
    while (row < GATEWAY_METHODS - 1 && !http_span_is(method, methods[row]))
        row++;
    if (column < GATEWAY_STATUS_CLASSES)
        gateway_count(&worker->numbers.requests[row][column], 1);
}

void gateway_count_handshake(
    atomic_ullong numbers[GATEWAY_HANDSHAKES], int status, const struct tls_session *tls)
{
    enum gateway_handshake outcome = status < 0                    ? GATEWAY_HANDSHAKE_FAILED
                                     : tls_session_is_resumed(tls) ? GATEWAY_HANDSHAKE_RESUMED
                                                                   : GATEWAY_HANDSHAKE_FULL;
    gateway_count(&numbers[outcome], 1);
}

/* Of all loops. `offset`: of the number within struct gateway_numbers. */
static double sum(const struct gateway *gateway, size_t offset)
{
    uint64_t total = 0;
    for (size_t i = 0; i < gateway->worker_count; i++) {
        const char *numbers = (const char *)&gateway->workers[i]->numbers;
        total +=
            atomic_load_explicit((const atomic_ullong *)(numbers + offset), memory_order_relaxed);
    }
    return (double)total;
}

#define SUM(gateway, member) sum(gateway, offsetof(struct gateway_numbers, member))

static void write_requests(const struct gateway *gateway, struct metric_text *out)
{
    metric_family(out, "pilotlight_gateway_requests_total", METRIC_COUNTER,
        "Requests that were answered, by method and class of status.");
    for (size_t row = 0; row < GATEWAY_METHODS; row++) {
        for (size_t column = 0; column < GATEWAY_STATUS_CLASSES; column++)
            metric_value(out, "pilotlight_gateway_requests_total",
                METRIC_LABELS({"method", methods[row]}, {"status", classes[column]}),
                SUM(gateway, requests[row][column]));
    }
}

static void write_errors(const struct gateway *gateway, struct metric_text *out)
{
    metric_family(out, "pilotlight_gateway_errors_total", METRIC_COUNTER,
        "Requests that the gateway itself refused or broke off, by reason.");
    for (size_t i = 0; i < GATEWAY_ERRORS; i++)
        metric_value(out, "pilotlight_gateway_errors_total", METRIC_LABELS({"reason", errors[i]}),
            SUM(gateway, errors[i]));
}

static void write_bytes(const struct gateway *gateway, struct metric_text *out)
{
    static const char name[] = "pilotlight_gateway_body_bytes_total";
    metric_family(out, name, METRIC_COUNTER, "Bytes of bodies that were passed on.");
    metric_value(out, name, METRIC_LABELS({"direction", "to_s3"}), SUM(gateway, bytes_up));
    metric_value(out, name, METRIC_LABELS({"direction", "to_client"}), SUM(gateway, bytes_down));
}

static void write_handshakes(const struct gateway *gateway, struct metric_text *out)
{
    static const char name[] = "pilotlight_gateway_handshakes_total";
    static const char *const outcomes[GATEWAY_HANDSHAKES] = {"full", "resumed", "failed"};
    metric_family(out, name, METRIC_COUNTER, "TLS handshakes that ended, with clients and S3.");
    for (size_t i = 0; i < GATEWAY_HANDSHAKES; i++) {
        metric_value(out, name, METRIC_LABELS({"side", "client"}, {"outcome", outcomes[i]}),
            SUM(gateway, client_handshakes[i]));
        metric_value(out, name, METRIC_LABELS({"side", "upstream"}, {"outcome", outcomes[i]}),
            SUM(gateway, upstream_handshakes[i]));
    }
}

static void write_elsewhere(const struct gateway *gateway, struct metric_text *out)
{
    static const char name[] = "pilotlight_gateway_read_through_total";
    static const char *const outcomes[GATEWAY_ELSEWHERES] = {"found", "missing", "silent"};
    metric_family(out, name, METRIC_COUNTER,
        "Reads that found nothing in the active region and were asked of another one.");
    for (size_t i = 0; i < GATEWAY_ELSEWHERES; i++)
        metric_value(
            out, name, METRIC_LABELS({"outcome", outcomes[i]}), SUM(gateway, elsewhere[i]));
}

static void write_plain(const struct gateway *gateway, struct metric_text *out)
{
    static const struct {
        const char *name, *help;
        enum metric_type type;
        size_t offset;
    } plain[] = {
        {"pilotlight_gateway_connections", "Clients' connections now.", METRIC_GAUGE,
            offsetof(struct gateway_numbers, connections)},
        {"pilotlight_gateway_accepted_total", "Clients' connections.", METRIC_COUNTER,
            offsetof(struct gateway_numbers, accepted)},
        {"pilotlight_gateway_upstream_connects_total", "Connects to S3 that were begun.",
            METRIC_COUNTER, offsetof(struct gateway_numbers, connects)},
        {"pilotlight_gateway_upstream_connect_failures_total",
            "Requests for which no address of S3 could be reached.", METRIC_COUNTER,
            offsetof(struct gateway_numbers, connect_failures)},
        {"pilotlight_gateway_upstream_reused_total", "Requests on a connection kept open.",
            METRIC_COUNTER, offsetof(struct gateway_numbers, pool_hits)},
        {"pilotlight_gateway_upstream_retries_total",
            "Reads sent again, because S3 had closed the idle connection.", METRIC_COUNTER,
            offsetof(struct gateway_numbers, retries)},
        {"pilotlight_gateway_unverified_keys_total",
            "Requests that passed with a key that could not be verified after a switch.",
            METRIC_COUNTER, offsetof(struct gateway_numbers, unverified_keys)},
        {"pilotlight_gateway_upstream_idle", "Idle connections to S3 now.", METRIC_GAUGE,
            offsetof(struct gateway_numbers, pooled)},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        metric_family(out, plain[i].name, plain[i].type, plain[i].help);
        metric_value(out, plain[i].name, METRIC_NO_LABELS, sum(gateway, plain[i].offset));
    }
}

void gateway_write_metrics(void *context, struct metric_text *out)
{
    const struct gateway *gateway = context;
    if (gateway->worker_count == 0)
        return;
    write_requests(gateway, out);
    write_errors(gateway, out);
    write_bytes(gateway, out);
    write_handshakes(gateway, out);
    write_elsewhere(gateway, out);
    write_plain(gateway, out);
}
