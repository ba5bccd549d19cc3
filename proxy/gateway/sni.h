/* The server name that a ClientHello asks for (RFC 6066 section 3). */
#pragma once

#include "base/span.h"
#include "proxy/gateway/ca.h"

/* The extension's content. False when it is not exactly one host name. In lower case. */
bool sni_read(struct span extension, char ret_host[CA_HOST_SIZE]);
