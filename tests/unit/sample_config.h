/* A configuration made in code, for units that need one and are not about reading it.
 *
 * Regions: eu-west-1 (home), us-west-2, ap-south-1. Groups: data (a database with a relay), legacy
 * (a database that only DNS knows), static and search (no database); one endpoint in each, with the
 * group's name and "-1". Static memory, made afresh by each call. */
#pragma once

#include "config/config.h"

/* A literal where the shape has a `char *` that nobody writes to. */
#define TEXT(literal) ((char *)(literal))

struct config *sample_config(void);

/* Gives us-west-2 a runbook: fence (data), promote (data), switch (data and static) and
 * switch-legacy (legacy), for both kinds of move, at most once an hour. No step fences legacy, none
 * switches search. */
void sample_runbook(struct config *config);
