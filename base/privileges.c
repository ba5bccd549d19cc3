/* On the good day: supplementary groups, group, user, then the capability sets, in the order that
 * the kernel wants; each step needs rights that the next one takes away.
 *
 * Raw system calls and not libcap-ng: two structs and four prctl are all that is needed. */
#include "base/privileges.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT 0

int privileges_find_user(const char *name, struct privileges_user *ret, struct failure *why)
{
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return failure_set(why, -ENOENT, "there is no user \"%.64s\"", name);
    if (strlen(name) >= sizeof ret->name)
        return failure_set(why, -ENAMETOOLONG, "the user name \"%.64s\" is too long", name);
    *ret = (struct privileges_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
    snprintf(ret->name, sizeof ret->name, "%s", name);
    return 0;
}

static int become(const struct privileges_user *user, struct failure *why)
{
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || initgroups(user->name, user->gid) < 0 ||
        setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return failure_set(
            why, -errno, "cannot become the user \"%s\": %s", user->name, strerror(errno));
    return 0;
}

/* A container may have taken even this one away from root; then there is nothing to keep. */
static int keep_only_bind(bool *ret_kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, sets) < 0)
        return -errno;
    uint32_t bind = sets[0].permitted & 1u << CAP_NET_BIND_SERVICE;
    memset(sets, 0, sizeof sets);
    sets[0].permitted = sets[0].effective = sets[0].inheritable = bind;
    *ret_kept = bind;
    return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

static int limit_capabilities(struct failure *why)
{
    bool kept = false;
    int status = keep_only_bind(&kept);
    /* Ambient: the daemon that restarts in place binds its ports again. */
    if (status == 0 && kept &&
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) < 0)
        status = -errno;
    if (status == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        status = -errno;
    /* A change of user turned core dumps off, and gave /proc/self to root. */
    if (status == 0 && prctl(PR_SET_DUMPABLE, 1) < 0)
        status = -errno;
    if (status < 0)
        return failure_set(why, status, "cannot limit capabilities: %s", strerror(-status));
    return 0;
}

int privileges_drop(const struct privileges_user *user, struct failure *why)
{
    if (geteuid() != ROOT || user->uid == ROOT)
        return 0;
    int status = become(user, why);
    return status == 0 ? limit_capabilities(why) : status;
}

/* Owner and mode by way of the open directory, so that no umask and no rename comes in between. */
static int hand_over(const char *path, mode_t mode, const struct privileges_user *user)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int status = 0;
    if (user && fchown(directory, user->uid, user->gid) < 0)
        status = -errno;
    if (status == 0 && fchmod(directory, mode) < 0)
        status = -errno;
    close(directory);
    return status;
}

static int make_one(const char *path, mode_t mode, const struct privileges_user *user)
{
    struct stat there;
    if (stat(path, &there) == 0)
        return S_ISDIR(there.st_mode) ? 0 : -ENOTDIR;
    if (mkdir(path, 0700) < 0)
        return -errno;
    int status = hand_over(path, mode, user);
    if (status < 0)
        rmdir(path);
    return status;
}

int privileges_make_directory(
    const char *path, mode_t mode, const struct privileges_user *user, struct failure *why)
{
    char *part = memory_text(path);
    int status = 0;
    for (char *slash = strchr(part + 1, '/'); slash && status == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(part, 0755, NULL);
        *slash = '/';
    }
    free(part);
    if (status == 0)
        status = make_one(path, mode, user);
    if (status < 0)
        return failure_set(
            why, status, "cannot make the directory %.500s: %s", path, strerror(-status));
    return 0;
}

int privileges_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}
