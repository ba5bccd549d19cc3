/* On the good day: a list of one name, of type host_name, in letters that host names have.
 *
 * Whoever connects wrote this. Anything else is no name of ours. */
#include "proxy/gateway/sni.h"

#include "base/name.h"

#define HOST_NAME 0
#define HEAD 5 /* the list's size, the type, the name's size */

bool sni_read(struct span extension, char ret_host[CA_HOST_SIZE])
{
    if (extension.size <= HEAD || extension.size - HEAD >= CA_HOST_SIZE)
        return false;
    size_t size = extension.size - HEAD;
    if (read_be16(extension.data) != size + 3 || extension.data[2] != HOST_NAME ||
        read_be16(extension.data + 3) != size)
        return false;
    name_lower((uint8_t *)ret_host, extension.data + HEAD, size);
    ret_host[size] = '\0';
    return strlen(ret_host) == size && ca_is_host(ret_host);
}
