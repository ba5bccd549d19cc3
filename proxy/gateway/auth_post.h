/* Whose form is it? */
#pragma once

#include "proxy/gateway/auth.h"
#include "proxy/gateway/auth_policy.h"

/* A form without policy and signature is anonymous. What a file's name stands for in the key
 * ("${filename}") is put in by the caller, before. */
void auth_verify_form(const struct auth_rules *rules, const struct auth_form *form,
    struct auth *ret, struct auth_limits *ret_limits);
