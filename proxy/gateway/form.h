/* A browser's upload up to its file: multipart/form-data (RFC 7578), fields first, the file last
 * ("Browser-Based Uploads Using POST"). What follows the file's head is the object, and is not for
 * us to look at.
 *
 * Read strictly, as everything that two parsers could read in two ways: nothing before the first
 * delimiter, no blanks behind one. */
#pragma once

#include "proxy/gateway/auth_policy.h"

#define FORM_HEAD_MAX (32u << 10) /* bytes: S3 takes 20 KB of fields */
#define FORM_BOUNDARY_MAX 70      /* RFC 2046 section 5.1.1 */

/* Spans into the bytes and the header that it was read from. */
struct form {
    struct http_header fields[AUTH_FIELDS_MOST]; /* name and value */
    struct span parts[AUTH_FIELDS_MOST];         /* each from its delimiter to the next one */
    size_t count;
    struct span file;      /* its delimiter and head */
    struct span file_name; /* as the browser says it, without folders; may be empty */
};

/* Of a Content-Type's value; false: it is no form. */
bool form_boundary(struct span content_type, struct span *ret);

/* 1: whole; 0: the file's head has not come yet; -EPROTO: it is none. */
int form_read(struct span bytes, struct span boundary, struct form *ret);
