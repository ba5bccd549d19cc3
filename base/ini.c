/* On the good day: line by line, each into a section or an entry. Beyond the bound nothing more is
 * taken. */
#include "base/ini.h"

#include "base/file.h"
#include "base/memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct span trim(struct span text)
{
    while (text.size > 0 && is_blank(*text.data))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

static struct span take_line(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->size);
    struct span line = span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t step = end ? line.size + 1 : line.size;
    *text = span_of(text->data + step, text->size - step);
    return line;
}

/* An entry without a key remembers that its section is there. */
static void add(struct ini *ini, struct span section, struct span key, struct span value)
{
    if (ini->count == INI_ENTRIES_MOST)
        return;
    ini->entries = memory_resize(ini->entries, ini->count + 1, sizeof *ini->entries);
    ini->entries[ini->count++] =
        (struct ini_entry){.section = memory_text_of(section.data, section.size),
            .key = memory_text_of(key.data, key.size),
            .value = memory_text_of(value.data, value.size)};
}

/* "[profile name]": false when it is none. */
static bool read_section(struct span line, struct span *ret)
{
    const uint8_t *end = line.size ? memchr(line.data, ']', line.size) : NULL;
    if (line.size == 0 || *line.data != '[' || !end)
        return false;
    *ret = trim(span_of(line.data + 1, (size_t)(end - line.data) - 1));
    return true;
}

/* A blank before `#` or `;` begins a comment, as for the SDKs. */
static struct span cut_comment(struct span value)
{
    for (size_t i = 1; i < value.size; i++) {
        if ((value.data[i] == '#' || value.data[i] == ';') && is_blank(value.data[i - 1]))
            return trim(span_of(value.data, i));
    }
    return value;
}

static void read_entry(struct ini *ini, struct span section, struct span line)
{
    const uint8_t *equals = line.size ? memchr(line.data, '=', line.size) : NULL;
    if (!equals || section.size == 0)
        return;
    size_t name = (size_t)(equals - line.data);
    struct span value = trim(span_of(equals + 1, line.size - name - 1));
    add(ini, section, trim(span_of(line.data, name)), cut_comment(value));
}

void ini_parse(struct span text, struct ini *ret)
{
    struct span section = {0};
    *ret = (struct ini){0};
    while (text.size > 0) {
        struct span line = take_line(&text);
        bool is_indented = line.size > 0 && (*line.data == ' ' || *line.data == '\t');
        line = trim(line);
        if (line.size == 0 || is_indented || *line.data == '#' || *line.data == ';')
            continue;
        if (read_section(line, &section))
            add(ret, section, (struct span){0}, (struct span){0});
        else
            read_entry(ret, section, line);
    }
}

int ini_read(const char *path, struct ini *ret)
{
    char *text = NULL;
    size_t size = 0;
    *ret = (struct ini){0};
    int status = file_read(path, INI_FILE_MOST, &text, &size);
    if (status < 0)
        return status;
    ini_parse(span_of(text, size), ret);
    OPENSSL_cleanse(text, size);
    free(text);
    return 0;
}

void ini_fini(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        OPENSSL_cleanse(ini->entries[i].value, strlen(ini->entries[i].value));
        free(ini->entries[i].section);
        free(ini->entries[i].key);
        free(ini->entries[i].value);
    }
    free(ini->entries);
    *ini = (struct ini){0};
}

bool ini_has_section(const struct ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->entries[i].section, section) == 0)
            return true;
    }
    return false;
}

const char *ini_value(const struct ini *ini, const char *section, const char *key)
{
    for (size_t i = ini->count; i-- > 0;) {
        const struct ini_entry *entry = &ini->entries[i];
        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0)
            return *entry->value ? entry->value : NULL;
    }
    return NULL;
}
