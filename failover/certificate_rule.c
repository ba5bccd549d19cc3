/* On the good day both certificates carry the name that the application dials, or neither does and
 * nobody verifies. What an operator wants to hear of before the switch is the third case: verified
 * today, refused tomorrow. */
#include "failover/certificate_rule.h"

#include "base/address.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400
/* Stands for any name below a wildcard of the configuration. */
#define ANY_LABEL "any"

/* X509_check_* take no const; they change nothing that shows. */
bool certificate_carries(const X509 *certificate, const char *name)
{
    X509 *shown = (X509 *)certificate;
    struct address address;
    char below[512];
    if (address_parse_ip(name, &address))
        return X509_check_ip_asc(shown, name, 0) == 1;
    if (name[0] == '*') {
        snprintf(below, sizeof below, ANY_LABEL "%s", name + 1);
        name = below;
    }
    size_t size = strlen(name);
    if (size > 1 && name[size - 1] == '.')
        size--;
    return X509_check_host(shown, name, size, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static void say(struct certificate_verdict *ret, enum ready_status status, const char *advice,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void say(struct certificate_verdict *ret, enum ready_status status, const char *advice,
    const char *format, ...)
{
    va_list arguments;
    ret->status = status;
    ret->advice = advice;
    va_start(arguments, format);
    vsnprintf(ret->words, sizeof ret->words, format, arguments);
    va_end(arguments);
}

bool certificate_compare_tls(const struct certificate_side *active,
    const struct certificate_side *standby, struct certificate_verdict *ret)
{
    if (active->certificate && standby->certificate)
        return true;
    if (active->certificate)
        say(ret, READY_WARN, "turn TLS on in that database",
            "the target in %s offers no TLS, the one in %s does: clients that want TLS fail after "
            "a switch",
            standby->region, active->region);
    else if (standby->certificate)
        say(ret, READY_PASS, NULL,
            "the target in %s offers no TLS, so verify-full does not work today either",
            active->region);
    else
        say(ret, READY_PASS, NULL, "TLS is not offered in %s nor in %s: nothing is encrypted",
            active->region, standby->region);
    return false;
}

void certificate_compare_name(const struct certificate_side *active,
    const struct certificate_side *standby, const char *name, struct certificate_verdict *ret)
{
    if (!certificate_carries(active->certificate, name))
        say(ret, READY_PASS, NULL,
            "the certificate in %s does not carry %s: verify-full does not work today either",
            active->region, name);
    else if (certificate_carries(standby->certificate, name))
        say(ret, READY_PASS, NULL, "the certificates in %s and %s both carry %s", active->region,
            standby->region, name);
    else
        say(ret, READY_WARN, "use verify-ca, or a name that both certificates carry",
            "the certificate in %s carries %s, the one in %s does not: clients with verify-full "
            "fail after a switch",
            active->region, name, standby->region);
}

static bool is_before(const ASN1_TIME *time, time_t when)
{
    return X509_cmp_time(time, &when) < 0;
}

/* "2026-12-01"; what cannot be printed does not matter enough to fail. */
static void print_day(const ASN1_TIME *time, char ret[16])
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1 || strftime(ret, 16, "%Y-%m-%d", &parts) == 0)
        strcpy(ret, "?");
}

bool certificate_check_dates(
    const struct certificate_side *side, time_t now, struct certificate_verdict *ret)
{
    static const char advice[] = "renew it before a switch depends on it";
    const ASN1_TIME *from = X509_get0_notBefore(side->certificate);
    const ASN1_TIME *until = X509_get0_notAfter(side->certificate);
    char day[16];
    print_day(until, day);
    if (is_before(until, now)) {
        say(ret, READY_WARN, advice, "the certificate in %s expired on %s", side->region, day);
    } else if (!is_before(from, now)) {
        print_day(from, day);
        say(ret, READY_WARN, "check that clock, or wait",
            "the certificate in %s is not valid before %s", side->region, day);
    } else if (is_before(until, now + (time_t)CERTIFICATE_EXPIRY_DAYS * DAY_S)) {
        say(ret, READY_WARN, advice, "the certificate in %s expires on %s", side->region, day);
    } else {
        return false;
    }
    return true;
}
