/* The word that was probably meant. Inside config/ only. */
#pragma once

#include <stddef.h>

struct suggest {
    const char *word; /* as the user has it */
    const char *best; /* the nearest so far; NULL: none is near */
    size_t distance;  /* of `best` */
};

void suggest_consider(struct suggest *suggest, const char *candidate);

#define SUGGEST_TEXT_SIZE 96
/* ", did you mean \"listen\"?", or "" when nothing was near. */
const char *suggest_text(const struct suggest *suggest, char ret[SUGGEST_TEXT_SIZE]);
