/* What the positions of two databases say about each other.
 *
 * PostgreSQL: the replica has replayed the log up to where the primary's ends. Some of what was
 * committed asynchronously may not be written yet, so what is inserted counts, until the primary's
 * WAL writer has had its time. MariaDB: the replica's GTIDs are not below the primary's, and
 * written by the same server. MySQL: the file and the offset of the primary's binlog.
 *
 * What can go wrong: the replica is none (any more), the two are not of one family, or the login
 * does not see what it is asked for. Nothing of that is ever "reached". */
#include "failover/aws/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SYSTEM "(SELECT system_identifier FROM pg_catalog.pg_control_system()) AS system"

static const struct position_statements postgres = {
    .primary = {"SELECT pg_catalog.pg_current_wal_insert_lsn() AS inserted, "
                "pg_catalog.pg_current_wal_lsn() AS written, " SYSTEM},
    .replica = {"SELECT pg_catalog.pg_is_in_recovery() AS recovers, "
                "pg_catalog.pg_last_wal_replay_lsn() AS replayed, " SYSTEM}};

/* MariaDB knows the first; of the others each server knows at least one. */
static const struct position_statements mysql = {
    .primary = {"SELECT @@global.gtid_binlog_pos AS gtid", "SHOW MASTER STATUS",
        "SHOW BINARY LOG STATUS"},
    .replica = {
        "SELECT @@global.gtid_slave_pos AS gtid", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"}};

const struct position_statements *position_statements(enum config_probe_type type)
{
    return type == CONFIG_PROBE_POSTGRES ? &postgres : &mysql;
}

static enum position_verdict say(
    enum position_verdict verdict, char words[POSITION_WORDS_SIZE], const char *text)
{
    snprintf(words, POSITION_WORDS_SIZE, "%s", text);
    return verdict;
}

/* All digits, and nothing else, up to `end`. */
static bool parse_number(const char *text, int base, const char *end, uint64_t *ret)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    size_t digits = text ? (base == 16 ? strspn(text, hex) : strspn(text, "0123456789")) : 0;
    if (digits == 0 || digits > (base == 16 ? 8 : 19) || text + digits != end)
        return false;
    *ret = strtoull(text, NULL, base);
    return true;
}

/* "16/B374D848": 64 bits. */
static bool parse_lsn(const char *text, uint64_t *ret)
{
    uint64_t high, low;
    const char *slash = text ? strchr(text, '/') : NULL;
    if (!slash || !parse_number(text, 16, slash, &high) ||
        !parse_number(slash + 1, 16, slash + strlen(slash), &low))
        return false;
    *ret = high << 32 | low;
    return true;
}

static enum position_verdict judge_postgres(const struct sql_row *primary,
    const struct sql_row *replica, bool settled, char words[POSITION_WORDS_SIZE])
{
    uint64_t inserted, written, replayed;
    const char *recovers = sql_row_find(replica, "recovers");
    const char *system = sql_row_find(primary, "system");
    const char *other = sql_row_find(replica, "system");
    if (!recovers || strcmp(recovers, "t") != 0)
        return say(POSITION_UNKNOWN, words, "it is not in recovery: no replica");
    if (!system || !other || strcmp(system, other) != 0)
        return say(POSITION_UNKNOWN, words, "it is not of the primary's system");
    if (!parse_lsn(sql_row_find(primary, "inserted"), &inserted) ||
        !parse_lsn(sql_row_find(primary, "written"), &written) ||
        !parse_lsn(sql_row_find(replica, "replayed"), &replayed))
        return say(POSITION_UNKNOWN, words, "a position is not known");
    if (replayed >= inserted || (settled && replayed >= written)) {
        snprintf(words, POSITION_WORDS_SIZE, "it has replayed the primary's log to its end, %s",
            sql_row_find(primary, "written"));
        return POSITION_REACHED;
    }
    snprintf(words, POSITION_WORDS_SIZE, "it is %" PRIu64 " bytes behind", inserted - replayed);
    return POSITION_BEHIND;
}

struct gtid {
    uint64_t domain, server, sequence;
};

/* "0-1-100", one of a list. */
static bool parse_gtid(const char *text, struct gtid *ret)
{
    const char *end = text + strcspn(text, ",");
    const char *server = memchr(text, '-', (size_t)(end - text));
    const char *sequence = server ? memchr(server + 1, '-', (size_t)(end - server - 1)) : NULL;
    return sequence && parse_number(text, 10, server, &ret->domain) &&
           parse_number(server + 1, 10, sequence, &ret->server) &&
           parse_number(sequence + 1, 10, end, &ret->sequence);
}

static const char *next_gtid(const char *text)
{
    text += strcspn(text, ",");
    return *text ? text + 1 : NULL;
}

static bool find_gtid(const char *list, uint64_t domain, struct gtid *ret)
{
    for (; list && *list; list = next_gtid(list)) {
        if (parse_gtid(list, ret) && ret->domain == domain)
            return true;
    }
    return false;
}

static enum position_verdict judge_gtid(
    const char *primary, const char *replica, char words[POSITION_WORDS_SIZE])
{
    struct gtid wanted, found;
    for (const char *at = primary; at; at = next_gtid(at)) {
        if (!parse_gtid(at, &wanted))
            return say(POSITION_UNKNOWN, words, "the primary has no GTID");
        if (!find_gtid(replica, wanted.domain, &found) || found.sequence < wanted.sequence) {
            snprintf(words, POSITION_WORDS_SIZE, "it is at GTID %.200s, the primary at %.200s",
                *replica ? replica : "(none)", primary);
            return POSITION_BEHIND;
        }
        if (found.server != wanted.server)
            return say(
                POSITION_UNKNOWN, words, "its GTIDs are of another server than the primary's");
    }
    snprintf(words, POSITION_WORDS_SIZE, "it has all up to the primary's GTID %.400s", primary);
    return POSITION_REACHED;
}

/* Since 8.0.22 the columns have other names. */
static const char *find_either(const struct sql_row *row, const char *name, const char *old)
{
    const char *value = sql_row_find(row, name);
    return value ? value : sql_row_find(row, old);
}

static bool is_yes(const char *text)
{
    return text && strcmp(text, "Yes") == 0;
}

static bool replicates(const struct sql_row *replica)
{
    return is_yes(find_either(replica, "Replica_IO_Running", "Slave_IO_Running")) &&
           is_yes(find_either(replica, "Replica_SQL_Running", "Slave_SQL_Running"));
}

/* "mysql-bin-changelog.000123" and an offset in it. The number grows to seven digits. */
struct binlog {
    const char *file, *dot;
    uint64_t number, offset;
};

static bool parse_binlog(const char *file, const char *offset, struct binlog *ret)
{
    *ret = (struct binlog){.file = file, .dot = file ? strrchr(file, '.') : NULL};
    return ret->dot && offset &&
           parse_number(ret->dot + 1, 10, ret->dot + strlen(ret->dot), &ret->number) &&
           parse_number(offset, 10, offset + strlen(offset), &ret->offset);
}

static bool is_same_log(const struct binlog *a, const struct binlog *b)
{
    size_t size = (size_t)(a->dot - a->file);
    return size == (size_t)(b->dot - b->file) && memcmp(a->file, b->file, size) == 0;
}

static enum position_verdict judge_binlog(
    const struct sql_row *primary, const struct sql_row *replica, char words[POSITION_WORDS_SIZE])
{
    struct binlog wanted, found;
    if (!parse_binlog(sql_row_find(primary, "File"), sql_row_find(primary, "Position"), &wanted))
        return say(POSITION_UNKNOWN, words, "the primary shows no binlog");
    if (!replicates(replica))
        return say(POSITION_UNKNOWN, words, "it does not replicate");
    if (!parse_binlog(find_either(replica, "Relay_Source_Log_File", "Relay_Master_Log_File"),
            find_either(replica, "Exec_Source_Log_Pos", "Exec_Master_Log_Pos"), &found) ||
        !is_same_log(&wanted, &found))
        return say(POSITION_UNKNOWN, words, "it shows no position in the primary's binlog");
    bool reached = found.number > wanted.number ||
                   (found.number == wanted.number && found.offset >= wanted.offset);
    snprintf(words, POSITION_WORDS_SIZE,
        "it is at %.200s:%" PRIu64 ", the primary at %.200s:%" PRIu64, found.file, found.offset,
        wanted.file, wanted.offset);
    return reached ? POSITION_REACHED : POSITION_BEHIND;
}

enum position_verdict position_judge(enum config_probe_type type, const struct sql_row *primary,
    const struct sql_row *replica, bool settled, char words[POSITION_WORDS_SIZE])
{
    if (type == CONFIG_PROBE_POSTGRES)
        return judge_postgres(primary, replica, settled, words);
    const char *wanted = sql_row_find(primary, "gtid");
    const char *found = sql_row_find(replica, "gtid");
    if (wanted && found)
        return judge_gtid(wanted, found, words);
    return judge_binlog(primary, replica, words);
}
