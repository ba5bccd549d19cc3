#include "tests/unit/border_session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the verdicts of the input say is for tests with recorded sessions; here any cut comes to the
 * same, and no border lies within a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct border_session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    border_session_read(session, span_of(data, size));
    for (size_t i = 0; i < session->count; i++)
        session->pieces[i].expected = BORDER_ANY;
    if (session->count > 0)
        session->pieces[0].from_server = true; /* or it is PostgreSQL */
    border_session_check(session);
    free(session);
    return 0;
}
