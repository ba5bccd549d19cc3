/* The form in which clients expect an answer, whatever an upstream sent: the CNAMEs in their order,
 * then what was asked for, nothing about other names (an A before its CNAME broke stub resolvers
 * world-wide; RFC 1034 section 4.3.2), no DNSSEC records for those who did not ask (RFC 4035
 * section 3.2.1), and the question's own name as a pointer to the question, so that it has each
 * client's letter case. */
#pragma once

#include "resolver/cache.h"

enum normal_verdict {
    NORMAL_AS_IS,   /* it is so already: the common case, no byte is moved */
    NORMAL_REBUILT, /* `rebuilt` has it, to be vetted again */
    NORMAL_BAD      /* it answers nothing that was asked, or does not fit */
};

/* `reply` is what reply_parse made of `message`; `key` what was asked. `rebuilt` has room for
 * DNS_MESSAGE_MAX bytes. */
enum normal_verdict normal_make(const struct cache_key *key, const uint8_t *message,
    const struct reply *reply, uint8_t *rebuilt, size_t *ret_size);
