/* The host names that are the gateway's: those of buckets, in every form, and endpoints' own. */
#pragma once

#include "config/config.h"
#include "proxy/gateway/ca.h"

/* `host` in lower case, without port and final dot. */
bool managed_host(const struct config *config, const char *host);

/* For the CA, each once; of a wildcard without its "*.". What makes no host name is left out. */
struct ca_names managed_names_new(const struct config *config);
void managed_names_free(struct ca_names *names);
