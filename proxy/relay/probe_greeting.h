/* A few bytes to and fro with a database, without its client library. probe_greeting.c moves them,
 * and greeting_postgres.c and greeting_mysql.c say what they mean. */
#pragma once

#include "proxy/relay/probe.h"

#include <stdbool.h>

#define GREETING_ROOM 2048 /* bytes of a server's, in all: its first words are never longer */
#define GREETING_USER "pilotlight"

struct greeting;

/* What is to be thought of all that has come so far; PROBE_WAITS: more is needed. Called before
 * anything came, too, and may add to what is to be sent. */
typedef enum probe_verdict greeting_judge(struct greeting *greeting, char words[PROBE_WORDS_SIZE]);

/* Adds to what is to be sent, before we leave in whatever moment. */
typedef void greeting_part(struct greeting *greeting);

struct greeting {
    struct address address;
    greeting_judge *judge;
    greeting_part *part; /* NULL: there is nothing to say */
    int fd;              /* -1: not opened yet */
    bool connected;
    uint8_t out[128];
    size_t out_size, sent;
    uint8_t in[GREETING_ROOM];
    size_t in_size, judged; /* bytes; of them, those that are done with */
    unsigned said;          /* how often we have spoken */
};

greeting_judge greeting_judge_postgres, greeting_judge_mysql;
greeting_part greeting_part_mysql;

void greeting_send(struct greeting *greeting, const void *data, size_t size);

/* `verdict`, with its words. */
enum probe_verdict greeting_say(
    enum probe_verdict verdict, char words[PROBE_WORDS_SIZE], const char *text);
