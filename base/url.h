/* A URL's parts, by libcurl's own reading, so that what is judged is what is asked. */
#pragma once

struct url {
    char *scheme;    /* "http" or "https" */
    char *host;      /* lower case; an IPv6 address without its brackets */
    char *authority; /* what a Host header says: the port only when it is not the scheme's */
    char *path;      /* at least "/" */
};

/* 0 or -EINVAL: no absolute http or https URL, or one with a user in it. */
int url_split(const char *text, struct url *ret);
void url_fini(struct url *url);
