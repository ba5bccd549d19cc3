/* What is known beside the record and health (metrics.c has those): the running transition's steps,
 * the sidecar, and whether the record can be written. */
#include "failover/status.h"

static void write_step_times(
    struct metric_text *out, const struct transition *transition, const struct moment *now)
{
    metric_family(out, "pilotlight_step_status", METRIC_GAUGE,
        "1 for the status that each step of the running transition has");
    for (size_t i = 0; transition && i < transition->step_count; i++)
        metric_value(out, "pilotlight_step_status",
            METRIC_LABELS({"step", transition->steps[i].id},
                {"status", step_status_text(transition->steps[i].status)}),
            1);
    metric_family(out, "pilotlight_step_seconds", METRIC_GAUGE,
        "How long each step of the running transition took, or has been running");
    for (size_t i = 0; transition && i < transition->step_count; i++) {
        const struct transition_step *step = &transition->steps[i];
        const struct moment *end = step->ended.wall[0] ? &step->ended : now;
        if (step->started.wall[0])
            metric_value(out, "pilotlight_step_seconds", METRIC_LABELS({"step", step->id}),
                (double)clock_since_ms(&step->started, end) / 1000);
    }
}

static void write_steps(struct metric_text *out, const struct transition *transition)
{
    metric_family(out, "pilotlight_transition_running", METRIC_GAUGE,
        "1 while a transition runs or has stopped in the middle");
    metric_value(out, "pilotlight_transition_running", METRIC_NO_LABELS, transition != NULL);
    metric_family(out, "pilotlight_step_attempts", METRIC_GAUGE,
        "Attempts of each step of the running transition, by its status");
    for (size_t i = 0; transition && i < transition->step_count; i++) {
        const struct transition_step *step = &transition->steps[i];
        metric_value(out, "pilotlight_step_attempts",
            METRIC_LABELS({"step", step->id}, {"status", step_status_text(step->status)}),
            step->attempt);
    }
}

void status_write_metrics(void *context, struct metric_text *out)
{
    const struct status_source *source = context;
    metric_family(out, "pilotlight_info", METRIC_GAUGE, "What runs here");
    metric_value(out, "pilotlight_info",
        METRIC_LABELS({"application", keeper_config(source->keeper)->application},
            {"version", PILOTLIGHT_VERSION}),
        1);
    write_steps(out, keeper_state(source->keeper)->transition);
    write_step_times(
        out, keeper_state(source->keeper)->transition, &keeper_world(source->keeper)->now);
    metric_family(
        out, "pilotlight_sidecar_connected", METRIC_GAUGE, "1 while a sidecar is connected");
    metric_value(out, "pilotlight_sidecar_connected", METRIC_NO_LABELS, source->sidecar_connected);
    metric_family(out, "pilotlight_store_failing", METRIC_GAUGE,
        "1 when the last write of the record failed");
    metric_value(out, "pilotlight_store_failing", METRIC_NO_LABELS,
        keeper_store_error(source->keeper) != NULL);
}
