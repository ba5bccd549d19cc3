#include "tests/unit/border_session.h"

#include <stdio.h>
#include <stdlib.h>

static void hold(bool holds, size_t piece, const char *words)
{
    if (holds)
        return;
    fprintf(stderr, "piece %zu: %s\n", piece, words);
    abort();
}

void border_session_add(struct border_session *session, bool from_server, struct span bytes)
{
    hold(session->count < BORDER_SESSION_PIECES, session->count, "too many pieces");
    hold(bytes.size <= BORDER_SESSION_SIZE - session->size, session->count, "too many bytes");
    struct border_piece *piece = &session->pieces[session->count++];
    *piece = (struct border_piece){from_server, session->size, bytes.size, BORDER_ANY};
    memcpy(session->data + session->size, bytes.data, bytes.size);
    session->size += bytes.size;
}

void border_session_expect(struct border_session *session, enum border_verdict expected)
{
    hold(session->count > 0, 0, "nothing to expect yet");
    session->pieces[session->count - 1].expected = expected;
}

void border_session_read(struct border_session *session, struct span file)
{
    size_t at = 0;
    while (at + 2 <= file.size && session->count < BORDER_SESSION_PIECES) {
        bool from_server = file.data[at] & 0x80;
        size_t size = file.data[at] & 0x7f;
        at++;
        if (at + size > file.size || size > BORDER_SESSION_SIZE - session->size)
            return;
        if (size > 0)
            border_session_add(session, from_server, span_of(file.data + at, size));
        else if (session->count > 0)
            border_session_expect(session, file.data[at]);
        at += size ? size : 1;
    }
}

enum border_verdict border_verdict_of(const struct border *border)
{
    if (border->protocol == BORDER_OPAQUE)
        return BORDER_LOST;
    if (!border_reached(border))
        return BORDER_NOT_REACHED;
    return border_ends_transaction(border) ? BORDER_ENDS_TRANSACTION : BORDER_REACHED;
}

static void feed(struct border *border, bool from_server, struct span bytes)
{
    if (from_server)
        border_from_server(border, bytes);
    else
        border_from_client(border, bytes);
}

void border_session_play(const struct border_session *session, struct border *border)
{
    for (size_t i = 0; i < session->count; i++) {
        const struct border_piece *piece = &session->pieces[i];
        feed(border, piece->from_server, span_of(session->data + piece->at, piece->size));
    }
}

/* A whole message that is followed by one byte of another is no border. */
static void leave(const struct border *border, size_t piece)
{
    struct border next;
    for (int from_server = 0; from_server < 2; from_server++) {
        memcpy(&next, border, sizeof next);
        feed(&next, from_server, span_of_text(from_server ? "\x01" : "Q"));
        hold(!border_reached(&next), piece, "a border within a message");
    }
}

static void feed_bytes(struct border *border, bool from_server, struct span bytes, size_t piece)
{
    for (size_t i = 0; i < bytes.size; i++) {
        feed(border, from_server, span_of(bytes.data + i, 1));
        if (border_reached(border))
            leave(border, piece);
    }
}

static void feed_skipping(struct border *border, bool from_server, struct span bytes)
{
    while (bytes.size > 0) {
        uint64_t may = from_server ? border_skippable_from_server(border)
                                   : border_skippable_from_client(border);
        size_t size = may == 0 ? 1 : may < bytes.size ? (size_t)may : bytes.size;
        if (may == 0)
            feed(border, from_server, span_of(bytes.data, 1));
        else if (from_server)
            border_skip_from_server(border, size);
        else
            border_skip_from_client(border, size);
        bytes = span_of(bytes.data + size, bytes.size - size);
    }
}

/* What is left in `start` of messages that were judged has no meaning. */
static bool is_same(const struct border *one, const struct border *other)
{
    struct border borders[2];
    memcpy(&borders[0], one, sizeof *one);
    memcpy(&borders[1], other, sizeof *other);
    for (int i = 0; i < 2; i++) {
        struct border_flow *flows[] = {&borders[i].client, &borders[i].server};
        for (int j = 0; j < 2; j++)
            memset(flows[j]->start + flows[j]->have, 0, BORDER_START_SIZE - flows[j]->have);
    }
    return memcmp(&borders[0], &borders[1], sizeof *one) == 0;
}

/* Every way to cut this piece leads to the same state, all of it. */
static void check_cuts(const struct border *before, const struct border *after, bool from_server,
    struct span bytes, size_t piece)
{
    struct border border;
    for (size_t cut = 1; cut < bytes.size; cut++) {
        memcpy(&border, before, sizeof border);
        feed(&border, from_server, span_of(bytes.data, cut));
        feed(&border, from_server, span_of(bytes.data + cut, bytes.size - cut));
        hold(is_same(&border, after), piece, "differs when cut in two");
    }
    memcpy(&border, before, sizeof border);
    feed_bytes(&border, from_server, bytes, piece);
    hold(is_same(&border, after), piece, "differs byte by byte");
    memcpy(&border, before, sizeof border);
    feed_skipping(&border, from_server, bytes);
    hold(is_same(&border, after), piece, "differs when skipped");
}

void border_session_check(const struct border_session *session)
{
    struct border border, before;
    memset(&border, 0, sizeof border);
    for (size_t i = 0; i < session->count; i++) {
        const struct border_piece *piece = &session->pieces[i];
        struct span bytes = span_of(session->data + piece->at, piece->size);
        memcpy(&before, &border, sizeof border);
        feed(&border, piece->from_server, bytes);
        check_cuts(&before, &border, piece->from_server, bytes, i);
        enum border_verdict verdict = border_verdict_of(&border);
        if (piece->expected != BORDER_ANY && piece->expected != verdict)
            fprintf(stderr, "verdict %d, expected %d\n", verdict, piece->expected);
        hold(piece->expected == BORDER_ANY || piece->expected == verdict, i, "another verdict");
    }
}
