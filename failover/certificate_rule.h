/* What two certificates say about a switch: would clients that verify them still connect? Pure. */
#pragma once

#include "failover/ready_source.h"

#include <openssl/types.h>
#include <time.h>

#define CERTIFICATE_EXPIRY_DAYS 30

/* What a region's target showed. */
struct certificate_side {
    const char *region;
    const X509 *certificate; /* NULL: it offers no TLS */
};

struct certificate_verdict {
    enum ready_status status;
    char words[768];
    const char *advice; /* static; NULL: none */
};

/* As a client with verify-full looks: the alternative names, else the common name; `name` may be an
 * IP address, or a wildcard of the configuration ("*.shop.internal": any name below). */
bool certificate_carries(const X509 *certificate, const char *name);

/* What a client that dials `name` sees before and after a switch. One of the two has TLS. */
void certificate_compare_name(const struct certificate_side *active,
    const struct certificate_side *standby, const char *name, struct certificate_verdict *ret);

/* Whether the two can be compared by name: both have TLS. Otherwise `ret` is the whole verdict. */
bool certificate_compare_tls(const struct certificate_side *active,
    const struct certificate_side *standby, struct certificate_verdict *ret);

/* False: the certificate is valid now and for a while yet, `ret` is not touched. */
bool certificate_check_dates(
    const struct certificate_side *side, time_t now, struct certificate_verdict *ret);
