/* PostgreSQL, frontend/backend protocol 3.0: a startup packet, and what the server says to it
 * ("Message Flow", "Start-up"; "Error and Notice Message Fields").
 *
 * A server that takes sessions asks for a password, or says that this user or database is not for
 * us. One that does not says so too (it starts up, shuts down, has no connection left). An error
 * that is neither is not a yes. */
#include "proxy/relay/probe_greeting.h"

#define HEADER 5     /* type, length of the rest and itself */
#define LENGTH_MIN 8 /* of both messages that may come */
#define LENGTH_MAX (GREETING_ROOM - 8)

static void send_startup(struct greeting *greeting)
{
    static const char options[] = "\0\3\0\0"
                                  "user\0" GREETING_USER "\0"
                                  "database\0postgres\0";
    uint8_t packet[4 + sizeof options];
    write_be32(packet, sizeof packet);
    memcpy(packet + 4, options, sizeof options); /* its last NUL ends the list */
    greeting_send(greeting, packet, sizeof packet);
}

/* A field of an ErrorResponse; "" when it has none. Each is a letter and a NUL-terminated text. */
static const char *field(struct span fields, char letter)
{
    const uint8_t *at = fields.data, *end = fields.data + fields.size;
    while (at < end && *at) {
        const uint8_t *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            break;
        if (*at == (uint8_t)letter)
            return (const char *)at + 1;
        at = nul + 1;
    }
    return "";
}

/* SQLSTATE: class 28 invalid authorization, 3D invalid catalog name, 42501 privilege. */
static bool is_refused_login(const char *code)
{
    return strncmp(code, "28", 2) == 0 || strncmp(code, "3D", 2) == 0 || strcmp(code, "42501") == 0;
}

static enum probe_verdict judge_error(struct span fields, char words[PROBE_WORDS_SIZE])
{
    if (is_refused_login(field(fields, 'C')))
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    const char *message = field(fields, 'M');
    return greeting_say(PROBE_NOT_YET, words, *message ? message : "an error without words");
}

enum probe_verdict greeting_judge_postgres(struct greeting *greeting, char words[PROBE_WORDS_SIZE])
{
    if (!greeting->said)
        send_startup(greeting);
    if (greeting->in_size < HEADER)
        return PROBE_WAITS;
    uint8_t type = greeting->in[0];
    uint32_t length = read_be32(greeting->in + 1);
    if ((type != 'R' && type != 'E') || length < LENGTH_MIN || length > LENGTH_MAX)
        return greeting_say(PROBE_NOT_YET, words, "an answer that is not PostgreSQL's");
    if (greeting->in_size < 1 + length)
        return PROBE_WAITS;
    if (type == 'R')
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    return judge_error(span_of(greeting->in + HEADER, 1 + length - HEADER), words);
}
