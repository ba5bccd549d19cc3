/* What Prometheus sees of the record and of health (pilotlightd(8), MONITORING). */
#pragma once

#include "base/metric.h"
#include "failover/health.h"
#include "failover/keeper.h"

metric_writer keeper_write_metrics; /* context: the struct keeper */
metric_writer health_write_metrics; /* context: the struct health_checks */
