/* The tables of everything but the runbooks' steps (steps.c). Bounds are wide: they refuse what
 * cannot be meant, not what is unusual. */
#include "config/options.h"

#include "config/check.h"
#include "config/config.h"

static const struct option text_element[] = {{"", OPTION_TEXT}, {0}};
static const struct option id_element[] = {{"", OPTION_ID}, {0}};

static const struct option resolver_routes[] = {
    {"", OPTION_LIST, .least = "1", .most = "16", .members = text_element, .read = check_upstreams,
        INTO(struct config_route, upstreams)},
    {0},
};

static const struct option resolver_options[] = {
    {"listen", OPTION_LISTEN, JSON([ "127.0.0.1:53", "[::1]:53" ]), .most = "64",
        INTO(struct config, resolver.listen)},
    {"upstreams", OPTION_LIST, .most = "16", .members = text_element, .read = check_upstreams,
        INTO(struct config, resolver.upstreams)},
    {"routes", OPTION_MAP, .most = "1024", .members = resolver_routes, .read = check_routes},
    {"allow", OPTION_LIST, JSON([ "127.0.0.0/8", "::1/128" ]), .most = "256",
        .members = text_element, .read = check_allow},
    {"cache_size", OPTION_SIZE, JSON("16MiB"), "16KiB", "64GiB",
        INTO(struct config, resolver.cache_size)},
    {"max_stale", OPTION_DURATION, JSON("1d"), "0s", "30d",
        INTO(struct config, resolver.max_stale_ms)},
    {"ttl", OPTION_SECONDS, JSON("1s"), "0s", "1d", INTO(struct config, resolver.ttl_s)},
    {"authoritative", OPTION_BOOLEAN, JSON(false), INTO(struct config, resolver.authoritative)},
    {"threads", OPTION_INTEGER, JSON(1), "1", "64", INTO(struct config, resolver.threads)},
    {0},
};

static const struct choice probe_types[] = {
    {"postgres", CONFIG_PROBE_POSTGRES},
    {"mysql", CONFIG_PROBE_MYSQL},
    {0},
};

static const struct option probe_options[] = {
    {"type", OPTION_CHOICE, .required = true, .choices = probe_types,
        INTO(struct config_relay, probe)},
    {"user", OPTION_TEXT, INTO(struct config_relay, probe_user)},
    {"password_file", OPTION_PATH, INTO(struct config_relay, probe_password_file)},
    {"database", OPTION_TEXT, INTO(struct config_relay, probe_database)},
    {0},
};

static const struct option hold_options[] = {
    {"timeout", OPTION_DURATION, JSON("3m"), "0s", "1d",
        INTO(struct config_relay, hold_timeout_ms)},
    {"max_connections", OPTION_INTEGER, JSON(1000), "0", "1000000",
        INTO(struct config_relay, hold_max_connections)},
    {0},
};

const struct option config_relay_options[] = {
    {"listen", OPTION_LISTEN, .least = "1", .most = "4", .required = true,
        INTO(struct config_relay, listen)},
    {"address", OPTION_IP, .nullable = true, INTO(struct config_relay, address)},
    {"on_switch", OPTION_TEXT, JSON("close"), .read = check_on_switch},
    {"hold", OPTION_OBJECT, .members = hold_options},
    {"probe", OPTION_OBJECT, .members = probe_options},
    {0},
};

const struct choice config_endpoint_types[] = {
    {"database", CONFIG_DATABASE},
    {"bucket", CONFIG_BUCKET},
    {"name", CONFIG_NAME},
    {0},
};

const struct option config_endpoint_options[] = {
    {"type", OPTION_CHOICE, .required = true, .choices = config_endpoint_types,
        INTO(struct config_endpoint, type)},
    {"group", OPTION_ID, JSON("default"), .read = check_endpoint_group},
    {"names", OPTION_LIST, .most = "1024", .members = text_element, .read = check_endpoint_names},
    {"targets", OPTION_MAP, .most = "64", .members = text_element, .read = check_endpoint_targets},
    {"relay", OPTION_OBJECT, .members = config_relay_options, .read = check_endpoint_relay},
    {"buckets", OPTION_MAP, .most = "64", .members = text_element, .read = check_endpoint_buckets},
    {"path_style", OPTION_BOOLEAN, JSON(false), INTO(struct config_endpoint, path_style)},
    {"read_through", OPTION_BOOLEAN, JSON(false), INTO(struct config_endpoint, read_through)},
    {0},
};

static const struct option endpoint_element[] = {
    {"", OPTION_OBJECT, .members = config_endpoint_options},
    {0},
};

static const struct option proxy_options[] = {
    {"threads", OPTION_INTEGER, JSON(0), "0", "64", INTO(struct config, proxy.threads)},
    {0},
};

static const struct option gateway_listener[] = {
    {"address", OPTION_TEXT, .required = true},
    {"tls", OPTION_BOOLEAN, JSON(false)},
    {0},
};

static const struct choice s3_styles[] = {{"path", 0}, {"virtual", 1}, {0}};

static const struct option s3_endpoint_object[] = {
    {"url", OPTION_URL, .required = true},
    {"style", OPTION_CHOICE, JSON("path"), .choices = s3_styles},
    {0},
};

static const struct option s3_endpoint[] = {
    {"", OPTION_URL},
    {"", OPTION_OBJECT, .members = s3_endpoint_object},
    {0},
};

static const struct option s3_endpoint_element[] = {
    {"", OPTION_EITHER, .members = s3_endpoint},
    {0},
};

static const struct option access_key[] = {
    {"access_key_id", OPTION_TEXT, .required = true, INTO(struct config_key, access_key_id)},
    {"secret_access_key_file", OPTION_PATH, .required = true, INTO(struct config_key, secret_file)},
    {0},
};

static const struct option access_key_element[] = {
    {"", OPTION_OBJECT, .members = access_key},
    {0},
};

static const struct choice credentials_words[] = {{"default", 0}, {0}};

static const struct option host_key[] = {
    {"access_key_id", OPTION_TEXT, .required = true,
        INTO(struct config, gateway.credentials.access_key_id)},
    {"secret_access_key_file", OPTION_PATH, .required = true,
        INTO(struct config, gateway.credentials.secret_file)},
    {0},
};

static const struct option credentials[] = {
    {"", OPTION_CHOICE, .choices = credentials_words},
    {"", OPTION_OBJECT, .members = host_key},
    {0},
};

static const struct choice signers[] = {
    {"client", CONFIG_SIGN_AS_CLIENT},
    {"host", CONFIG_SIGN_AS_HOST},
    {0},
};

static const struct option gateway_options[] = {
    {"listen", OPTION_LISTEN, JSON([ "127.0.0.80:80", "127.0.0.80:443" ]), .most = "64",
        .members = gateway_listener, INTO(struct config, gateway.listen)},
    {"s3_endpoints", OPTION_MAP, .most = "64", .members = s3_endpoint_element,
        .read = check_s3_endpoints},
    {"clients", OPTION_LIST, JSON([]), .most = "1024", .members = access_key_element,
        .read = check_clients},
    {"credentials", OPTION_EITHER, JSON("default"), .members = credentials},
    {"sign_as", OPTION_CHOICE, JSON("client"), .choices = signers,
        INTO(struct config, gateway.sign_as)},
    {"vend_credentials", OPTION_BOOLEAN, JSON(false),
        INTO(struct config, gateway.vend_credentials)},
    {"ca_dir", OPTION_PATH, JSON("/var/lib/pilotlight/ca"), INTO(struct config, gateway.ca_dir)},
    {"upstream_ca", OPTION_PATH, .nullable = true, INTO(struct config, gateway.upstream_ca)},
    {"max_connections", OPTION_INTEGER, JSON(4096), "1", "1000000",
        INTO(struct config, gateway.max_connections)},
    {0},
};

static const struct option control_options[] = {
    {"socket", OPTION_PATH, JSON("/run/pilotlight/control.sock"), .most = "107",
        INTO(struct config, control.socket)},
    {"operators", OPTION_TEXT, JSON("pilotlight"), INTO(struct config, control.operators)},
    {0},
};

static const struct option state_options[] = {
    {"file", OPTION_PATH, JSON("/var/lib/pilotlight/state.json"), INTO(struct config, state.file)},
    {"etcd", OPTION_REFUSED},
    {"max_age", OPTION_DURATION, .least = "1s", .most = "30d", .nullable = true},
    {"fence_timeout", OPTION_DURATION, JSON("5s"), "0s", "1h"},
    {0},
};

static const struct option health_options[] = {
    {"interval", OPTION_DURATION, JSON("5s"), "10ms", "1d",
        INTO(struct config, health.interval_ms)},
    {"timeout", OPTION_DURATION, JSON("2s"), "10ms", "1m", INTO(struct config, health.timeout_ms)},
    {"fall", OPTION_INTEGER, JSON(3), "1", "100", INTO(struct config, health.fall)},
    {"rise", OPTION_INTEGER, JSON(2), "1", "100", INTO(struct config, health.rise)},
    {0},
};

static const struct option monitoring_options[] = {
    {"listen", OPTION_LISTEN, JSON("127.0.0.1:9353"), .most = "64",
        INTO(struct config, monitoring)},
    {0},
};

static const struct choice log_formats[] = {
    {"text", LOG_FORMAT_TEXT},
    {"json", LOG_FORMAT_JSON},
    {0},
};

static const struct choice log_levels[] = {
    {"debug", LOG_LEVEL_DEBUG},
    {"info", LOG_LEVEL_INFO},
    {"warning", LOG_LEVEL_WARNING},
    {"error", LOG_LEVEL_ERROR},
    {0},
};

static const struct option log_options[] = {
    {"format", OPTION_CHOICE, JSON("text"), .choices = log_formats,
        INTO(struct config, log.format)},
    {"level", OPTION_CHOICE, JSON("info"), .choices = log_levels, INTO(struct config, log.level)},
    {0},
};

static const struct option aws_options[] = {
    {"endpoint_url", OPTION_URL, .nullable = true, INTO(struct config, aws.endpoint_url)},
    {"poll_interval", OPTION_DURATION, JSON("10s"), "10ms", "10m",
        INTO(struct config, aws.poll_interval_ms)},
    {0},
};

static const struct option step_element[] = {
    {"", OPTION_OBJECT, .members = config_step_options},
    {0},
};

const struct option config_runbook_options[] = {
    {"target_rto", OPTION_DURATION, .least = "1s", .most = "30d",
        INTO(struct config_runbook, target_rto_ms)},
    {"min_interval", OPTION_DURATION, JSON("1h"), "0s", "30d",
        INTO(struct config_runbook, min_interval_ms)},
    {"ready_every", OPTION_DURATION, .least = "1s", .most = "30d",
        INTO(struct config_runbook, ready_every_ms)},
    {"steps", OPTION_LIST, .most = "512", .required = true, .members = step_element,
        .read = check_steps},
    {0},
};

static const struct option runbook_element[] = {
    {"", OPTION_OBJECT, .members = config_runbook_options},
    {0},
};

/* Read in this order: what follows may name what stands above it. */
const struct option config_options[] = {
    {"$schema", OPTION_TEXT}, /* for editors */
    {"application", OPTION_ID, JSON("default"), INTO(struct config, application)},
    {"user", OPTION_TEXT, JSON("pilotlight"), INTO(struct config, user)},
    {"regions", OPTION_LIST, .least = "2", .most = "16", .required = true, .members = id_element,
        .read = check_regions},
    {"resolver", OPTION_OBJECT, .members = resolver_options},
    {"endpoints", OPTION_MAP, .most = "1024", .required = true, .members = endpoint_element,
        .read = check_endpoints},
    {"proxy", OPTION_OBJECT, .members = proxy_options},
    {"gateway", OPTION_OBJECT, .members = gateway_options},
    {"control", OPTION_OBJECT, .members = control_options},
    {"state", OPTION_OBJECT, .members = state_options},
    {"health", OPTION_OBJECT, .members = health_options},
    {"monitoring", OPTION_OBJECT, .members = monitoring_options},
    {"log", OPTION_OBJECT, .members = log_options},
    {"aws", OPTION_OBJECT, .members = aws_options},
    {"runbooks", OPTION_MAP, JSON({}), .most = "16", .members = runbook_element,
        .read = check_runbooks},
    {0},
};
