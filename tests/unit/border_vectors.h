/* Recorded sessions, tests/vectors/border. */
#pragma once

/* Checks every session of this folder there; how many. */
int border_vectors_check(const char *protocol);
