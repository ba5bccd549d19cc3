/* A fetch of a certificate, and the databases that it meets: each a script on a thread of its own,
 * for one connection. */
#pragma once

#include "tests/unit/certificates.h"
#include "tests/unit/sample.h"

#include "base/mysql.h"
#include "failover/certificate.h"

#include <pthread.h>

struct scene;
typedef void talking(struct scene *scene, int fd); /* the server's side of one connection */

struct scene {
    struct loop loop;
    struct lookup lookup;
    lookup_done *late; /* who asked the resolver and waits */
    void *late_context;
    bool resolver_is_slow;
    int resolver_status;
    struct lookup_answer resolved;

    EVP_PKEY *key;
    X509 *certificate;
    int listener;
    pthread_t server;
    talking *talk;
    char server_name[256], first[64], login[MYSQL_LOGIN_SIZE]; /* what the client said */

    bool told, freed;
    int status;
    X509 *read;
    char words[512];
};

/* Of the database: what it does with its one connection. */
talking talk_postgres, talk_postgres_without_tls, talk_mysql, talk_mysql_byte_by_byte,
    talk_mysql_without_tls, talk_mysql_that_leaves, talk_mysql_that_falls_silent,
    talk_mysql_refusal, talk_nothing, talk_garbage, talk_garbage_for_tls, talk_without_end,
    talk_reset, talk_end;

void scene_init(struct scene *scene, talking *talk);
void scene_fini(struct scene *scene); /* joins the database's thread */

/* `host` NULL: an address. */
struct certificate_fetch *begin(
    struct scene *scene, enum dialog_protocol protocol, const char *host);
void fetch(struct scene *scene, enum dialog_protocol protocol, const char *host); /* to its end */
void answer_lookup(void *scene); /* of a resolver that is slow */
