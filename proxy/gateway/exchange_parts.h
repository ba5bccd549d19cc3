/* What exchange.c and exchange_move.c share. */
#pragma once

#include "proxy/gateway/exchange.h"
#include "proxy/gateway/gateway_parts.h"

void exchange_enter(struct exchange *exchange, enum exchange_state state);
struct gateway_worker *exchange_worker(const struct exchange *exchange);

/* Each of these may free the exchange. */
void exchange_finish(struct exchange *exchange);
void exchange_refuse(struct exchange *exchange, const struct answer *answer);
void exchange_fail(
    struct exchange *exchange, enum gateway_error error, const struct answer *answer);
void exchange_broke_off(struct exchange *exchange); /* the upstream did */

/* Dials for the plan; nothing is asked there yet. */
void exchange_dial(struct exchange *exchange);

/* Goes on with this answer. False: the exchange has ended. */
bool exchange_answer(struct exchange *exchange, struct http_head *response);

/* exchange_elsewhere.c. Each may free the exchange. True: the read is asked elsewhere, or the first
 * answer was taken after all; either way this one is not to be passed on. */
bool exchange_went_elsewhere(
    struct exchange *exchange, const struct http_head *response, struct span head);
void exchange_take_first(struct exchange *exchange); /* there is no better answer */
void exchange_expire_elsewhere(struct exchange *exchange, uint64_t now_ms);

/* collect.c: reads the whole body, then exchange_collected. */
void exchange_collect(struct exchange *exchange);
void exchange_run_collecting(struct exchange *exchange);
void exchange_collected(struct exchange *exchange);

/* Whether it would be no harm to send it again. */
bool exchange_may_repeat(const struct exchange *exchange);

/* The client's body is not what its head says. Both may free the exchange. */
void exchange_fail_source(struct exchange *exchange);
void exchange_fail_filter(struct exchange *exchange); /* its filter refused it */

/* Tells the client to send its body, once. False: the exchange has ended. */
bool exchange_pass_continue(struct exchange *exchange);

/* Whether the client's body may go up now. */
bool exchange_may_send_body(const struct exchange *exchange);
