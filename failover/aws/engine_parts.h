/* What the files of `engine` share. Nobody else includes this. */
#pragma once

#include "base/http_client.h"
#include "failover/aws/engine.h"
#include "failover/aws/link.h"
#include "failover/aws/run.h"
#include "failover/aws/runbook.h"

#include <sys/stat.h>

struct engine_run {
    struct run *run;
    struct engine_run *next;
};

struct engine {
    struct loop *loop;
    char *config_path;
    struct config *config;
    struct stat config_file; /* as it was read */
    bool reload_wanted;
    struct link *link;
    struct http_client *client;
    struct aws **aws;  /* one per region; NULL: its runbook calls nothing */
    unsigned aws_open; /* that are being freed */

    struct state *state; /* the daemon's latest; NULL: not known */
    unsigned force;      /* of its transition */
    uint64_t floor;      /* revision: an older status says nothing new */
    char transition[40]; /* whose runs these are */
    struct engine_run *runs;
    struct run_gate gate;
    struct engine_question *questions; /* that have no answer yet */
    bool ending;                       /* `end` is under way */
    uv_timer_t again;

    bool freeing;
    unsigned open;
    loop_call *freed;
    void *freed_context;
};

/* engine.c */
void engine_reconcile(struct engine *engine);
void engine_aws_freed(void *engine);

/* engine_config.c */
bool engine_config_changed(const struct engine *engine); /* the file is another one */
void engine_take_config(struct engine *engine);          /* it, or it stays as it is */
bool engine_calls_aws(const struct config_runbook *runbook);
struct aws *engine_aws(const struct engine *engine, const char *region);
void engine_prepare_aws(struct engine *engine);
void engine_release_aws(struct engine *engine); /* each ends with engine_aws_freed */

/* engine_questions.c */
struct engine_question;
void engine_end_questions(struct engine *engine, const char *words);
void engine_asked(
    void *context, const char *method, const cJSON *params, struct link_question *question);
