/* DNS messages written by hand, byte by byte where it matters, for tests of what reads them. */
#pragma once

#include "resolver/packet.h"

#define MESSAGE_ID 0x1234

enum section { SECTION_QUESTION, SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct message {
    size_t size;
    uint8_t data[DNS_MESSAGE_MAX + 1];
};

/* Header and question, class IN. Names are text with plain dots; their letter case is kept. */
void message_start(struct message *message, uint16_t flags, const char *name, uint16_t type);

void message_put(struct message *message, const void *data, size_t size);
void message_put16(struct message *message, uint16_t value);
void message_put32(struct message *message, uint32_t value);
size_t message_put_name(struct message *message, const char *name); /* where it starts */
void message_put_pointer(struct message *message, size_t target);

/* One more record than the header says now. */
void message_count(struct message *message, enum section section);

/* Owner ("@": a pointer to the question's name), type, class IN, TTL; the RDATA is put between
 * these two calls. `message_begin` counts the record and returns where its RDATA starts. */
size_t message_begin(struct message *message, enum section section, const char *owner,
    uint16_t type, uint32_t ttl_s);
void message_end(struct message *message, size_t data);

void message_a(struct message *message, enum section section, const char *owner, uint32_t ttl_s,
    uint32_t address);
/* The target is written uncompressed. Returns where it starts. */
size_t message_cname(
    struct message *message, const char *owner, uint32_t ttl_s, const char *target);
/* Both its names point at `names_at`. */
void message_soa(struct message *message, const char *owner, uint32_t ttl_s, size_t names_at,
    uint32_t minimum_s);
void message_opt(struct message *message, uint16_t udp_size, uint32_t rcode_version_flags,
    const void *options, size_t size);

/* A name's wire form in its own letter case; returns its size. */
size_t wire_of(const char *name, uint8_t ret[NAME_WIRE_MAX]);

/* Reads it as the answer to a question of class IN with MESSAGE_ID. */
enum reply_verdict message_read(
    const struct message *message, const char *question, uint16_t type, struct reply *ret);
