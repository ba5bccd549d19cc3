/* Fetches the certificate that a database shows to its clients, over a connection of its own.
 *
 *     look up → connect → (certificate_dialog.h) → close
 *
 * On the main loop, three seconds in all. Nothing is verified: what is read is looked at, not
 * trusted. */
#pragma once

#include "base/lookup.h"
#include "config/config.h"
#include "failover/certificate_dialog.h"

#define CERTIFICATE_DEADLINE_MS 3000
#define CERTIFICATE_SILENCE_MS 500 /* a MySQL server has spoken by then */

struct certificate_answer {
    int status;        /* 0: asked; else why not: UV_ETIMEDOUT, UV_ECANCELED … */
    X509 *certificate; /* borrowed; NULL with status 0: the server offers no TLS */
    const char *words; /* of an error; borrowed */
};

typedef void certificate_done(void *context, const struct certificate_answer *answer);

struct certificate_request {
    struct loop *loop;
    struct lookup *lookup;
    const struct config_target *target; /* with a port; copied */
    enum dialog_protocol protocol;
    certificate_done *done; /* once, later, within the deadline */
    loop_call *freed;       /* after `done`, when the last handle and lookup are gone */
    void *context;          /* of both */
};

struct certificate_fetch;

struct certificate_fetch *certificate_fetch_new(const struct certificate_request *request);

/* Before `done`: it is called from here, with UV_ECANCELED. */
void certificate_fetch_cancel(struct certificate_fetch *fetch);
