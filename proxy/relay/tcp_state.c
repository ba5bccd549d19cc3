#include "proxy/relay/tcp_state.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define STATE_CLOSE 7 /* TCP_CLOSE of <netinet/tcp.h>; what was not sent then never will be */

int tcp_state_read(int fd, struct tcp_state *ret)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return -errno;
    bool owes =
        info.tcpi_state != STATE_CLOSE && (info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0);
    *ret = (struct tcp_state){
        .owes = owes,
        .unacknowledged = info.tcpi_unacked > 0,
        .retransmits = info.tcpi_retransmits > 0,
        .window_closed = owes && info.tcpi_snd_wnd == 0,
        .silent_ms = info.tcpi_last_ack_recv,
    };
    return 0;
}
