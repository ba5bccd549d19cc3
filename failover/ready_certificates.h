/* The rows about certificates of database targets: read in every region, compared with the active
 * one's (certificate.h, certificate_rule.h). */
#pragma once

#include "failover/ready_source.h"

#define READY_FETCHES_MAX 32 /* at once */

struct ready_options;

struct ready_source *ready_certificates_new(const struct ready_options *options);
