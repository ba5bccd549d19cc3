/* pilotlight-sidecar: wiring only.
 *
 * On the good day: read the configuration, draw the line to the daemon on this host, and carry out
 * what its record says until told to stop. A runbook that is under way then goes on where it is
 * when a sidecar is started again. */
#include "base/memory.h"
#include "base/privileges.h"
#include "base/service_manager.h"
#include "failover/aws/engine.h"
#include "failover/decide.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: pilotlight-sidecar [-c FILE] [--socket PATH] [--check]\n"
    "\n"
    "  -c, --config FILE  the configuration (default " CONFIG_DEFAULT_PATH ")\n"
    "      --socket PATH  the daemon's control socket (default: the configuration's)\n"
    "      --check        read the configuration, print what is wrong, and exit: 0 good, 2 not\n"
    "      --version      print the version and exit\n"
    "  -h, --help         print this and exit\n";

struct arguments {
    const char *config_path, *socket;
    bool check;
};

struct sidecar {
    struct loop loop;
    struct engine *engine;
    uv_signal_t hangup, terminate, interrupt;
    bool stopping;
};

/* Returns an exit status, or -1 to go on. */
static int parse_arguments(int count, char **words, struct arguments *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"socket", required_argument, NULL, 's'},
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
        case 's':
            ret->socket = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'v':
            puts("pilotlight-sidecar " PILOTLIGHT_VERSION);
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
        fprintf(
            stderr, "pilotlight-sidecar: what is \"%s\"? There are only options.\n", words[optind]);
        return EXIT_STATUS_USAGE;
    }
    return -1;
}

/* Whoever checks a file need not be who runs it. */
static int check(const char *path)
{
    struct config_errors errors = {0};
    struct config *config = NULL;
    int status = config_read(path, &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    if (status == 0)
        printf("%s: good\n", path);
    config_errors_fini(&errors);
    config_unref(config);
    return status < 0 ? EXIT_STATUS_USAGE : EXIT_STATUS_DONE;
}

static void on_freed(void *context)
{
    struct sidecar *sidecar = context;
    uv_close((uv_handle_t *)&sidecar->hangup, NULL);
    uv_close((uv_handle_t *)&sidecar->terminate, NULL);
    uv_close((uv_handle_t *)&sidecar->interrupt, NULL);
    /* The loop ends with the last command that was told to. */
    uv_unref((uv_handle_t *)&sidecar->loop.beat);
    uv_unref((uv_handle_t *)&sidecar->loop.door);
}

static void on_terminate(uv_signal_t *handle, int signal)
{
    struct sidecar *sidecar = handle->data;
    log_info("stopping", LOG_TEXT("signal", signal == SIGINT ? "SIGINT" : "SIGTERM"));
    if (sidecar->stopping)
        _exit(EXIT_STATUS_DONE);
    sidecar->stopping = true;
    service_manager_stopping();
    engine_free(sidecar->engine, on_freed, sidecar);
}

static void on_hangup(uv_signal_t *handle, int signal)
{
    struct sidecar *sidecar = handle->data;
    (void)signal;
    if (sidecar->stopping)
        return;
    service_manager_reloading();
    engine_reload(sidecar->engine);
    service_manager_ready("watching");
}

static void watch_signals(struct sidecar *sidecar)
{
    struct {
        uv_signal_t *handle;
        uv_signal_cb callback;
        int signal;
    } const signals[] = {{&sidecar->hangup, on_hangup, SIGHUP},
        {&sidecar->terminate, on_terminate, SIGTERM}, {&sidecar->interrupt, on_terminate, SIGINT}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signals[i].handle->data = sidecar;
        uv_signal_init(&sidecar->loop.uv, signals[i].handle);
        uv_signal_start(signals[i].handle, signals[i].callback, signals[i].signal);
    }
}

static int serve(const struct arguments *arguments, struct config *config)
{
    static struct sidecar sidecar;
    const char *socket = arguments->socket ? arguments->socket : config->control.socket;
    log_configure(config->log.format, config->log.level);
    if (loop_init(&sidecar.loop, "main") < 0) {
        fputs("pilotlight-sidecar: cannot make an event loop\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    signal(SIGPIPE, SIG_IGN);
    privileges_raise_file_limit();
    watch_signals(&sidecar);
    struct engine_options options = {.loop = &sidecar.loop,
        .config_path = arguments->config_path,
        .config = config,
        .socket = socket};
    sidecar.engine = engine_new(&options);
    service_manager_ready("watching");
    log_info("ready", LOG_TEXT("version", PILOTLIGHT_VERSION),
        LOG_TEXT("config", arguments->config_path), LOG_TEXT("socket", socket));
    uv_run(&sidecar.loop.uv, UV_RUN_DEFAULT);
    loop_fini(&sidecar.loop);
    return EXIT_STATUS_DONE;
}

int main(int count, char **words)
{
    struct arguments arguments;
    struct config *config = NULL;
    char *why = NULL;
    int status = parse_arguments(count, words, &arguments);
    if (status < 0 && arguments.check)
        status = check(arguments.config_path);
    if (status >= 0)
        return status;
    if (engine_read_config(arguments.config_path, &config, &why) < 0) {
        fprintf(stderr, "%s\n", why ? why : arguments.config_path);
        free(why);
        return EXIT_STATUS_USAGE;
    }
    status = serve(&arguments, config);
    config_unref(config);
    return status;
}
