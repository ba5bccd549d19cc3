/* PostgreSQL's frontend/backend protocol 3 ("Message Flow" and "Message Formats" in its manual). On
 * the good day a startup packet, a login, and then for each Query and Sync a ReadyForQuery that
 * tells the transaction's status: when all of them have come and the last one says idle, the
 * session is at a border.
 *
 * What can go wrong is the count. A Sync that the server reads while it takes rows of COPY gets no
 * answer, nor does a Query that it skips behind an error, up to the next Sync. Both are counted
 * exactly where the order of messages proves what the server has read (see `end_copy`), and where
 * it does not, the session is opaque. The count is never too low, so the first ReadyForQuery of a
 * pipeline is no border. */
#include "proxy/relay/border_parts.h"

#define HEADER_SIZE 5        /* type, and a length that counts itself but not the type */
#define LENGTH_MAX (1 << 30) /* more than the server takes or sends (MaxAllocSize) */
#define STARTUP_HEADER_SIZE 8
#define STARTUP_MAX 10000 /* as the server has it: MAX_STARTUP_PACKET_LENGTH */
#define REQUEST_SSL 80877103u
#define REQUEST_GSSENC 80877104u

enum phase {
    PHASE_STARTUP, /* or a request for encryption */
    PHASE_OFFERED, /* encryption: one byte from the server says whether */
    PHASE_LOGIN,
    PHASE_READY,
};

static bool is_in(const char *types, uint8_t type)
{
    return type != '\0' && strchr(types, type) != NULL;
}

size_t postgres_wants(const struct border *border, const struct border_flow *flow)
{
    bool starting = border->postgres.phase < PHASE_LOGIN;
    if (flow == &border->client && border->postgres.phase == PHASE_STARTUP)
        return STARTUP_HEADER_SIZE;
    if (starting)
        return 1; /* the answer to an offer, or somebody speaks out of turn */
    bool is_ready = flow == &border->server && flow->have > 0 && flow->start[0] == 'Z';
    return is_ready ? HEADER_SIZE + 1 : HEADER_SIZE;
}

/* CancelRequest is no session either: the server acts and hangs up. */
static void judge_startup(struct border *border)
{
    struct border_flow *flow = &border->client;
    uint32_t size = read_be32(flow->start), code = read_be32(flow->start + 4);
    bool is_offer = (code == REQUEST_SSL || code == REQUEST_GSSENC) && size == STARTUP_HEADER_SIZE;
    bool is_version_3 = code >> 16 == 3;
    if (size < STARTUP_HEADER_SIZE || size > STARTUP_MAX || !(is_offer || is_version_3))
        return border_become_opaque(border);
    border->postgres.phase = is_offer ? PHASE_OFFERED : PHASE_LOGIN;
    border_pass_rest(flow, size - STARTUP_HEADER_SIZE);
}

static void judge_offer(struct border *border, struct border_flow *flow)
{
    if (flow != &border->server || flow->start[0] != 'N')
        return border_become_opaque(border);
    border->postgres.phase = PHASE_STARTUP;
    border_pass_rest(flow, 0);
}

static bool is_answered(const struct border_postgres *postgres)
{
    return postgres->pending == 0 && !postgres->unsynced;
}

static void begin_exchange(struct border_postgres *postgres)
{
    postgres->queried = postgres->extended = postgres->entangled = false;
    postgres->copy_ends = 0;
}

static void expect_ready(struct border *border)
{
    struct border_postgres *postgres = &border->postgres;
    if (postgres->pending == UINT32_MAX)
        return border_become_opaque(border);
    postgres->pending++;
    postgres->since_copy++;
}

static void note_query(struct border *border)
{
    struct border_postgres *postgres = &border->postgres;
    if (is_answered(postgres))
        begin_exchange(postgres);
    postgres->queried = true;
    postgres->entangled |= postgres->unsynced;
    expect_ready(border);
}

static void note_extended(struct border_postgres *postgres, bool is_sync)
{
    if (is_answered(postgres))
        begin_exchange(postgres);
    postgres->extended = true;
    postgres->unsynced = !is_sync;
}

/* It may come late for a COPY that failed: then the server drops it, and so does the next exchange.
 */
static void note_copy_end(struct border_postgres *postgres)
{
    if (postgres->copy_ends < 2)
        postgres->copy_ends++;
    postgres->since_copy = 0;
}

static void judge_client(struct border *border, uint8_t type)
{
    struct border_postgres *postgres = &border->postgres;
    switch (type) {
    case 'Q':
    case 'F':
        return note_query(border);
    case 'S':
        note_extended(postgres, true);
        return expect_ready(border);
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C':
    case 'H':
        return note_extended(postgres, false);
    case 'c':
    case 'f':
        return note_copy_end(postgres);
    case 'X': /* the last message: nothing will be ready again */
        postgres->unsynced = true;
        return;
    case 'd':
    case 'p':
        return;
    default:
        border_become_opaque(border);
    }
}

static void note_ready(struct border *border, uint8_t status)
{
    struct border_postgres *postgres = &border->postgres;
    bool is_login = postgres->phase == PHASE_LOGIN;
    if ((!is_login && postgres->pending == 0) || postgres->copying || !is_in("ITE", status))
        return border_become_opaque(border);
    if (!is_login)
        postgres->pending--;
    postgres->phase = PHASE_READY;
    postgres->ended_block = status == 'I' && is_in("TE", postgres->status);
    postgres->status = status;
    postgres->answering = false;
}

/* Within one exchange Query and Sync together leave it open whose COPY this is. */
static void begin_copy(struct border *border)
{
    struct border_postgres *postgres = &border->postgres;
    if (postgres->copying || is_answered(postgres) || (postgres->queried && postgres->extended))
        return border_become_opaque(border);
    postgres->copying = true;
}

/* Done: the server has read up to the only CopyDone, and every Sync before it went unanswered; what
 * still comes is ReadyForQuery of the Query itself and of everything behind CopyDone. Failed: it
 * stopped reading rows somewhere, so each Sync before that may be answered or not. */
static void end_copy(struct border *border, bool done)
{
    struct border_postgres *postgres = &border->postgres;
    uint32_t behind = postgres->copy_ends ? postgres->since_copy : 0;
    uint32_t pending = behind + (postgres->queried ? 1 : 0);
    if (done ? postgres->copy_ends != 1 : pending != postgres->pending)
        return border_become_opaque(border);
    postgres->copying = false;
    postgres->copy_ends = 0;
    postgres->pending = pending;
    if (pending == 0)
        postgres->unsynced = true;
}

static void note_answer(struct border *border, uint8_t type)
{
    struct border_postgres *postgres = &border->postgres;
    if (type == 'G')
        begin_copy(border);
    else if (postgres->copying && (type == 'C' || type == 'E'))
        end_copy(border, type == 'C');
    else if (type == 'E' && postgres->entangled)
        border_become_opaque(border); /* did the server skip the Query? */
    if (!is_in("NSA", type))          /* these may come at any time */
        postgres->answering = true;
}

/* 'W' begins CopyBoth (replication): not understood, on purpose. */
static void judge_server(struct border *border, uint8_t type, uint32_t length)
{
    const char *types = border->postgres.phase == PHASE_LOGIN ? "RKSNEv" : "123ACDEGHINSTVcdnst";
    if (type == 'Z' && length == HEADER_SIZE)
        note_ready(border, border->server.start[HEADER_SIZE]);
    else if (type != 'Z' && is_in(types, type))
        note_answer(border, type);
    else
        border_become_opaque(border);
}

static void judge_message(struct border *border, struct border_flow *flow)
{
    uint8_t type = flow->start[0];
    uint32_t length = read_be32(flow->start + 1);
    if (length < HEADER_SIZE - 1 || length > LENGTH_MAX)
        return border_become_opaque(border);
    if (flow == &border->client)
        judge_client(border, type);
    else
        judge_server(border, type, length);
    border_pass_rest(flow, length + 1 - flow->have);
}

void postgres_judge(struct border *border, struct border_flow *flow)
{
    if (border->postgres.phase >= PHASE_LOGIN)
        judge_message(border, flow);
    else if (border->postgres.phase == PHASE_STARTUP && flow == &border->client)
        judge_startup(border);
    else
        judge_offer(border, flow);
}

size_t postgres_rows(const struct border *border, struct span bytes)
{
    size_t at = 0;
    if (border->postgres.phase != PHASE_READY || !border->postgres.answering)
        return 0;
    while (bytes.size - at > HEADER_SIZE && (bytes.data[at] == 'D' || bytes.data[at] == 'd')) {
        uint32_t length = read_be32(bytes.data + at + 1);
        if (length < HEADER_SIZE - 1 || length >= bytes.size - at)
            break;
        at += length + 1;
    }
    return at;
}

bool postgres_reached(const struct border_postgres *postgres)
{
    return postgres->status == 'I' && !postgres->answering && is_answered(postgres);
}
