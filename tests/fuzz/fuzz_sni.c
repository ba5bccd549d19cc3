/* The server name of a ClientHello: whatever is read is a host name that a leaf could be made for.
 */
#include "proxy/gateway/sni.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char host[CA_HOST_SIZE];
    if (sni_read(span_of(data, size), host) && (!ca_is_host(host) || strlen(host) != size - 5))
        abort();
    return 0;
}
