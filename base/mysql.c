/* On the good day the server greets, we say a name that it does not know, and it says no.
 *
 * What can go wrong: it wants the empty password proved in another way first (it gets an empty
 * answer), it lets nobody in after all (we quit), it refuses before it greets, it is no MySQL, or
 * it talks without end (the room for it is small, and then the visit is over). */
#include "base/mysql.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Capability flags, little-endian: CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_TRANSACTIONS,
 * CLIENT_SECURE_CONNECTION and CLIENT_PLUGIN_AUTH; packets of 16 MiB at most; utf8mb3; 23 bytes of
 * nothing; the user, no bytes of a password, how it would have been proved. */
static const char login[] = "\x01\xa2\x08\x00"
                            "\x00\x00\x00\x01"
                            "\x21"
                            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" MYSQL_NOBODY "\0"
                            "\0"
                            "mysql_native_password";
static_assert(MYSQL_LOGIN_SIZE == MYSQL_HEADER_SIZE + sizeof login, "the login's size is known");

#define SSL_FLAG 0x08 /* CLIENT_SSL, in the second byte */
#define COM_QUIT 1

int mysql_packet_read(struct span bytes, size_t most, struct mysql_packet *ret_packet)
{
    if (bytes.size < MYSQL_HEADER_SIZE)
        return 0;
    const uint8_t *at = bytes.data;
    size_t size = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16;
    if (size == 0 || size > most)
        return -EPROTO;
    if (bytes.size < MYSQL_HEADER_SIZE + size)
        return 0;
    *ret_packet =
        (struct mysql_packet){.number = at[3], .payload = span_of(at + MYSQL_HEADER_SIZE, size)};
    return (int)(MYSQL_HEADER_SIZE + size);
}

/* Version of the protocol, version of the server as text, more. */
bool mysql_packet_is_greeting(const struct mysql_packet *packet)
{
    return packet->number == 0 && packet->payload.data[0] == MYSQL_GREETING &&
           memchr(packet->payload.data, '\0', packet->payload.size);
}

void mysql_login_write(uint8_t packet[MYSQL_LOGIN_SIZE], uint8_t number, bool tls)
{
    packet[0] = sizeof login;
    packet[1] = packet[2] = 0;
    packet[3] = number;
    memcpy(packet + MYSQL_HEADER_SIZE, login, sizeof login);
    if (tls)
        packet[MYSQL_HEADER_SIZE + 1] |= SSL_FLAG;
}

/* False when there is no room: a server that asks more than it is told is not listening. */
static bool say(struct mysql_visit *visit, const uint8_t *bytes, size_t size)
{
    if (size > sizeof visit->out - visit->out_size)
        return false;
    memcpy(visit->out + visit->out_size, bytes, size);
    visit->out_size += size;
    return true;
}

void mysql_visit_log_in(struct mysql_visit *visit, uint8_t number, bool tls)
{
    uint8_t packet[MYSQL_LOGIN_SIZE];
    mysql_login_write(packet, number, tls);
    visit->logged_in = say(visit, packet, sizeof packet);
}

static enum mysql_visit_state answer(struct mysql_visit *visit, const struct mysql_packet *packet)
{
    const uint8_t nothing[] = {0, 0, 0, (uint8_t)(packet->number + 1)};
    static const uint8_t quit[] = {1, 0, 0, 0, COM_QUIT};
    uint8_t kind = packet->payload.data[0];
    if (!visit->logged_in && mysql_packet_is_greeting(packet)) {
        mysql_visit_log_in(visit, 1, false);
        return MYSQL_VISIT_GOES_ON;
    }
    if (visit->logged_in && (kind == MYSQL_SWITCH || kind == MYSQL_MORE))
        return say(visit, nothing, sizeof nothing) ? MYSQL_VISIT_GOES_ON : MYSQL_VISIT_OVER;
    if (visit->logged_in && kind == MYSQL_OK)
        say(visit, quit, sizeof quit);
    return MYSQL_VISIT_OVER;
}

/* The first packet that is in is gone into. */
static enum mysql_visit_state receive_one(struct mysql_visit *visit, bool *ret_more)
{
    struct mysql_packet packet;
    size_t most = sizeof visit->in - MYSQL_HEADER_SIZE;
    int size = mysql_packet_read(span_of(visit->in, visit->in_size), most, &packet);
    *ret_more = size > 0;
    if (size <= 0)
        return size < 0 ? MYSQL_VISIT_OVER : MYSQL_VISIT_GOES_ON;
    enum mysql_visit_state state = answer(visit, &packet);
    visit->in_size -= (size_t)size;
    memmove(visit->in, visit->in + size, visit->in_size);
    return state;
}

enum mysql_visit_state mysql_visit_receive(struct mysql_visit *visit, struct span bytes)
{
    enum mysql_visit_state state = MYSQL_VISIT_GOES_ON;
    while (state == MYSQL_VISIT_GOES_ON && bytes.size > 0) {
        size_t room = sizeof visit->in - visit->in_size;
        size_t taken = bytes.size < room ? bytes.size : room;
        memcpy(visit->in + visit->in_size, bytes.data, taken);
        visit->in_size += taken;
        bytes = span_of(bytes.data + taken, bytes.size - taken);
        for (bool more = true; more && state == MYSQL_VISIT_GOES_ON;)
            state = receive_one(visit, &more);
    }
    return state;
}
