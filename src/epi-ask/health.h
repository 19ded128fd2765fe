/*
 * health: whether an endpoint would answer, as a record.
 */
#ifndef EPI_ASK_HEALTH_H
#define EPI_ASK_HEALTH_H

#include <stdbool.h>

#include "epi-ask/request.h"

/* Writes the record; `with_token`: one token is generated too.  Returns
 * whether it is ready. */
bool health_tell(const struct wire *wire, const struct request *request,
    struct engine_facts *facts, bool with_token);

#endif
