/* Upload ids and continuation tokens are worth something in one region alone, and only to whoever
 * gave them out. After a switch they have to be refused (404 NoSuchUpload, 400 InvalidArgument),
 * but S3-compatible stores take foreign tokens for keys and go on where they like, so upstream's
 * word is not enough; and the gateway keeps no list of what it has seen.
 *
 * So the region is written into the id: whenever an answer is mapped, because another region than
 * the application's serves it, ids leave as "~XXXXXXXX~ID", X being a hash of the region's name.
 * An id without mark comes from the region that the application's name means: only that one's
 * answers pass without being mapped. After a switch, and after the switch back, each id goes to
 * where it came from or is refused, on every host alike. A bucket that is used under both regions'
 * names at once knows its upload by the name that began it. */
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "config/config.h"

void regional_id_mark(const struct config *config, size_t region, struct text *ret);

/* The region that gave the id out: `unmarked` when it has no mark, CONFIG_NONE when the mark is of
 * no configured region. `raw` may be percent-encoded; `*ret_id` is what stands behind the mark. */
size_t regional_id_origin(
    const struct config *config, struct span raw, size_t unmarked, struct span *ret_id);
