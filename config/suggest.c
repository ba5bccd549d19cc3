/* Edit distance (Levenshtein, 1966) between two short words, by one row of its table. */
#include "config/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 64 /* longer words are not compared */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b_size];
}

/* Near: at most half of it is wrong, and never more than three characters. */
void suggest_consider(struct suggest *suggest, const char *candidate)
{
    size_t size = strlen(suggest->word), candidate_size = strlen(candidate);
    if (size == 0 || size > WORD_MAX || candidate_size > WORD_MAX)
        return;
    size_t found = distance(suggest->word, size, candidate, candidate_size);
    size_t near = candidate_size < 6 ? candidate_size / 2 : 3;
    if (found > near || (suggest->best && found >= suggest->distance))
        return;
    suggest->best = candidate;
    suggest->distance = found;
}

const char *suggest_text(const struct suggest *suggest, char ret[SUGGEST_TEXT_SIZE])
{
    ret[0] = '\0';
    if (suggest->best)
        snprintf(ret, SUGGEST_TEXT_SIZE, ", did you mean \"%s\"?", suggest->best);
    return ret;
}
