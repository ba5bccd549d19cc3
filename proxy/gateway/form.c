/* On the good day: delimiter, head, value, delimiter, head, value, … until a part is the file. */
#include "proxy/gateway/form.h"

#include "proxy/gateway/spans.h"

#include <errno.h>

#define MORE 0
#define WHOLE 1

struct reader {
    struct span left; /* from the part that comes next */
    struct span boundary;
};

/* What a part's head says. */
struct part {
    struct span name, file_name;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span skip_blanks(struct span text)
{
    while (text.size > 0 && is_blank(*text.data))
        text = spans_after(text, 1);
    return text;
}

/* A value of a parameter, quoted or not; it is taken off `rest`. False: it has no end. */
static bool take_value(struct span *rest, struct span *ret)
{
    bool is_quoted = rest->size > 0 && *rest->data == '"';
    size_t start = is_quoted, end = start;
    while (end < rest->size && (is_quoted ? rest->data[end] != '"' : rest->data[end] != ';'))
        end += is_quoted && rest->data[end] == '\\' && end + 1 < rest->size ? 2 : 1;
    if (end > rest->size || (is_quoted && end == rest->size))
        return false;
    *ret = span_of(rest->data + start, end - start);
    while (!is_quoted && ret->size > 0 && is_blank(ret->data[ret->size - 1]))
        ret->size--;
    *rest = skip_blanks(spans_after(*rest, end + is_quoted));
    return rest->size == 0 || *rest->data == ';';
}

/* "; name=value" of a header's value. 1: there was one; 0: there is no more; -EPROTO. */
static int next_parameter(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    *rest = skip_blanks(*rest);
    if (rest->size == 0)
        return 0;
    if (*rest->data != ';')
        return -EPROTO;
    *rest = skip_blanks(spans_after(*rest, 1));
    if (rest->size == 0)
        return 0;
    size_t name = spans_until(*rest, '=');
    if (name == rest->size)
        return -EPROTO;
    *ret_name = span_of(rest->data, name);
    *rest = spans_after(*rest, name + 1);
    return take_value(rest, ret_value) ? 1 : -EPROTO;
}

/* Cuts the value's first word off; false: it is another one. */
static bool take_word(struct span *value, const char *word)
{
    size_t size = spans_until(*value, ';');
    struct span first = span_of(value->data, size);
    while (first.size > 0 && is_blank(first.data[first.size - 1]))
        first.size--;
    *value = spans_after(*value, size);
    return spans_is_nocase(first, word);
}

bool form_boundary(struct span content_type, struct span *ret)
{
    struct span name, value;
    *ret = span_of(NULL, 0);
    if (!take_word(&content_type, "multipart/form-data"))
        return false;
    while (next_parameter(&content_type, &name, &value) == 1) {
        if (spans_is_nocase(name, "boundary") && ret->size == 0)
            *ret = value;
    }
    return ret->size > 0 && ret->size <= FORM_BOUNDARY_MAX;
}

/* "--BOUNDARY" at the beginning: its size, 0 as long as that may still come, or -EPROTO. */
static int delimiter_size(const struct reader *reader)
{
    size_t size = reader->boundary.size + 2, have = reader->left.size;
    struct span dashes = span_of(reader->left.data, have < 2 ? have : 2);
    struct span rest = spans_after(reader->left, dashes.size);
    rest.size = rest.size < reader->boundary.size ? rest.size : reader->boundary.size;
    if (!spans_equal(dashes, span_of("--", dashes.size)) ||
        !spans_equal(rest, span_of(reader->boundary.data, rest.size)))
        return -EPROTO;
    return have < size ? 0 : (int)size;
}

/* One line without its CRLF, taken off `*text`. */
static int take_line(struct span *text, struct span *ret)
{
    const uint8_t *end = text->size ? memmem(text->data, text->size, "\r\n", 2) : NULL;
    if (!end)
        return MORE;
    *ret = span_of(text->data, (size_t)(end - text->data));
    *text = spans_after(*text, ret->size + 2);
    return WHOLE;
}

static struct span without_folders(struct span path)
{
    for (size_t i = path.size; i > 0; i--) {
        if (path.data[i - 1] == '/' || path.data[i - 1] == '\\')
            return spans_after(path, i);
    }
    return path;
}

static int read_disposition(struct span value, struct part *part)
{
    struct span name, text;
    int status;
    value = skip_blanks(value);
    if (part->name.data || !take_word(&value, "form-data"))
        return -EPROTO;
    while ((status = next_parameter(&value, &name, &text)) == 1) {
        if (spans_is_nocase(name, "name") && !part->name.data)
            part->name = text;
        else if (spans_is_nocase(name, "filename"))
            part->file_name = without_folders(text);
        else if (spans_is_nocase(name, "name"))
            return -EPROTO;
    }
    return status;
}

/* The part's head, up to its empty line; taken off `*text`. */
static int read_part(struct span *text, struct part *part)
{
    static const char disposition[] = "content-disposition:";
    struct span line;
    *part = (struct part){0};
    do {
        if (take_line(text, &line) == MORE)
            return MORE;
        if (spans_begins_nocase(line, disposition) &&
            read_disposition(spans_after(line, sizeof disposition - 1), part) < 0)
            return -EPROTO;
    } while (line.size > 0);
    return part->name.size > 0 ? WHOLE : -EPROTO;
}

/* The bytes before CRLF and the next delimiter; the delimiter is left. */
static int take_content(const struct reader *reader, struct span *text, struct span *ret)
{
    char mark[FORM_BOUNDARY_MAX + 4] = "\r\n--";
    size_t size = reader->boundary.size + 4;
    memcpy(mark + 4, reader->boundary.data, reader->boundary.size);
    const uint8_t *end = text->size ? memmem(text->data, text->size, mark, size) : NULL;
    if (!end)
        return MORE;
    *ret = span_of(text->data, (size_t)(end - text->data));
    *text = spans_after(*text, ret->size + 2);
    return WHOLE;
}

static int read_next(struct reader *reader, struct form *form)
{
    struct part part;
    struct span text, value, line;
    int size = delimiter_size(reader);
    if (size <= 0)
        return size < 0 ? size : MORE;
    text = spans_after(reader->left, (size_t)size);
    if (text.size < 2)
        return MORE;
    if (take_line(&text, &line) == MORE || line.size > 0)
        return -EPROTO; /* "--": the form ends, and there was no file */
    int status = read_part(&text, &part);
    if (status != WHOLE)
        return status;
    if (spans_is_nocase(part.name, "file")) {
        form->file = span_of(reader->left.data, (size_t)(text.data - reader->left.data));
        form->file_name = part.file_name;
        return WHOLE;
    }
    if (form->count == AUTH_FIELDS_MOST)
        return -EPROTO;
    if (take_content(reader, &text, &value) == MORE)
        return MORE;
    form->parts[form->count] = span_of(reader->left.data, (size_t)(text.data - reader->left.data));
    form->fields[form->count++] = (struct http_header){part.name, value};
    reader->left = text;
    return MORE;
}

int form_read(struct span bytes, struct span boundary, struct form *ret)
{
    struct reader reader = {.left = bytes, .boundary = boundary};
    size_t count;
    int status;
    ret->count = 0;
    do {
        count = ret->count;
        status = read_next(&reader, ret);
    } while (status == MORE && ret->count > count);
    return status;
}
