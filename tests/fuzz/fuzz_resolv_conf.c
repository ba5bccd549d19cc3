#include "failover/resolv_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address servers[RESOLV_CONF_SERVERS_MAX];
    size_t count = resolv_conf_parse(span_of(data, size), servers);
    for (size_t i = 0; i < count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        address_print(&servers[i], text);
    }
    return 0;
}
