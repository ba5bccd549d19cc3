#include "tests/unit/dns_message.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

size_t wire_of(const char *name, uint8_t ret[NAME_WIRE_MAX])
{
    size_t size = 0;
    while (*name && strcmp(name, ".") != 0) {
        size_t label = strcspn(name, ".");
        assert(size + label + 2 <= NAME_WIRE_MAX);
        ret[size++] = (uint8_t)label;
        memcpy(ret + size, name, label);
        size += label;
        name += label + (name[label] == '.');
    }
    ret[size++] = 0;
    return size;
}

void message_put(struct message *message, const void *data, size_t size)
{
    assert(size <= sizeof message->data - message->size);
    memcpy(message->data + message->size, data, size);
    message->size += size;
}

void message_put16(struct message *message, uint16_t value)
{
    uint8_t bytes[2];
    write_be16(bytes, value);
    message_put(message, bytes, sizeof bytes);
}

void message_put32(struct message *message, uint32_t value)
{
    uint8_t bytes[4];
    write_be32(bytes, value);
    message_put(message, bytes, sizeof bytes);
}

size_t message_put_name(struct message *message, const char *name)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t at = message->size, size = wire_of(name, wire);
    message_put(message, wire, size);
    return at;
}

void message_put_pointer(struct message *message, size_t target)
{
    message_put16(message, (uint16_t)(DNS_POINTER | target));
}

void message_start(struct message *message, uint16_t flags, const char *name, uint16_t type)
{
    message->size = 0;
    message_put16(message, MESSAGE_ID);
    message_put16(message, flags);
    message_put16(message, 1);
    message_put(message, "\0\0\0\0\0", 6);
    message_put_name(message, name);
    message_put16(message, type);
    message_put16(message, CLASS_IN);
}

void message_count(struct message *message, enum section section)
{
    uint8_t *count = message->data + 4 + 2 * section;
    write_be16(count, (uint16_t)(read_be16(count) + 1));
}

size_t message_begin(
    struct message *message, enum section section, const char *owner, uint16_t type, uint32_t ttl_s)
{
    if (strcmp(owner, "@") == 0)
        message_put_pointer(message, DNS_HEADER_SIZE);
    else
        message_put_name(message, owner);
    message_put16(message, type);
    message_put16(message, CLASS_IN);
    message_put32(message, ttl_s);
    message_put16(message, 0);
    message_count(message, section);
    return message->size;
}

void message_end(struct message *message, size_t data)
{
    write_be16(message->data + data - 2, (uint16_t)(message->size - data));
}

void message_a(struct message *message, enum section section, const char *owner, uint32_t ttl_s,
    uint32_t address)
{
    size_t data = message_begin(message, section, owner, TYPE_A, ttl_s);
    message_put32(message, address);
    message_end(message, data);
}

size_t message_cname(struct message *message, const char *owner, uint32_t ttl_s, const char *target)
{
    size_t data = message_begin(message, SECTION_ANSWER, owner, TYPE_CNAME, ttl_s);
    message_put_name(message, target);
    message_end(message, data);
    return data;
}

void message_soa(
    struct message *message, const char *owner, uint32_t ttl_s, size_t names_at, uint32_t minimum_s)
{
    size_t data = message_begin(message, SECTION_AUTHORITY, owner, TYPE_SOA, ttl_s);
    message_put_pointer(message, names_at);
    message_put_pointer(message, names_at);
    for (uint32_t i = 1; i <= 4; i++)
        message_put32(message, i);
    message_put32(message, minimum_s);
    message_end(message, data);
}

void message_opt(struct message *message, uint16_t udp_size, uint32_t rcode_version_flags,
    const void *options, size_t size)
{
    message_put(message, "", 1);
    message_put16(message, TYPE_OPT);
    message_put16(message, udp_size);
    message_put32(message, rcode_version_flags);
    message_put16(message, (uint16_t)size);
    message_put(message, options, size);
    message_count(message, SECTION_ADDITIONAL);
}

enum reply_verdict message_read(
    const struct message *message, const char *question, uint16_t type, struct reply *ret)
{
    /* Exactly as large as the message, so that a read beyond it is seen. */
    uint8_t name[NAME_WIRE_MAX], *exact = memory_new(message->size + 1);
    size_t size = wire_of(question, name);
    memcpy(exact + 1, message->data, message->size);
    enum reply_verdict verdict =
        reply_parse(exact + 1, message->size, MESSAGE_ID, name, size, type, CLASS_IN, ret);
    free(exact);
    return verdict;
}
