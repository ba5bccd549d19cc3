/* A header field as it stands on the wire: name and value borrowed from whoever holds the head. The
 * name keeps its letter case; spaces and tabs around the value are left out (RFC 9110 5.5). */
#pragma once

#include "base/span.h"

struct http_header {
    struct span name, value;
};
