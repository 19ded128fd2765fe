/*
 * token: the bearer token, which nobody else gets to see.
 */
#ifndef EPI_ASK_TOKEN_H
#define EPI_ASK_TOKEN_H

/* From a variable or a file, one of them or neither; one that is missing,
 * empty or no token ends the program with status 2.  NULL: there is none. */
const char *token_read(const char *variable, const char *file);

/* A server may quote it: stars instead, in place, also where words that were cut
 * end within it. */
void token_redact(const char *secret, char *words);

#endif
