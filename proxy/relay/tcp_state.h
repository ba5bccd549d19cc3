/* What the kernel knows of a peer (tcp(7), TCP_INFO). In a file of its own, because <linux/tcp.h>,
 * which knows of the window, cannot live with <netinet/tcp.h>. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tcp_state {
    bool owes;           /* it has not acknowledged, or not taken, all that was written for it */
    bool unacknowledged; /* something that was sent is not acknowledged */
    bool retransmits;    /* and was sent again */
    bool window_closed;  /* it owes, and has no room for more */
    uint32_t silent_ms;  /* since its last acknowledgement */
};

/* 0 or a negative errno. */
int tcp_state_read(int fd, struct tcp_state *ret);
