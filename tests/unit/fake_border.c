#include "tests/unit/fake_border.h"

#include "proxy/relay/border.h"

#include <assert.h>

/* The states of a session that is followed. */
#define BETWEEN BORDER_POSTGRES
#define AT_BORDER BORDER_MYSQL

struct fake_border fake_border;

void fake_border_reset(void)
{
    atomic_store(&fake_border.ends_transaction, false);
    atomic_store(&fake_border.skippable, 0);
    atomic_store(&fake_border.seen, 0);
    atomic_store(&fake_border.skipped, 0);
}

void border_from_client(struct border *border, struct span bytes)
{
    atomic_fetch_add(&fake_border.seen, bytes.size);
    if (border->protocol == BORDER_UNDETECTED && bytes.data[0] == '!')
        border->protocol = BORDER_OPAQUE;
    else if (border->protocol != BORDER_OPAQUE)
        border->protocol = BETWEEN;
}

void border_from_server(struct border *border, struct span bytes)
{
    atomic_fetch_add(&fake_border.seen, bytes.size);
    if (border->protocol != BORDER_OPAQUE)
        border->protocol = bytes.data[bytes.size - 1] == ';' ? AT_BORDER : BETWEEN;
}

bool border_reached(const struct border *border)
{
    return border->protocol == AT_BORDER;
}

bool border_ends_transaction(const struct border *border)
{
    assert(border_reached(border));
    return atomic_load(&fake_border.ends_transaction);
}

static uint64_t skippable(const struct border *border)
{
    return border->protocol == BORDER_OPAQUE ? UINT64_MAX : atomic_load(&fake_border.skippable);
}

uint64_t border_skippable_from_client(const struct border *border)
{
    return skippable(border);
}

uint64_t border_skippable_from_server(const struct border *border)
{
    return skippable(border);
}

static void skip(const struct border *border, uint64_t size)
{
    assert(size <= skippable(border));
    atomic_fetch_add(&fake_border.skipped, size);
    if (border->protocol != BORDER_OPAQUE)
        atomic_fetch_sub(&fake_border.skippable, size);
}

void border_skip_from_client(struct border *border, uint64_t size)
{
    skip(border, size);
}

void border_skip_from_server(struct border *border, uint64_t size)
{
    skip(border, size);
}
