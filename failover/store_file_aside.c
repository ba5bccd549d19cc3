/* Records that were refused: each is copied aside once, and all of them are asked for the largest
 * counters when the next one is refused.
 *
 * Nothing here may stop the daemon: what fails is logged, the refused file itself stays where it
 * is. */
#include "failover/store_file.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_MODE 0640

void store_file_set_aside(const char *path, const char *text, size_t size)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool renamed = false;
    if (EVP_Digest(text, size, hash, NULL, EVP_sha256(), NULL) != 1)
        return;
    char *copy = memory_format("%s.refused-%02x%02x%02x%02x%02x%02x", path, hash[0], hash[1],
        hash[2], hash[3], hash[4], hash[5]);
    int status = access(copy, F_OK) == 0 ? 0 : file_replace(copy, text, size, COPY_MODE, &renamed);
    if (renamed)
        log_warning("state_set_aside", LOG_TEXT("copy", copy));
    if (status < 0)
        log_warning("state_not_set_aside", LOG_TEXT("copy", copy), LOG_ERROR(status));
    free(copy);
}

static void salvage_copy(const char *folder, const char *name, uint64_t *revision, uint64_t *epoch)
{
    char *path = memory_format("%s/%s", folder, name), *text = NULL;
    size_t size = 0;
    uint64_t seen_revision = 0, seen_epoch = 0;
    int status = file_read(path, STORE_FILE_READ_MAX, &text, &size);
    if (status == 0)
        state_salvage(text, size, &seen_revision, &seen_epoch);
    else
        log_warning("state_copy_unread", LOG_TEXT("copy", path), LOG_ERROR(status));
    *revision = seen_revision > *revision ? seen_revision : *revision;
    *epoch = seen_epoch > *epoch ? seen_epoch : *epoch;
    free(text);
    free(path);
}

void store_file_salvage_copies(const char *path, uint64_t *revision, uint64_t *epoch)
{
    char *for_folder = memory_text(path), *for_name = memory_text(path);
    const char *folder = dirname(for_folder);
    char *prefix = memory_format("%s.refused-", basename(for_name));
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            salvage_copy(folder, entry->d_name, revision, epoch);
    }
    if (entries)
        closedir(entries);
    free(prefix);
    free(for_name);
    free(for_folder);
}
