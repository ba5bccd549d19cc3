/* On the good day each piece is a few whole messages: of each the first bytes are gathered and
 * judged by its protocol, and the rest of it is stepped over by its length.
 *
 * What can go wrong: a piece ends anywhere, so what was gathered stays in `start` until more comes.
 * A length or a message that the protocol does not know makes the session opaque, for good: what
 * comes after it could be read in any way. Who speaks first tells the protocols apart: a PostgreSQL
 * client, a MySQL server. */
#include "proxy/relay/border_parts.h"

static_assert(sizeof(struct border) <= 96, "every relayed connection has one");

static size_t wants(const struct border *border, const struct border_flow *flow)
{
    return border->protocol == BORDER_MYSQL ? mysql_wants(border, flow)
                                            : postgres_wants(border, flow);
}

static void judge(struct border *border, struct border_flow *flow)
{
    if (border->protocol == BORDER_MYSQL)
        mysql_judge(border, flow);
    else
        postgres_judge(border, flow);
}

static size_t gather(struct border *border, struct border_flow *flow, struct span bytes)
{
    size_t missing = wants(border, flow) - flow->have;
    size_t size = bytes.size < missing ? bytes.size : missing;
    assert(missing > 0 && flow->have + missing <= BORDER_START_SIZE);
    memcpy(flow->start + flow->have, bytes.data, size);
    flow->have += (uint8_t)size;
    if (wants(border, flow) == flow->have)
        judge(border, flow);
    return size;
}

static bool watches(const struct border *border, const struct border_flow *flow)
{
    return border->protocol == BORDER_MYSQL && mysql_watches(border, flow);
}

static size_t step_over(struct border *border, struct border_flow *flow, struct span bytes)
{
    size_t size = bytes.size < flow->left ? bytes.size : flow->left;
    if (watches(border, flow)) {
        flow->left--;
        mysql_watch(border, flow, bytes.data[0]);
        return 1;
    }
    flow->left -= (uint32_t)size;
    return size;
}

static size_t pass_rows(
    const struct border *border, const struct border_flow *flow, struct span bytes)
{
    if (flow != &border->server || flow->have > 0)
        return 0;
    return border->protocol == BORDER_MYSQL ? mysql_rows(border, bytes)
                                            : postgres_rows(border, bytes);
}

static void follow(struct border *border, struct border_flow *flow, struct span bytes)
{
    while (bytes.size > 0 && border->protocol != BORDER_OPAQUE) {
        size_t size = flow->left ? step_over(border, flow, bytes) : pass_rows(border, flow, bytes);
        if (size == 0)
            size = gather(border, flow, bytes);
        bytes = span_of(bytes.data + size, bytes.size - size);
    }
}

void border_from_client(struct border *border, struct span bytes)
{
    if (border->protocol == BORDER_UNDETECTED && bytes.size > 0)
        border->protocol = BORDER_POSTGRES;
    follow(border, &border->client, bytes);
}

void border_from_server(struct border *border, struct span bytes)
{
    if (border->protocol == BORDER_UNDETECTED && bytes.size > 0)
        border->protocol = BORDER_MYSQL;
    follow(border, &border->server, bytes);
}

bool border_reached(const struct border *border)
{
    if (!border_flow_rests(&border->client) || !border_flow_rests(&border->server))
        return false;
    if (border->protocol == BORDER_POSTGRES)
        return postgres_reached(&border->postgres);
    return border->protocol == BORDER_MYSQL && mysql_reached(&border->mysql);
}

bool border_ends_transaction(const struct border *border)
{
    if (!border_reached(border))
        return false;
    return border->protocol == BORDER_POSTGRES ? border->postgres.ended_block
                                               : border->mysql.ended_block;
}

static uint64_t skippable(const struct border *border, const struct border_flow *flow)
{
    if (border->protocol == BORDER_OPAQUE)
        return UINT64_MAX;
    return watches(border, flow) ? 0 : flow->left;
}

static void skip(struct border *border, struct border_flow *flow, uint64_t size)
{
    assert(size <= skippable(border, flow));
    if (border->protocol != BORDER_OPAQUE)
        flow->left -= (uint32_t)size;
}

uint64_t border_skippable_from_client(const struct border *border)
{
    return skippable(border, &border->client);
}

uint64_t border_skippable_from_server(const struct border *border)
{
    return skippable(border, &border->server);
}

void border_skip_from_client(struct border *border, uint64_t size)
{
    skip(border, &border->client, size);
}

void border_skip_from_server(struct border *border, uint64_t size)
{
    skip(border, &border->server, size);
}
