/* `vend_credentials`: the host's own credentials for applications on this host, as a container's
 * endpoint gives them (AWS_CONTAINER_CREDENTIALS_FULL_URI).
 *
 *     GET http://ADDRESS/.pilotlight/credentials, Authorization: TOKEN
 *
 * What is signed with them can be verified after a switch, for they are known here. The path is no
 * bucket's: no name begins with a dot. */
#pragma once

#include "proxy/gateway/plan.h"

#define VEND_PATH "/.pilotlight/credentials"

/* Nothing else is looked at: whether it is served, to whom, at which host. */
bool vend_is_asked(const struct http_head *request);

/* The answer for whoever asks at the gateway's own address; the plan keeps its text. */
void vend_answer(struct plan *plan, const struct plan_inputs *inputs);
