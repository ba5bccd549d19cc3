/* What the daemon listens on and writes to, made while it may still do so; then root no more. */
#include "base/bind.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "programs/pilotlightd_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An empty name in `ret_user`: we stay who we are. */
static int find_user(
    const struct config *config, struct privileges_user *ret_user, struct failure *why)
{
    *ret_user = (struct privileges_user){0};
    if (geteuid() != 0 || !config->user)
        return 0;
    int status = privileges_find_user(config->user, ret_user, why);
    if (status == -ENOENT && config->user_is_default) {
        *ret_user = (struct privileges_user){0};
        return 0;
    }
    return status;
}

static int make_directory_of(
    const char *path, const struct privileges_user *user, struct failure *why)
{
    char *copy = memory_text(path);
    int status = privileges_make_directory(dirname(copy), 0755, user->name[0] ? user : NULL, why);
    free(copy);
    return status;
}

static int bind_control(
    struct daemon *daemon, const struct privileges_user *user, struct failure *why)
{
    const char *path = daemon->config->control.socket;
    int inherited = bind_find_inherited_path(daemon->inherited, path);
    if (inherited >= 0) {
        daemon->control_socket = fcntl(inherited, F_DUPFD_CLOEXEC, 3);
        return daemon->control_socket < 0
                   ? failure_set(why, -errno, "%s: %s", path, strerror(errno))
                   : 0;
    }
    int status = make_directory_of(path, user, why);
    if (status < 0)
        return status;
    daemon->control_socket = control_bind(path, why);
    if (daemon->control_socket < 0)
        return daemon->control_socket;
    if (lstat(path, &daemon->control_file) < 0)
        daemon->control_file = (struct stat){0};
    return 0;
}

static int bind_monitoring(struct daemon *daemon, struct failure *why)
{
    const struct config_listen *listen = &daemon->config->monitoring;
    size_t room = sizeof daemon->monitoring_sockets / sizeof *daemon->monitoring_sockets;
    for (size_t i = 0; i < listen->count && daemon->monitoring_count < room; i++) {
        int inherited = bind_find_inherited(daemon->inherited, &listen->addresses[i], SOCK_STREAM);
        int socket = inherited >= 0 ? fcntl(inherited, F_DUPFD_CLOEXEC, 3)
                                    : monitoring_bind(&listen->addresses[i], why);
        if (socket < 0 && !listen->is_default)
            return socket;
        if (socket < 0)
            log_warning("listener_left_out", LOG_TEXT("option", "monitoring.listen"),
                LOG_TEXT("why", why->text));
        else
            daemon->monitoring_sockets[daemon->monitoring_count++] = socket;
    }
    return 0;
}

static void warn_if_lost(const char *path, int mode, const char *consequence)
{
    if (access(path, mode) < 0)
        log_warning("out_of_reach", LOG_TEXT("path", path), LOG_TEXT("why", strerror(errno)),
            LOG_TEXT("what", consequence));
}

/* What is opened as root and wanted again as somebody else. */
static void warn_of_what_is_lost(const struct daemon *daemon)
{
    warn_if_lost(daemon->config->path, R_OK,
        "no reload, and no restart in place after a hang: let the daemon's user read it");
    if (daemon->control_file.st_ino == 0)
        return;
    char *path = memory_text(daemon->config->control.socket);
    warn_if_lost(dirname(path), W_OK | X_OK,
        "no restart in place after a hang: the control socket cannot be bound again there");
    free(path);
}

/* Below the state's own directory by default, so after it. A default listener that has no CA is
 * left out later. */
static int make_ca_directory(
    struct daemon *daemon, const struct privileges_user *user, struct failure *why)
{
    const struct config *config = daemon->config;
    if (!gateway_needs_ca(daemon->gateway))
        return 0;
    int status =
        privileges_make_directory(config->gateway.ca_dir, 0755, user->name[0] ? user : NULL, why);
    return config->gateway.listen.is_default ? 0 : status;
}

int daemon_open_doors(struct daemon *daemon, struct failure *why)
{
    struct privileges_user user;
    struct resolver_options options = {
        .config = daemon->config, .key = &daemon->key, .inherited = daemon->inherited};
    struct relay_options relay = {
        .config = daemon->config, .main_loop = &daemon->main_loop, .inherited = daemon->inherited};
    struct gateway_options gateway = {.config = daemon->config, .inherited = daemon->inherited};
    int status = find_user(daemon->config, &user, why);
    if (status == 0)
        status = resolver_new(&options, &daemon->resolver, why);
    if (status == 0)
        status = relay_new(&relay, &daemon->relay, why);
    if (status == 0)
        status = gateway_new(&gateway, &daemon->gateway, why);
    if (status == 0)
        status = bind_monitoring(daemon, why);
    if (status == 0)
        status = bind_control(daemon, &user, why);
    if (status == 0)
        status = make_directory_of(daemon->config->state.file, &user, why);
    if (status == 0)
        status = make_ca_directory(daemon, &user, why);
    if (status == 0 && user.name[0])
        status = privileges_drop(&user, why);
    if (status == 0 && user.name[0])
        warn_of_what_is_lost(daemon);
    return status;
}
