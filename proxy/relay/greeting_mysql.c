/* MySQL and MariaDB, client/server protocol, "Connection Phase": the server greets, we try to log
 * in as a user without a password, the server says no.
 *
 * The greeting would do; but a server counts those who leave in the middle of it, and after
 * max_connect_errors of them (100) it lets nobody in from their host. Who fails to log in does not
 * count. Anything that is neither a welcome nor a refusal of this login is not a yes. */
#include "proxy/relay/probe_greeting.h"

#include <stdio.h>

#define HEADER 4 /* length of what follows, number in the sequence */
#define PACKET_OK 0x00
#define PACKET_MORE 0x01   /* AuthMoreData */
#define PACKET_SWITCH 0xfe /* AuthSwitchRequest */
#define PACKET_ERROR 0xff
#define PROTOCOL_VERSION 10

#define ERROR_SECURE_TRANSPORT_REQUIRED 3159

/* CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_TRANSACTIONS, CLIENT_SECURE_CONNECTION and
 * CLIENT_PLUGIN_AUTH, little-endian; packets of 16 MiB at most; utf8mb3; 23 bytes of nothing */
#define LOGIN_HEAD                                                                                 \
    "\x01\xa2\x08\x00"                                                                             \
    "\x00\x00\x00\x01"                                                                             \
    "\x21"                                                                                         \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* The next packet in the sequence that the server's `number` was in. */
static void send_packet(
    struct greeting *greeting, uint8_t number, const void *payload, uint8_t size)
{
    uint8_t packet[HEADER + UINT8_MAX] = {size, 0, 0, (uint8_t)(number + 1)};
    memcpy(packet + HEADER, payload, size);
    greeting_send(greeting, packet, HEADER + (size_t)size);
}

static void send_login(struct greeting *greeting, uint8_t number)
{
    /* user, no bytes of a password, how it would have been proved */
    static const char login[] = LOGIN_HEAD GREETING_USER "\0"
                                                         "\0"
                                                         "mysql_native_password";
    send_packet(greeting, number, login, sizeof login);
}

/* ERR: 0xff, number, and unless it comes instead of a greeting '#' with an SQLSTATE of 5; words. */
static enum probe_verdict judge_error(
    const struct greeting *greeting, struct span packet, char words[PROBE_WORDS_SIZE])
{
    if (packet.size < 3)
        return greeting_say(PROBE_NOT_YET, words, "an error without words");
    unsigned number = packet.data[1] | (unsigned)packet.data[2] << 8;
    bool has_state = packet.size >= 9 && packet.data[3] == '#';
    const char *state = has_state ? (const char *)packet.data + 4 : "     ";
    bool refused = strncmp(state, "28000", 5) == 0 || strncmp(state, "42000", 5) == 0 ||
                   number == ERROR_SECURE_TRANSPORT_REQUIRED;
    if (greeting->said && refused)
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    size_t skip = has_state ? 9 : 3;
    char text[PROBE_WORDS_SIZE];
    snprintf(text, sizeof text, "error %u: %.*s", number, (int)(packet.size - skip),
        (const char *)packet.data + skip);
    return greeting_say(PROBE_NOT_YET, words, text);
}

static enum probe_verdict judge_greeting(
    struct greeting *greeting, uint8_t number, struct span packet, char words[PROBE_WORDS_SIZE])
{
    if (packet.data[0] == PACKET_ERROR)
        return judge_error(greeting, packet, words);
    if (packet.data[0] != PROTOCOL_VERSION || number != 0 ||
        !memchr(packet.data, '\0', packet.size))
        return greeting_say(PROBE_NOT_YET, words, "a greeting that is not MySQL's");
    send_login(greeting, number);
    return PROBE_WAITS;
}

static enum probe_verdict judge_reply(
    struct greeting *greeting, uint8_t number, struct span packet, char words[PROBE_WORDS_SIZE])
{
    switch (packet.data[0]) {
    case PACKET_OK:
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    case PACKET_ERROR:
        return judge_error(greeting, packet, words);
    case PACKET_SWITCH:
    case PACKET_MORE:
        if (greeting->said == 1) {
            send_packet(greeting, number, "", 0); /* no password this way either */
            return PROBE_WAITS;
        }
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    default:
        return greeting_say(PROBE_NOT_YET, words, "an answer that is not MySQL's");
    }
}

enum probe_verdict greeting_judge_mysql(struct greeting *greeting, char words[PROBE_WORDS_SIZE])
{
    enum probe_verdict verdict = PROBE_WAITS;
    while (verdict == PROBE_WAITS && greeting->in_size - greeting->judged >= HEADER) {
        const uint8_t *at = greeting->in + greeting->judged;
        size_t size = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16;
        if (size == 0 || size > GREETING_ROOM - HEADER)
            return greeting_say(PROBE_NOT_YET, words, "an answer that is not MySQL's");
        if (greeting->in_size - greeting->judged < HEADER + size)
            break;
        struct span packet = span_of(at + HEADER, size);
        verdict = greeting->said ? judge_reply(greeting, at[3], packet, words)
                                 : judge_greeting(greeting, at[3], packet, words);
        greeting->judged += HEADER + size;
    }
    return verdict;
}
