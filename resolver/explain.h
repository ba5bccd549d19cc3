/* `pilotlight explain`: how a name would be answered now, and why. Asks nobody. */
#pragma once

#include "resolver/engine.h"

/* On the engine's thread. The caller's to delete:
 *   {"name", "type", "source": "managed"|"cache"|"stale"|"local"|"forward", "rcode": text|null,
 *    "endpoint", "group", "status": "open"|"fenced"|"undecided", "region", "target"  (managed),
 *    "upstreams": [text …], "needs": name   (what would have to be asked of whom),
 *    "answer": ["db.shop.internal. 1 IN CNAME …" …], "message": one line for people} */
cJSON *explain(struct engine *engine, const struct name *name, uint16_t type);
