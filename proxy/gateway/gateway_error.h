/* What goes wrong with requests, as it is counted. */
#pragma once

enum gateway_error {
    GATEWAY_ERROR_BAD_REQUEST,  /* refused by the HTTP parser's rules */
    GATEWAY_ERROR_FOREIGN_HOST, /* neither mapped nor an S3 endpoint */
    GATEWAY_ERROR_UNAUTHORIZED, /* a signature that is not believed */
    GATEWAY_ERROR_UNDECIDED,    /* nobody knows which region is active */
    GATEWAY_ERROR_UNREACHABLE,  /* no address of S3 took the connection */
    GATEWAY_ERROR_UNTRUSTED,    /* its certificate is not accepted */
    GATEWAY_ERROR_SILENT,       /* S3 said nothing, or broke off */
    GATEWAY_ERROR_BAD_RESPONSE, /* no HTTP, or not a clear one */
    GATEWAY_ERROR_REDIRECT,     /* S3 wanted the client elsewhere */
    GATEWAY_ERROR_TIMEOUT,      /* the client was too slow */
    GATEWAY_ERROR_FULL,         /* `gateway.max_connections` */
    GATEWAY_ERRORS
};
