/* What Route 53 means by a zone and by a record, for the step and for its policy.
 *
 * A record is as the runbook has it: {"name", "type", "ttl", "values"}, checked; a set is a
 * ResourceRecordSet as Route 53 answers it. */
#pragma once

#include "base/text.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE53_ID_MAX 32 /* bytes of a zone's or a change's id */

/* "Z123" of "Z123" and of "/hostedzone/Z123"; NULL: it is a zone's name. Points into `zone`. */
const char *route53_zone_id(const char *zone);

/* Letter case, the last dot and octal escapes ("\052.shop.example") make no difference. */
bool route53_same_name(const char *one, const char *other);

uint64_t route53_ttl(const cJSON *record); /* seconds */

bool route53_is_of(const cJSON *set, const cJSON *record); /* name and type; nothing else */
bool route53_is_simple(const cJSON *set);                  /* not one of several by policy */
/* TTL and values; the order of values makes no difference. An alias never is. */
bool route53_is_equal(const cJSON *set, const cJSON *record);

/* <ResourceRecordSet>…</ResourceRecordSet>, in the order that the API wants. */
void route53_write(struct text *xml, const cJSON *record);

/* The query that lists from this record on: its own set comes first if there is one. */
void route53_write_query(struct text *query, const cJSON *record);

/* The query that lists the zones from this name on. */
void route53_write_zone_query(struct text *query, const char *zone);
