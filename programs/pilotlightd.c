/* pilotlightd: wiring only.
 *
 * On the good day: read the configuration, bind everything, become an unprivileged user, open the
 * record, start the resolver's threads, publish the first view, then open the doors for control and
 * monitoring and tell the service manager.
 *
 * What can go wrong is told in one line on standard error, with exit status 2 for a configuration
 * or 1 for a machine that does not allow it; once it serves, a loop that hangs restarts the
 * program. */
#include "base/bind.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "base/restart.h"
#include "base/service_manager.h"
#include "failover/aws/ready_buckets.h"
#include "failover/metrics.h"
#include "failover/ready_certificates.h"
#include "failover/ready_known.h"
#include "failover/ready_sidecar.h"
#include "failover/relay_status.h"
#include "failover/reload.h"
#include "programs/pilotlightd_parts.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (24u * 60 * 60 * 1000)

static const char usage[] =
    "usage: pilotlightd [-c FILE] [--check]\n"
    "\n"
    "  -c, --config FILE  the configuration (default " CONFIG_DEFAULT_PATH ")\n"
    "      --check        read it, print what is wrong, and exit: 0 good, 2 not\n"
    "      --version      print the version and exit\n"
    "  -h, --help         print this and exit\n";

struct arguments {
    const char *config_path;
    bool check;
};

/* Returns an exit status, or -1 to go on. */
static int parse_arguments(int count, char **words, struct arguments *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *ret = (struct arguments){.config_path = CONFIG_DEFAULT_PATH};
    for (int option; (option = getopt_long(count, words, "c:h", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            ret->config_path = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'v':
            puts("pilotlightd " PILOTLIGHT_VERSION);
            return EXIT_STATUS_DONE;
        case 'h':
            fputs(usage, stdout);
            return EXIT_STATUS_DONE;
        default:
            fputs(usage, stderr);
            return EXIT_STATUS_USAGE;
        }
    }
    if (optind < count) {
        fprintf(stderr, "pilotlightd: what is \"%s\"? There are only options.\n", words[optind]);
        return EXIT_STATUS_USAGE;
    }
    return -1;
}

static int read_config(const char *path, struct config **ret_config)
{
    struct config_errors errors = {0};
    int status = config_read(path, ret_config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    return status;
}

static int fail(const struct failure *why)
{
    fprintf(stderr, "pilotlightd: %s\n", why->text);
    return EXIT_STATUS_FAILED;
}

static void on_hang(const char *loop_name, void *context)
{
    (void)context;
    log_error(
        "loop_hangs", LOG_TEXT("loop", loop_name), LOG_TEXT("what", "restarting into the record"));
    restart_now();
}

static int start_watchdog(struct daemon *daemon)
{
    size_t resolvers = resolver_loop_count(daemon->resolver);
    size_t relays = relay_loop_count(daemon->relay), gateways = gateway_loop_count(daemon->gateway);
    size_t count = 0;
    daemon->watched = memory_new_array(1 + resolvers + relays + gateways, sizeof *daemon->watched);
    daemon->watched[count++] = &daemon->main_loop;
    for (size_t i = 0; i < resolvers; i++)
        daemon->watched[count++] = resolver_loop(daemon->resolver, i);
    for (size_t i = 0; i < relays; i++)
        daemon->watched[count++] = relay_loop(daemon->relay, i);
    for (size_t i = 0; i < gateways; i++)
        daemon->watched[count++] = gateway_loop(daemon->gateway, i);
    return watchdog_start(&daemon->watchdog, daemon->watched, count, on_hang, daemon);
}

/* After every change, a reload among them. */
static void follow_config(void *context)
{
    struct daemon *daemon = context;
    struct config *config = keeper_config(daemon->keeper);
    const struct config *before = health_config(daemon->health);
    log_configure(config->log.format, config->log.level);
    if (before && before != config)
        daemon_warn_of_config(config);
    health_configure(daemon->health, config);
    keyring_configure(daemon->keyring, config);
    if (before != config)
        gateway_cover(daemon->gateway, config);
    if (daemon->ready_schedule && before != config)
        ready_schedule_configure(daemon->ready_schedule);
}

static void on_day(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    gateway_cover(daemon->gateway, keeper_config(daemon->keeper));
}

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
    service_manager_alive();
}

static const struct credential *host_key(void *context, const char **ret_why)
{
    struct daemon *daemon = context;
    return keyring_host(daemon->keyring, ret_why);
}

/* Every loop has the first view: open the doors. */
static void on_ready(void *context)
{
    struct daemon *daemon = context;
    struct failure why;
    daemon->health = health_new(&daemon->main_loop, resolver_lookup(daemon->resolver));
    follow_config(daemon);
    keeper_watch(daemon->keeper, follow_config, daemon);
    daemon->status = (struct status_source){.keeper = daemon->keeper,
        .health = daemon->health,
        .relays = relay_relays(daemon->relay),
        .host = daemon->host};
    struct ready_options ready = {.main_loop = &daemon->main_loop,
        .lookup = resolver_lookup(daemon->resolver),
        .status = &daemon->status};
    daemon->sidecar = sidecar_desk_new(&daemon->main_loop, SIDECAR_PATIENCE_MS);
    daemon->ready = ready_new(&ready);
    ready_add_source(daemon->ready, ready_known_new(&ready));
    ready_add_source(daemon->ready, ready_certificates_new(&ready));
    ready_add_source(daemon->ready, daemon_ready_keys_new(&daemon->main_loop, daemon->gateway));
    if (gateway_loop_count(daemon->gateway) > 0)
        ready_add_source(daemon->ready, ready_buckets_new(&ready, host_key, daemon));
    ready_add_source(daemon->ready, ready_sidecar_new(&ready, daemon->sidecar));
    daemon->ready_schedule = ready_schedule_new(&daemon->main_loop, daemon->ready, daemon->keeper);

    struct control_options options = {.main_loop = &daemon->main_loop,
        .keeper = daemon->keeper,
        .lookup = resolver_lookup(daemon->resolver),
        .relays = relay_relays(daemon->relay),
        .ready = daemon->ready,
        .sidecar = daemon->sidecar,
        .status = &daemon->status,
        .gateway_ca = gateway_ca,
        .gateway_context = daemon->gateway};
    if (control_new(&options, daemon->control_socket, &daemon->control, &why) < 0)
        exit(fail(&why));
    daemon->monitoring = monitoring_new(&daemon->main_loop, &daemon->status);
    monitoring_add(daemon->monitoring, keeper_write_metrics, daemon->keeper);
    monitoring_add(daemon->monitoring, health_write_metrics, daemon->health);
    monitoring_add(daemon->monitoring, status_write_metrics, &daemon->status);
    monitoring_add(daemon->monitoring, ready_schedule_write_metrics, daemon->ready_schedule);
    monitoring_add(daemon->monitoring, resolver_write_metrics, daemon->resolver);
    monitoring_add(daemon->monitoring, relays_write_metrics, &daemon->status);
    monitoring_add(daemon->monitoring, gateway_write_metrics, daemon->gateway);
    for (size_t i = 0; i < daemon->monitoring_count; i++) {
        int status = monitoring_listen(daemon->monitoring, daemon->monitoring_sockets[i]);
        if (status < 0)
            log_error("monitoring_failed", LOG_ERROR(status));
    }

    /* From here on: what came before may ask a slow user database. */
    if (start_watchdog(daemon) < 0)
        exit(fail(&(struct failure){"cannot start the watchdog"}));
    uint64_t alive_ms = service_manager_watchdog_ms();
    if (alive_ms)
        uv_timer_start(&daemon->alive, on_alive, alive_ms / 2, alive_ms / 2);
    uv_timer_start(&daemon->daily, on_day, DAY_MS, DAY_MS);
    service_manager_ready("answering");
    log_info("ready", LOG_TEXT("version", PILOTLIGHT_VERSION),
        LOG_TEXT("config", daemon->config->path),
        LOG_TEXT("store", keeper_store_text(daemon->keeper)),
        LOG_NUMBER("epoch", keeper_state(daemon->keeper)->epoch));
}

static void on_reloaded(void *context, const struct outcome *outcome)
{
    (void)context;
    service_manager_ready("answering");
    if (outcome->status == EXIT_STATUS_DONE)
        log_info("reloaded", LOG_TEXT("by", "SIGHUP"), LOG_TEXT("what", outcome->words));
    else
        log_error("reload_refused", LOG_TEXT("by", "SIGHUP"), LOG_TEXT("why", outcome->words));
}

static void on_hangup(uv_signal_t *handle, int signal)
{
    struct daemon *daemon = handle->data;
    (void)signal;
    if (daemon->closing > 0)
        return;
    service_manager_reloading();
    reload_configuration(daemon->keeper, on_reloaded, daemon);
}

/* While it is still open: its inode is nobody else's then, and a daemon that comes after us and
 * finds it gone or dead binds a socket of its own, which must stay. */
static void remove_control_socket(struct daemon *daemon)
{
    const char *path = daemon->config->control.socket;
    struct stat now;
    if (lstat(path, &now) == 0 && now.st_ino == daemon->control_file.st_ino &&
        now.st_dev == daemon->control_file.st_dev)
        unlink(path);
    daemon->control_file = (struct stat){0};
}

static void on_keyring_closed(void *context)
{
    struct daemon *daemon = context;
    uv_stop(&daemon->main_loop.uv);
}

static void on_health_closed(void *context)
{
    struct daemon *daemon = context;
    keyring_free(daemon->keyring, on_keyring_closed, daemon);
}

/* The last change tells health and the gateway's keys of it, so they end after it. */
static void on_settled(void *context)
{
    struct daemon *daemon = context;
    keeper_unwatch(daemon->keeper, follow_config, daemon);
    health_free(daemon->health, on_health_closed, daemon);
}

static void on_desk_closed(void *context)
{
    struct daemon *daemon = context;
    keeper_settle(daemon->keeper, on_settled, daemon);
}

/* Nobody can ask for a change any more, but one may be under way. */
static void on_door_closed(void *context)
{
    struct daemon *daemon = context;
    if (--daemon->closing > 1)
        return;
    resolv_conf_free(daemon->resolv_conf);
    daemon->resolv_conf = NULL;
    sidecar_desk_free(daemon->sidecar, on_desk_closed, daemon);
}

/* Everything is closed in order. Before it serves, or at a second signal, it does not wait: the
 * record is whole at any moment. */
static void on_terminate(uv_signal_t *handle, int signal)
{
    struct daemon *daemon = handle->data;
    log_info("stopping", LOG_TEXT("signal", signal == SIGINT ? "SIGINT" : "SIGTERM"));
    if (daemon->closing > 0 || !daemon->control) {
        remove_control_socket(daemon);
        _exit(EXIT_STATUS_DONE);
    }
    service_manager_stopping();
    daemon->closing = 5;
    remove_control_socket(daemon);
    keeper_hurry(daemon->keeper);
    control_free(daemon->control, on_door_closed, daemon);
    ready_free(daemon->ready, on_door_closed, daemon);
    monitoring_free(daemon->monitoring, on_door_closed, daemon);
    ready_schedule_free(daemon->ready_schedule, on_door_closed, daemon);
    daemon->ready_schedule = NULL; /* a last change may still come */
}

static void watch_signals(struct daemon *daemon)
{
    struct {
        uv_signal_t *handle;
        uv_signal_cb callback;
        int signal;
    } const signals[] = {{&daemon->hangup, on_hangup, SIGHUP},
        {&daemon->terminate, on_terminate, SIGTERM}, {&daemon->interrupt, on_terminate, SIGINT}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signals[i].handle->data = daemon;
        uv_signal_init(&daemon->main_loop.uv, signals[i].handle);
        uv_signal_start(signals[i].handle, signals[i].callback, signals[i].signal);
    }
    uv_timer_init(&daemon->main_loop.uv, &daemon->alive);
    uv_timer_init(&daemon->main_loop.uv, &daemon->daily);
    daemon->daily.data = daemon;
}

static bool is_ours(void *context, const struct address *address)
{
    struct daemon *daemon = context;
    return resolver_listens_on(daemon->resolver, address);
}

static void on_upstreams(void *context, const struct config_upstreams *upstreams)
{
    struct daemon *daemon = context;
    log_info("upstreams_changed", LOG_TEXT("file", RESOLV_CONF_DEFAULT_PATH),
        LOG_NUMBER("servers", upstreams->count));
    keeper_set_upstreams(daemon->keeper, upstreams);
}

static void on_relays_ended(void *context)
{
    struct daemon *daemon = context;
    if (daemon->keeper)
        keeper_relays_ended(daemon->keeper);
}

static int start(struct daemon *daemon, struct failure *why)
{
    int status =
        store_file_open(&daemon->main_loop.uv, daemon->config->state.file, &daemon->store, why);
    if (status < 0)
        return status;
    daemon->announce = announce_new(&daemon->main_loop);
    resolver_subscribe(daemon->resolver, daemon->announce);
    relay_subscribe(daemon->relay, daemon->announce);
    gateway_subscribe(daemon->gateway, daemon->announce);
    relay_on_ended(daemon->relay, on_relays_ended, daemon);
    status = resolver_start(daemon->resolver, why);
    if (status == 0)
        status = relay_start(daemon->relay, resolver_lookup(daemon->resolver), why);
    if (status == 0)
        status = gateway_start(daemon->gateway, resolver_lookup(daemon->resolver), why);
    if (status < 0)
        return status;
    daemon->keyring = keyring_new(&daemon->main_loop, daemon->gateway);
    keyring_configure(daemon->keyring, daemon->config);
    struct resolv_conf_options resolv_conf = {.main_loop = &daemon->main_loop,
        .path = RESOLV_CONF_DEFAULT_PATH,
        .is_ours = is_ours,
        .changed = on_upstreams,
        .context = daemon};
    daemon->resolv_conf = resolv_conf_new(&resolv_conf);
    struct keeper_options options = {.main_loop = &daemon->main_loop,
        .store = daemon->store,
        .announce = daemon->announce,
        .config = daemon->config,
        .key = &daemon->key,
        .upstreams = resolv_conf_upstreams(daemon->resolv_conf),
        .relays = relay_relays(daemon->relay),
        .gateway_answers = gateway_is_whole(daemon->gateway)};
    return keeper_new(&options, &daemon->keeper, on_ready, daemon, why);
}

static void stop(struct daemon *daemon)
{
    watchdog_stop(&daemon->watchdog);
    resolv_conf_free(daemon->resolv_conf);
    gateway_free(daemon->gateway);
    relay_free(daemon->relay);
    resolver_free(daemon->resolver);
    keeper_free(daemon->keeper);
    announce_free(daemon->announce);
    loop_fini(&daemon->main_loop);
    config_unref(daemon->config);
    free(daemon->watched);
    free(daemon->inherited);
}

static int serve(struct daemon *daemon)
{
    struct failure why;
    int status = service_manager_sockets(&daemon->inherited, &why);
    if (status < 0)
        return fail(&why);
    restart_keep(daemon->inherited);
    privileges_raise_file_limit();
    status = loop_init(&daemon->main_loop, "main");
    if (status < 0)
        return fail(&(struct failure){"cannot make an event loop"});
    watch_signals(daemon);
    if (daemon_open_doors(daemon, &why) < 0 || start(daemon, &why) < 0)
        return fail(&why);
    uv_run(&daemon->main_loop.uv, UV_RUN_DEFAULT);
    stop(daemon);
    return EXIT_STATUS_DONE;
}

int main(int count, char **words)
{
    static struct daemon daemon;
    struct arguments arguments;
    memory_keep();
    restart_prepare(words);
    int status = parse_arguments(count, words, &arguments);
    if (status >= 0)
        return status;
    if (read_config(arguments.config_path, &daemon.config) < 0)
        return EXIT_STATUS_USAGE;
    if (arguments.check) {
        printf("%s: good\n", arguments.config_path);
        config_unref(daemon.config);
        return EXIT_STATUS_DONE;
    }
    signal(SIGPIPE, SIG_IGN);
    log_configure(daemon.config->log.format, daemon.config->log.level);
    daemon_warn_of_config(daemon.config);
    gethostname(daemon.host, sizeof daemon.host - 1);
    if (getrandom(&daemon.key, sizeof daemon.key, 0) != sizeof daemon.key)
        return fail(&(struct failure){"the kernel gives no random bytes"});
    return serve(&daemon);
}
