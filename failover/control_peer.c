/* On the good day: the kernel tells uid and groups (SO_PEERCRED, SO_PEERGROUPS), the user database
 * the names. A group or a user that it does not know, or that it cannot tell, gives no right. */
#include "failover/control_peer.h"

#include "base/memory.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD_MAX (1u << 20) /* bytes of one entry of the user database */

/* The supplementary groups and room for one more. */
static int read_groups(int fd, struct peer *ret)
{
    socklen_t size = 32 * sizeof(gid_t);
    for (;;) {
        ret->groups = memory_resize(ret->groups, size + sizeof(gid_t), 1);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->groups, &size) == 0)
            break;
        if (errno != ERANGE)
            return -errno;
    }
    ret->group_count = size / sizeof(gid_t);
    return 0;
}

int peer_read(int fd, struct peer *ret)
{
    *ret = (struct peer){0};
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    int status = read_groups(fd, ret);
    if (status < 0)
        return status;
    ret->uid = credentials.uid;
    ret->groups[ret->group_count++] = credentials.gid;
    return 0;
}

struct peer peer_copy(const struct peer *peer)
{
    struct peer copy = *peer;
    copy.groups = memory_new_array(peer->group_count, sizeof *copy.groups);
    memcpy(copy.groups, peer->groups, peer->group_count * sizeof *copy.groups);
    return copy;
}

void peer_fini(struct peer *peer)
{
    free(peer->groups);
    *peer = (struct peer){0};
}

bool peer_has_group(const struct peer *peer, gid_t group)
{
    for (size_t i = 0; i < peer->group_count; i++) {
        if (peer->groups[i] == group)
            return true;
    }
    return false;
}

static void read_user(uid_t uid, struct peer_names *ret)
{
    struct passwd entry, *found = NULL;
    char *room = NULL;
    int status = ERANGE;
    for (size_t size = 4096; status == ERANGE && size <= RECORD_MAX; size *= 4) {
        room = memory_resize(room, size, 1);
        status = getpwuid_r(uid, &entry, room, size, &found);
    }
    if (status == 0 && found)
        snprintf(ret->user, sizeof ret->user, "%s", entry.pw_name);
    else
        snprintf(ret->user, sizeof ret->user, "uid %lu", (unsigned long)uid);
    free(room);
}

static void read_operators(const char *operators, struct peer_names *ret)
{
    struct group entry, *found = NULL;
    char *room = NULL;
    int status = ERANGE;
    for (size_t size = 4096; status == ERANGE && size <= RECORD_MAX; size *= 4) {
        room = memory_resize(room, size, 1);
        status = getgrnam_r(operators, &entry, room, size, &found);
    }
    ret->has_operators = status == 0 && found;
    ret->operators = ret->has_operators ? entry.gr_gid : 0;
    free(room);
}

void peer_names_read(uid_t uid, const char *operators, struct peer_names *ret)
{
    *ret = (struct peer_names){0};
    read_user(uid, ret);
    read_operators(operators, ret);
}

struct peer_desk {
    struct loop *home;
    struct loop loop;
    bool open; /* the thread runs: from the first question on */
};

struct question {
    struct peer_desk *desk;
    uid_t uid;
    char *operators;
    struct peer_names names;
    peer_named *done;
    void *context;
};

struct peer_desk *peer_desk_new(struct loop *home)
{
    struct peer_desk *desk = memory_new(sizeof *desk);
    desk->home = home;
    return desk;
}

static int open_desk(struct peer_desk *desk)
{
    if (desk->open)
        return 0;
    int status = loop_init(&desk->loop, "names");
    if (status == 0) {
        status = loop_start(&desk->loop);
        if (status < 0)
            loop_fini(&desk->loop);
    }
    desk->open = status == 0;
    return status;
}

static void answer_question(void *context)
{
    struct question *question = context;
    question->done(question->context, &question->names);
    free(question->operators);
    free(question);
}

static void look_up(void *context)
{
    struct question *question = context;
    peer_names_read(question->uid, question->operators, &question->names);
    loop_post(question->desk->home, answer_question, question);
}

int peer_desk_ask(
    struct peer_desk *desk, uid_t uid, const char *operators, peer_named *done, void *context)
{
    int status = open_desk(desk);
    if (status < 0)
        return status;
    struct question *question = memory_new(sizeof *question);
    *question = (struct question){.desk = desk,
        .uid = uid,
        .operators = memory_text(operators),
        .done = done,
        .context = context};
    loop_post(&desk->loop, look_up, question);
    return 0;
}

void peer_desk_free(struct peer_desk *desk)
{
    if (desk && desk->open)
        loop_fini(&desk->loop);
    free(desk);
}
