/* A database's side of the conversation about its certificate, and what is then said of what it
 * showed. The first byte says how it is asked, the second how long the first of two pieces is that
 * it answers with; the rest is the answer. */
#include "base/span.h"
#include "failover/certificate_dialog.h"
#include "failover/certificate_rule.h"

#include <stdlib.h>

static void judge(X509 *certificate)
{
    struct certificate_verdict verdict;
    struct certificate_side side = {"us-west-2", certificate};
    certificate_compare_name(&side, &side, "db.shop.internal", &verdict);
    certificate_carries(certificate, "192.0.2.1");
    certificate_check_dates(&side, 1800000000, &verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t out[4096];
    if (size < 2)
        return 0;
    struct dialog *dialog = dialog_new(data[0] % 3, data[0] & 0x40 ? "db.example.net" : NULL);
    struct span answer = span_of(data + 2, size - 2);
    size_t first = data[1] < answer.size ? data[1] : answer.size;
    if (data[0] & 0x80)
        dialog_silence(dialog);
    dialog_receive(dialog, answer.data, first);
    while (dialog_take(dialog, out, sizeof out) > 0)
        ;
    enum dialog_state state = dialog_receive(dialog, answer.data + first, answer.size - first);
    state = state == DIALOG_GOES_ON ? dialog_end(dialog) : state;
    if (state == DIALOG_READ && !dialog_certificate(dialog))
        abort(); /* whoever is told that it was read will look at it */
    if (state == DIALOG_READ)
        judge(dialog_certificate(dialog));
    dialog_free(dialog);
    return 0;
}
