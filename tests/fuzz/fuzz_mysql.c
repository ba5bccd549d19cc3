/* A MySQL server's side of a visit, in two pieces. The first byte says whether we log in unasked,
 * the second how long the first piece is. */
#include "base/mysql.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct mysql_visit visit = {0};
    struct span all = span_of(data + 2, size - 2);
    size_t first = data[1] < all.size ? data[1] : all.size;
    if (data[0] & 1)
        mysql_visit_log_in(&visit, data[0], data[0] & 2);
    if (mysql_visit_receive(&visit, span_of(all.data, first)) == MYSQL_VISIT_GOES_ON)
        mysql_visit_receive(&visit, span_of(all.data + first, all.size - first));
    if (visit.out_size > sizeof visit.out || visit.in_size > sizeof visit.in)
        abort();
    return 0;
}
