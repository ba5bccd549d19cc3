/* What the files of `link` share. Nobody else includes this. */
#pragma once

#include "failover/aws/link.h"
#include "failover/aws/link_line.h"

enum link_phase { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct link_call {
    uint64_t id;
    link_replied *replied;
    void *context;
    struct link_call *next;
};

struct link_question {
    struct link *link;   /* NULL: it is gone */
    uint64_t connection; /* on which it was asked */
    cJSON *id;
    struct link_question *next;
};

struct link {
    struct loop *loop;
    struct link_options options;
    char *socket;
    enum link_phase phase;
    uint64_t connection; /* counts them */
    uint64_t last_id;
    struct link_call *calls; /* under way, in no order */
    struct link_question *questions;
    struct link_lines lines;
    char room[65536];

    uv_pipe_t pipe;
    uv_connect_t connect;
    uv_timer_t pause;
    uint64_t pause_ms;
    char *said; /* why there is no line, as the log has it */

    unsigned open; /* handles */
    bool pipe_open, flushing, freeing;
    loop_call *freed;
    void *freed_context;
};

/* link.c */
void link_break(struct link *link, const char *words); /* and draws it again */
void link_is_up(struct link *link);
void link_flush(struct link *link); /* soon: ends the calls that cannot go out */

/* link_message.c */
void link_greet(struct link *link);
void link_hear(struct link *link, const char *line, size_t size);
void link_forget_questions(struct link *link);
