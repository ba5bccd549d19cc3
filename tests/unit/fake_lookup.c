#include "tests/unit/fake_lookup.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct fake_record {
    struct fake_record *next;
    char name[NAME_TEXT_SIZE];
    unsigned asked;
    struct lookup_answer answer;
};

struct fake_question {
    struct fake_question *next;
    struct loop *home;
    char name[NAME_TEXT_SIZE];
    struct lookup_answer answer;
    lookup_done *done;
    void *context;
};

/* Under the lock. */
static struct fake_record *record_of(struct fake_lookup *fake, const char *name)
{
    for (struct fake_record *each = fake->records; each; each = each->next) {
        if (strcmp(each->name, name) == 0)
            return each;
    }
    struct fake_record *record = memory_new(sizeof *record);
    memcpy(record->name, name, strlen(name));
    record->next = fake->records;
    fake->records = record;
    return record;
}

static void answer(void *context)
{
    struct fake_question *question = context;
    int status = question->answer.count > 0 ? 0 : UV_EAI_AGAIN;
    question->done(question->context, status, &question->answer);
    free(question);
}

/* Under the lock. */
static void send_answer(struct fake_lookup *fake, struct fake_question *question)
{
    question->answer = record_of(fake, question->name)->answer;
    loop_post(question->home, answer, question);
}

static void start(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_done *done, void *context)
{
    struct fake_lookup *fake = (struct fake_lookup *)lookup;
    struct fake_question *question = memory_new(sizeof *question);
    *question = (struct fake_question){.home = home, .done = done, .context = context};
    name_to_text(name->wire, name->size, question->name);
    pthread_mutex_lock(&fake->lock);
    record_of(fake, question->name)->asked++;
    if (fake->hold) {
        question->next = fake->waiting;
        fake->waiting = question;
    } else {
        send_answer(fake, question);
    }
    pthread_mutex_unlock(&fake->lock);
}

void fake_lookup_init(struct fake_lookup *fake)
{
    *fake = (struct fake_lookup){.lookup = {.start = start}};
    pthread_mutex_init(&fake->lock, NULL);
}

void fake_lookup_fini(struct fake_lookup *fake)
{
    for (struct fake_record *each = fake->records, *next; each; each = next) {
        next = each->next;
        free(each);
    }
    pthread_mutex_destroy(&fake->lock);
}

void fake_lookup_add(struct fake_lookup *fake, const char *name, const struct address *address)
{
    pthread_mutex_lock(&fake->lock);
    struct lookup_answer *answer = &record_of(fake, name)->answer;
    answer->addresses[answer->count] = *address;
    address_set_port(&answer->addresses[answer->count++], 0);
    pthread_mutex_unlock(&fake->lock);
}

void fake_lookup_clear(struct fake_lookup *fake, const char *name)
{
    pthread_mutex_lock(&fake->lock);
    record_of(fake, name)->answer.count = 0;
    pthread_mutex_unlock(&fake->lock);
}

void fake_lookup_set(struct fake_lookup *fake, const char *name, const struct address *address)
{
    fake_lookup_clear(fake, name);
    fake_lookup_add(fake, name, address);
}

unsigned fake_lookup_count(struct fake_lookup *fake, const char *name)
{
    pthread_mutex_lock(&fake->lock);
    unsigned asked = record_of(fake, name)->asked;
    pthread_mutex_unlock(&fake->lock);
    return asked;
}

void fake_lookup_hold(struct fake_lookup *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->hold = true;
    pthread_mutex_unlock(&fake->lock);
}

void fake_lookup_release(struct fake_lookup *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->hold = false;
    while (fake->waiting) {
        struct fake_question *question = fake->waiting;
        fake->waiting = question->next;
        send_answer(fake, question);
    }
    pthread_mutex_unlock(&fake->lock);
}
