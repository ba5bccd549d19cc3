/* What both sides of TLS need: our CA, the tickets' keys and whom to trust upstream, once; a server
 * and a client of each loop's own.
 *
 * What can go wrong: the CA's directory is out of reach or holds what is not fit for use. Where the
 * file asks for TLS that ends the start, in words; a default listener is left out with a warning.
 * Whom to trust upstream must be known in any case: never is anything sent unverified. */
#include "base/clock.h"
#include "base/log.h"
#include "proxy/gateway/gateway_parts.h"
#include "proxy/gateway/managed.h"

#include <errno.h>
#include <string.h>

static bool is_managed(void *context, const char *host)
{
    const struct gateway_worker *worker = context;
    return managed_host(worker->view->config, host);
}

static int no_memory(struct failure *why)
{
    return failure_set(why, -ENOMEM, "the gateway: no memory for TLS");
}

static int make_clients(struct gateway *gateway, struct failure *why)
{
    X509_STORE *trust;
    int status = tls_trust_load(gateway->config->gateway.upstream_ca, &trust, why);
    if (status < 0)
        return status;
    for (size_t i = 0; i < gateway->worker_count && status == 0; i++)
        status = tls_client_new(trust, &gateway->workers[i]->tls_client);
    X509_STORE_free(trust);
    return status < 0 ? no_memory(why) : 0;
}

static int make_servers(struct gateway *gateway, struct failure *why)
{
    struct tickets tickets;
    if (tickets_start(&tickets, clock_boot_ms()) < 0)
        return failure_set(why, -EIO, "the gateway: no randomness for TLS");
    int status = 0;
    for (size_t i = 0; i < gateway->worker_count && status == 0; i++) {
        struct tls_server_options options = {.ca = gateway->ca,
            .tickets = &tickets,
            .is_managed = is_managed,
            .context = gateway->workers[i]};
        status = tls_server_new(&options, &gateway->workers[i]->tls_server);
    }
    tickets_wipe(&tickets);
    return status < 0 ? no_memory(why) : 0;
}

static int open_ca(struct gateway *gateway, struct failure *why)
{
    struct ca_names names = managed_names_new(gateway->config);
    struct failure said = {0};
    int status = ca_open(gateway->config->gateway.ca_dir, &names, time(NULL), &gateway->ca, &said);
    managed_names_free(&names);
    return status < 0 ? failure_set(why, status, "gateway.ca_dir: %s", said.text) : 0;
}

static void leave_out(struct gateway *gateway, const struct failure *why)
{
    for (size_t i = 0; i < gateway->worker_count; i++)
        gateway_listener_close_tls(gateway->workers[i]);
    gateway->listener_count -= gateway->tls_listener_count;
    gateway->tls_listener_count = 0;
    log_warning("listener_left_out", LOG_TEXT("option", "gateway.listen"),
        LOG_TEXT("what", "those that speak TLS"), LOG_TEXT("why", why->text));
}

int gateway_tls_start(struct gateway *gateway, struct failure *why)
{
    int status = make_clients(gateway, why);
    if (status < 0 || gateway->tls_listener_count == 0)
        return status;
    status = open_ca(gateway, why);
    if (status == 0)
        return make_servers(gateway, why);
    if (!gateway->config->gateway.listen.is_default)
        return status;
    leave_out(gateway, why);
    return 0;
}

void gateway_tls_free(struct gateway *gateway)
{
    ca_free(gateway->ca);
}

bool gateway_needs_ca(const struct gateway *gateway)
{
    return gateway->tls_listener_count > 0;
}

void gateway_cover(struct gateway *gateway, const struct config *config)
{
    struct failure why;
    if (!gateway->ca)
        return;
    struct ca_names names = managed_names_new(config);
    if (names.count > 0 && ca_cover(gateway->ca, &names, time(NULL), &why) < 0)
        log_error("ca_not_reissued", LOG_TEXT("why", why.text),
            LOG_TEXT("what", "the former certificate goes on for the names that it permits"));
    managed_names_free(&names);
}

const char *gateway_ca(void *context)
{
    const struct gateway *gateway = context;
    return gateway->ca ? ca_pem(gateway->ca) : NULL;
}
