/* Texts that nobody may find in memory afterwards. */
#pragma once

#include "base/text.h"

/* Wiped, then freed; NULL accepted. */
void secret_free(char *secret);
void secret_text_fini(struct text *text);
