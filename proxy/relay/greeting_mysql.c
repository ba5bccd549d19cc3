/* MySQL and MariaDB: the server greets, we try to log in as nobody, the server says no.
 *
 * The greeting would do; but whoever leaves before the refusal is counted against our host
 * (base/mysql.h), so that even one who is called away before the greeting has come leaves a login
 * behind. Anything that is neither a welcome nor a refusal of this login is not a yes. */
#include "proxy/relay/probe_greeting.h"

#include "base/mysql.h"

#include <stdio.h>

#define ERROR_SECURE_TRANSPORT_REQUIRED 3159

static void send_login(struct greeting *greeting)
{
    uint8_t login[MYSQL_LOGIN_SIZE];
    mysql_login_write(login, 1, false);
    greeting_send(greeting, login, sizeof login);
}

void greeting_part_mysql(struct greeting *greeting)
{
    if (!greeting->said)
        send_login(greeting);
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
    struct greeting *greeting, const struct mysql_packet *packet, char words[PROBE_WORDS_SIZE])
{
    if (packet->payload.data[0] == MYSQL_ERROR)
        return judge_error(greeting, packet->payload, words);
    if (!mysql_packet_is_greeting(packet))
        return greeting_say(PROBE_NOT_YET, words, "a greeting that is not MySQL's");
    send_login(greeting);
    return PROBE_WAITS;
}

/* No password this way either. */
static void send_nothing(struct greeting *greeting, uint8_t number)
{
    const uint8_t packet[MYSQL_HEADER_SIZE] = {[3] = number};
    greeting_send(greeting, packet, sizeof packet);
}

static enum probe_verdict judge_reply(
    struct greeting *greeting, const struct mysql_packet *packet, char words[PROBE_WORDS_SIZE])
{
    switch (packet->payload.data[0]) {
    case MYSQL_OK:
        return greeting_say(PROBE_WRITABLE, words, "takes sessions");
    case MYSQL_ERROR:
        return judge_error(greeting, packet->payload, words);
    case MYSQL_SWITCH:
    case MYSQL_MORE:
        if (greeting->said == 1) {
            send_nothing(greeting, (uint8_t)(packet->number + 1));
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
    while (verdict == PROBE_WAITS) {
        struct mysql_packet packet;
        struct span rest =
            span_of(greeting->in + greeting->judged, greeting->in_size - greeting->judged);
        int size = mysql_packet_read(rest, GREETING_ROOM - MYSQL_HEADER_SIZE, &packet);
        if (size < 0)
            return greeting_say(PROBE_NOT_YET, words, "an answer that is not MySQL's");
        if (size == 0)
            break;
        verdict = greeting->said ? judge_reply(greeting, &packet, words)
                                 : judge_greeting(greeting, &packet, words);
        greeting->judged += (size_t)size;
    }
    return verdict;
}
