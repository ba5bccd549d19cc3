/* What a server says: words, fit for a line of a log and a page of `status`, and rows. */
#include "base/sql.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>

static bool is_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == '\0';
}

void sql_say(char words[SQL_WORDS_SIZE], struct span text)
{
    size_t used = 0, at = 0;
    while (at < text.size && !is_end(text.data[at])) {
        size_t size = utf8_size(text.data + at, text.size - at);
        if (used + (size ? size : 1) >= SQL_WORDS_SIZE)
            break;
        bool printable = size > 1 || (text.data[at] >= ' ' && text.data[at] < 0x7f);
        if (printable)
            memcpy(words + used, text.data + at, size);
        else
            words[used] = '?';
        used += printable ? size : 1;
        at += size ? size : 1;
    }
    words[used] = '\0';
}

void sql_row_add(struct sql_row *row, const char *name, const char *value)
{
    assert(row->count < SQL_COLUMNS_MAX);
    row->columns[row->count++] =
        (struct sql_column){.name = memory_text(name), .value = memory_text(value)};
}

void sql_row_fini(struct sql_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        free(row->columns[i].name);
        free(row->columns[i].value);
    }
    row->count = 0;
}

const char *sql_row_find(const struct sql_row *row, const char *name)
{
    for (size_t i = 0; i < row->count; i++) {
        if (row->columns[i].name && strcmp(row->columns[i].name, name) == 0)
            return row->columns[i].value;
    }
    return NULL;
}
