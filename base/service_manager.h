/* What a service manager (systemd, or another that speaks its protocols) hands to a daemon and
 * wants to hear from it: sockets that it bound (sd_listen_fds(3)) and readiness (sd_notify(3)).
 *
 * All of it is quietly nothing where no service manager is. On the main thread. */
#pragma once

#include "base/failure.h"

#include <stddef.h>
#include <stdint.h>

/* Sockets that were passed in, nonblocking and close-on-exec by now; -1 ends the array, which is
 * the caller's to free. NULL with 0 when there are none. LISTEN_* leave the environment. -EINVAL or
 * -EBADF with words when the environment promises what is not there. */
int service_manager_sockets(int **ret_sockets, struct failure *why);

/* Each: 0, also without a service manager, or a negative errno; they never block. */
int service_manager_ready(const char *status_line); /* started, or reloaded */
int service_manager_reloading(void);
int service_manager_stopping(void);
int service_manager_alive(void); /* the watchdog's ping */

/* How often the service manager wants to hear `alive` at the latest, milliseconds; 0: never. */
uint64_t service_manager_watchdog_ms(void);
