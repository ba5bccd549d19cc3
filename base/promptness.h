/* How soon a thread gets a processor when others want it too. */
#pragma once

/* The calling thread answers within microseconds and must not wait until a busy thread's slice is
 * over: asks for short slices of its own, which let it in at once (sched(7), sched_setattr(2);
 * Linux 6.12 and later, others take no notice). Needs no privilege; where it is refused the thread
 * goes on as it was. */
void promptness_ask(void);
