/* A borrowed run of bytes with its bound. It owns nothing and is passed by value. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t size; /* bytes */
};

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){.data = data, .size = size};
}

static inline struct span span_of_text(const char *text)
{
    return span_of(text, strlen(text));
}

/* Big-endian integers, as the wire has them; the caller has checked the bound. */
static inline uint16_t read_be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t read_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void write_be16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void write_be32(uint8_t *at, uint32_t value)
{
    write_be16(at, (uint16_t)(value >> 16));
    write_be16(at + 2, (uint16_t)value);
}
