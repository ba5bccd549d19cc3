/* Starting again in place: the same process id, the same program, a clean memory.
 *
 * For the watchdog: a loop that hangs cannot be repaired, but the record on disk is whole. */
#pragma once

/* First thing in main, before anything changes the environment. `arguments` are main's. */
void restart_prepare(char **arguments);

/* Sockets that a service manager passed (ended by -1; NULL accepted): the restarted program finds
 * them again, as the first one did. Borrowed for good. */
void restart_keep(const int *sockets);

/* Does not return. From any thread, whatever the others do: takes no lock and allocates nothing.
 * Without a way to start again it exits with 70, and the service manager starts us. */
_Noreturn void restart_now(void);
