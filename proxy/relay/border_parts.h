/* Between border.c, which cuts both directions into messages, and the two protocols, which judge
 * them. */
#pragma once

#include "proxy/relay/border.h"

#include <assert.h>

static inline void border_become_opaque(struct border *border)
{
    border->protocol = BORDER_OPAQUE;
}

/* Between two messages. */
static inline bool border_flow_rests(const struct border_flow *flow)
{
    return flow->have == 0 && flow->left == 0 && !flow->continued;
}

/* The message in `start` is judged; the rest of it passes unseen. */
static inline void border_pass_rest(struct border_flow *flow, uint32_t left)
{
    flow->left = left;
    flow->have = 0;
}

/* How many bytes of a message's start it takes to judge it, as far as can be told from those that
 * are there: more than there are, until it is enough. */
size_t postgres_wants(const struct border *border, const struct border_flow *flow);
size_t mysql_wants(const struct border *border, const struct border_flow *flow);

/* Judges the message in `flow->start`. */
void postgres_judge(struct border *border, struct border_flow *flow);
void mysql_judge(struct border *border, struct border_flow *flow);

/* Between two messages of the server: how many of these bytes are whole rows behind another row.
 * They tell nothing and are most of what a server sends, so they are stepped over at once. */
size_t postgres_rows(const struct border *border, struct span bytes);
size_t mysql_rows(const struct border *border, struct span bytes);

/* MySQL's first packet of either side is looked at byte by byte, as its fields have no fixed
 * place: then nothing of its body may pass unseen. */
bool mysql_watches(const struct border *border, const struct border_flow *flow);
void mysql_watch(struct border *border, struct border_flow *flow, uint8_t byte);

bool postgres_reached(const struct border_postgres *postgres);
bool mysql_reached(const struct border_mysql *mysql);
