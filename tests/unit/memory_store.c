#include "tests/unit/memory_store.h"

#include <errno.h>
#include <stddef.h>

static struct memory_store *of(struct store *store)
{
    return (struct memory_store *)((char *)store - offsetof(struct memory_store, store));
}

static int read_record(struct store *store, struct store_read *ret)
{
    struct memory_store *memory = of(store);
    ret->reading = memory->refused ? STORE_REFUSED : memory->state ? STORE_RECORD : STORE_NEW;
    ret->state = ret->reading == STORE_RECORD ? state_copy(memory->state) : NULL;
    ret->seen_revision = memory->seen_revision;
    ret->seen_epoch = memory->seen_epoch;
    if (memory->refused)
        failure_set(&ret->why, 0, "memory: truncated");
    return memory->read_status;
}

static void finish_write(void *context)
{
    struct memory_store *memory = context;
    struct state *next = memory->next;
    struct failure why = {0};
    uint64_t stored = memory->state ? memory->state->revision : 0;
    int status = stored == memory->expected ? memory->write_status : -ESTALE;
    bool in_place = status == 0 || (status != -ESTALE && memory->in_place);
    memory->next = NULL;
    if (in_place) {
        state_free(memory->state);
        memory->state = next;
        memory->refused = false;
    } else {
        state_free(next);
    }
    if (status < 0)
        failure_set(&why, status, "memory: %s",
            status == -ESTALE ? "another revision is there" : log_error_text(status));
    memory->done(memory->context, status, in_place, &why);
}

static void write_record(
    struct store *store, struct state *next, uint64_t expected, store_written *done, void *context)
{
    struct memory_store *memory = of(store);
    memory->writes++;
    memory->next = state_copy(next);
    memory->expected = expected;
    memory->done = done;
    memory->context = context;
    if (memory->on_write)
        memory->on_write(memory->on_write_context);
    if (!memory->hold)
        loop_post(memory->loop, finish_write, memory);
}

static void free_store(struct store *store)
{
    of(store)->freed = true;
}

static const char *describe(struct store *store)
{
    (void)store;
    return "memory";
}

void memory_store_init(struct memory_store *store, struct loop *loop)
{
    static const struct store_interface calls = {
        .read = read_record,
        .write = write_record,
        .free = free_store,
        .describe = describe,
    };
    *store = (struct memory_store){.store = {.calls = &calls}, .loop = loop};
}

void memory_store_fini(struct memory_store *store)
{
    state_free(store->next);
    state_free(store->state);
}

void memory_store_release(struct memory_store *store)
{
    store->hold = false;
    loop_post(store->loop, finish_write, store);
}
