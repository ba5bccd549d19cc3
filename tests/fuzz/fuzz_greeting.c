/* A database's first words, byte by byte as a slow network brings them. The first byte of the input
 * says whose they are. */
#include "proxy/relay/probe_greeting.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    greeting_judge *judge = data[0] & 1 ? greeting_judge_mysql : greeting_judge_postgres;
    struct greeting greeting = {.fd = -1};
    char words[PROBE_WORDS_SIZE] = "";
    enum probe_verdict verdict = judge(&greeting, words);
    for (size_t i = 1; i < size && verdict == PROBE_WAITS && greeting.in_size < GREETING_ROOM;
         i++) {
        greeting.in[greeting.in_size++] = data[i];
        verdict = judge(&greeting, words);
    }
    assert(memchr(words, '\0', sizeof words));
    return 0;
}
