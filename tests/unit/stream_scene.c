#include "tests/unit/stream_scene.h"

struct stream_scene scene;

bool fetch_stream_answered(struct fetch *fetch, const uint8_t *message, size_t size)
{
    if (!message) {
        fetch->failures++;
        if (fetch->asks_again)
            fetch->asked_again = ask((unsigned)(fetch - scene.fetches), 0x4242);
        return true;
    }
    if (fetch->passes_over > 0) {
        fetch->passes_over--;
        return false;
    }
    fetch->answers++;
    fetch->at = ++scene.answers;
    fetch->answer.size = 0;
    message_put(&fetch->answer, message, size);
    return true;
}

int stream_setup(void **unused)
{
    (void)unused;
    memset(&scene, 0, sizeof scene);
    assert_int_equal(loop_init(&scene.engine.loop, "test"), 0);
    played_open(&scene.peer, &scene.engine.loop.uv);
    scene.upstream =
        (struct upstream){.address = scene.peer.address, .references = 1, .listed = true};
    return 0;
}

int stream_teardown(void **unused)
{
    (void)unused;
    stream_close(&scene.upstream, true);
    loop_fini(&scene.engine.loop);
    assert_int_equal(scene.upstream.references, 1); /* the connection's is given back */
    played_close(&scene.peer);
    return 0;
}

void question_of(uint16_t id, size_t size, struct message *ret)
{
    ret->size = 0;
    message_put16(ret, id);
    while (ret->size < size)
        message_put(ret, &(uint8_t){(uint8_t)(ret->size * 7 + id)}, 1);
}

int ask_large(unsigned fetch, uint16_t id, size_t size)
{
    static struct message question;
    question_of(id, size, &question);
    return stream_send(
        &scene.engine, &scene.upstream, &scene.fetches[fetch], question.data, question.size);
}

int ask(unsigned fetch, uint16_t id)
{
    return ask_large(fetch, id, QUESTION_SIZE);
}

void is_question(const struct message *heard, uint16_t id)
{
    static struct message expected;
    question_of(id, heard->size, &expected);
    assert_memory_equal(heard->data, expected.data, expected.size);
}

void hears_question(uint16_t id)
{
    hears_framed(&scene.peer);
    is_question(&scene.peer.heard, id);
}

void answer_of(uint16_t id, uint8_t mark, struct message *ret)
{
    ret->size = 0;
    message_put16(ret, id);
    message_put(ret, "\x81\x80\0\0\0\0\0\0\0\0", DNS_HEADER_SIZE - 2);
    message_put(ret, &mark, 1);
}

void answers_id(uint16_t id, uint8_t mark)
{
    static struct message answer;
    answer_of(id, mark, &answer);
    says_framed(&scene.peer, &answer);
}

void is_answered(unsigned fetch, uint8_t mark)
{
    struct fetch *told = &scene.fetches[fetch];
    runs_until(&scene.engine.loop.uv, &told->answers, 1);
    assert_int_equal(told->answers, 1);
    assert_int_equal(told->failures, 0);
    assert_int_equal(told->answer.data[DNS_HEADER_SIZE], mark);
}

void is_failed(unsigned fetch)
{
    struct fetch *told = &scene.fetches[fetch];
    runs_until(&scene.engine.loop.uv, &told->failures, 1);
    assert_int_equal(told->failures, 1);
    assert_int_equal(told->answers, 0);
}
