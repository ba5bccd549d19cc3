#include "tests/unit/fake_writable.h"

#include "base/memory.h"
#include "proxy/relay/writable.h"

#include <stdlib.h>

struct writable {
    struct loop *loop;
    writable_done *done; /* NULL: told, or stopped */
    void *context;
    loop_call *freed;
    void *freed_context;
};

struct fake_writable fake_writable;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `asking` */
static struct writable *asking;

void fake_writable_reset(void)
{
    atomic_store(&fake_writable.started, 0);
    atomic_store(&fake_writable.stopped, 0);
    atomic_store(&fake_writable.words, "still in recovery");
}

static void tell(void *context)
{
    struct writable *writable = context;
    writable_done *done = writable->done;
    writable->done = NULL;
    if (done)
        done(writable->context);
}

void fake_writable_say_yes(void)
{
    pthread_mutex_lock(&lock);
    if (asking)
        loop_post(asking->loop, tell, asking);
    pthread_mutex_unlock(&lock);
}

int writable_prepare(enum config_probe_type type, struct failure *why)
{
    (void)type;
    (void)why;
    return 0;
}

struct writable *writable_start(struct loop *loop, struct lookup *lookup, struct config *config,
    const struct config_endpoint *endpoint, const struct config_target *target, writable_done *done,
    void *context)
{
    (void)lookup;
    (void)config;
    (void)endpoint;
    (void)target;
    struct writable *writable = memory_new(sizeof *writable);
    *writable = (struct writable){.loop = loop, .done = done, .context = context};
    pthread_mutex_lock(&lock);
    asking = writable;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&fake_writable.started, 1);
    return writable;
}

static void end(void *context)
{
    struct writable *writable = context;
    loop_call *freed = writable->freed;
    void *freed_context = writable->freed_context;
    free(writable);
    if (freed)
        freed(freed_context);
}

void writable_stop(struct writable *writable, loop_call *freed, void *context)
{
    writable->done = NULL;
    writable->freed = freed;
    writable->freed_context = context;
    pthread_mutex_lock(&lock);
    if (asking == writable)
        asking = NULL;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&fake_writable.stopped, 1);
    loop_post(writable->loop, end, writable); /* after what was posted to it */
}

const char *writable_words(const struct writable *writable)
{
    (void)writable;
    return atomic_load(&fake_writable.words);
}
