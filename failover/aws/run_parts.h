/* What the files of `run` share. Nobody else includes this. */
#pragma once

#include "failover/aws/run.h"

enum run_phase {
    RUN_LOOKS,
    RUN_PAUSES,  /* then it looks */
    RUN_INTENDS, /* until the daemon has it */
    RUN_ACTS,
    RUN_ASKS,    /* until a person has spoken */
    RUN_REPORTS, /* its end; again, until the daemon has it */
    RUN_DROPPED
};

struct run {
    struct step_host host; /* first: the kinds' way back to us */
    struct step step;
    struct loop *loop;
    struct config *config;
    struct aws *aws;
    struct run_owner owner;
    struct run_gate *gate;
    struct run *next_waiting; /* at the gate */
    bool in_gate;
    enum run_phase phase;

    unsigned goal_looks, must_looks; /* in a row */
    bool stopped;                    /* the transition has: nothing new is done */
    bool acts_refused, acts_unclear; /* what became of the calls of this act */
    bool acted_before;               /* this act */
    bool acts_taken;                 /* AWS answered one that it took */
    bool intended_again;             /* the first time was too long ago */
    struct aws_call *call;
    bool call_acts;
    step_replied *replied;
    step_told *on_told;

    char words[STATE_DETAIL_MAX + 1]; /* the latest */
    char aws_code[STATE_WORD_MAX + 1], aws_request_id[STATE_WORD_MAX + 1];
    enum step_status end; /* RUN_REPORTS */
    int64_t lag_ms;       /* -1: none */

    enum step_status told; /* what the record says, as far as we know */
    char *told_words;      /* NULL: nothing that we know */
    uint64_t told_ms;      /* when we said so */
    bool telling;          /* other words are on their way */

    uv_timer_t pause, deadline, news;
    unsigned open; /* handles and replies that are to come */
};

/* run.c */
void run_look(struct run *run);
void run_act(struct run *run);
void run_pause(struct run *run, uint64_t pause_ms);
void run_ended(struct run *run, enum step_end end); /* a look or an act */
void run_release(struct run *run);                  /* one of `open` */

/* run_host.c: what the kinds see of us */
void run_host_init(struct run *run);
void run_cut(struct run *run); /* the look or act under way ends without a word */

/* run_gate.c */
bool run_gate_enter(struct run *run); /* false: it looks when it is its turn */
void run_gate_leave(struct run *run);

/* run_report.c */
#define RUN_AGAIN_MS 1000  /* what could not be written is written again; how often words change */
#define RUN_INTENT_MS 2000 /* an act is sent within that of its intent */
void run_set_words(struct run *run, const char *words, const char *more);
void run_report_news(struct run *run);
void run_report_intent(struct run *run);
void run_report_end(struct run *run);
