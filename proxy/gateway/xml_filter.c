/* Two positions in the stream: `base`, up to which everything was passed on or replaced, and
 * `known`, up to which the parser has told us what stands there. Between them lies what must wait:
 * expat may keep a tag for later (newer versions do so to save work), so that only what has no "<"
 * behind `known` can hold nothing that will be chosen. */
#include "proxy/gateway/xml_filter.h"

#include "base/memory.h"
#include "proxy/gateway/spans.h"
#include "proxy/gateway/xml_text.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>

#define PATH_SIZE 1024
#define PIECE (16u << 10) /* given to the parser at once */

enum mode { MODE_BLANK, MODE_XML, MODE_VERBATIM };

struct xml_filter {
    XML_Parser parser;
    const struct xml_filter_events *events;
    void *context;
    bool strict;
    enum mode mode;
    int error;

    char path[PATH_SIZE];
    size_t path_size;
    unsigned depth;
    bool has_root;

    struct text held; /* from `base` on */
    uint64_t base, known, fed;

    unsigned chosen; /* 0: no element's text is held */
    unsigned chosen_depth;
    uint64_t text_at;
    struct text value;

    unsigned entry_depth; /* 0: not in an entry */
    struct text entry;
    struct text *out;
};

static void fail(struct xml_filter *filter, int error)
{
    if (filter->error == 0)
        filter->error = error;
    XML_StopParser(filter->parser, XML_FALSE);
}

static struct text *sink(struct xml_filter *filter)
{
    return filter->entry_depth ? &filter->entry : filter->out;
}

/* Drops what is held before `to`. */
static void skip_to(struct xml_filter *filter, uint64_t to)
{
    size_t size = (size_t)(to - filter->base);
    filter->held.size -= size;
    memmove(filter->held.data, filter->held.data + size, filter->held.size);
    filter->base = to;
}

static void pass_to(struct xml_filter *filter, uint64_t to)
{
    if (to <= filter->base)
        return;
    text_add(sink(filter), filter->held.data, (size_t)(to - filter->base));
    skip_to(filter, to);
    if (filter->entry.size > XML_FILTER_HELD_MAX)
        fail(filter, -EMSGSIZE);
}

/* Where the current event begins; `known` moves behind it. */
static uint64_t event_at(struct xml_filter *filter)
{
    uint64_t at = (uint64_t)XML_GetCurrentByteIndex(filter->parser);
    filter->known = at + (uint64_t)XML_GetCurrentByteCount(filter->parser);
    return at;
}

static bool enter(struct xml_filter *filter, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    size_t size = strlen(local);
    if (filter->depth == XML_FILTER_DEPTH_MAX || filter->path_size + size + 2 > PATH_SIZE)
        return false;
    if (filter->depth > 0)
        filter->path[filter->path_size++] = '/';
    memcpy(filter->path + filter->path_size, local, size + 1);
    filter->path_size += size;
    filter->depth++;
    filter->has_root = true;
    return true;
}

static void leave(struct xml_filter *filter)
{
    char *slash = strrchr(filter->path, '/');
    filter->path_size = slash ? (size_t)(slash - filter->path) : 0;
    filter->path[filter->path_size] = '\0';
    filter->depth--;
}

static void XMLCALL on_start(void *data, const char *name, const char **attributes)
{
    struct xml_filter *filter = data;
    uint64_t at = event_at(filter);
    (void)attributes;
    if (!enter(filter, name)) {
        fail(filter, -EMSGSIZE);
        return;
    }
    unsigned chosen = filter->events->choose(filter->context, filter->path, filter->depth);
    bool is_entry = chosen == XML_FILTER_ENTRY;
    if (is_entry && !filter->entry_depth) {
        pass_to(filter, at);
        filter->entry_depth = filter->depth;
        filter->entry.size = 0;
    }
    filter->chosen = is_entry ? 0 : chosen; /* its parent has children, so no text of its own */
    filter->chosen_depth = filter->depth;
    filter->text_at = filter->known;
    filter->value.size = 0;
}

static bool is_empty_tag(const struct xml_filter *filter, uint64_t at)
{
    const char *end = filter->held.data + (at - filter->base);
    return at == filter->text_at && at == filter->known && at - filter->base >= 2 &&
           end[-2] == '/' && end[-1] == '>';
}

/* "<a>old</a>" becomes "<a>new</a>", and so does "<a/>". `at` is where the text ends. */
static void put_text(struct xml_filter *filter, uint64_t at, const char *name, struct text *text)
{
    bool empty = is_empty_tag(filter, at);
    pass_to(filter, empty ? at - 2 : filter->text_at);
    skip_to(filter, at);
    text_put(sink(filter), empty ? ">" : "");
    xml_text_escape(sink(filter), span_of(text->data, text->size));
    if (empty)
        text_format(sink(filter), "</%s>", name);
}

static void XMLCALL on_end(void *data, const char *name)
{
    struct xml_filter *filter = data;
    uint64_t at = event_at(filter);
    struct text text = {0};
    if (filter->chosen && filter->chosen_depth == filter->depth &&
        filter->events->replace(filter->context, filter->chosen,
            span_of(filter->value.data, filter->value.size), &text))
        put_text(filter, at, name, &text);
    text_fini(&text);
    filter->chosen = 0;
    if (filter->entry_depth == filter->depth) {
        pass_to(filter, filter->known);
        filter->entry_depth = 0;
        if (filter->events->keep(filter->context))
            text_add(filter->out, filter->entry.data, filter->entry.size);
    }
    leave(filter);
}

static void XMLCALL on_text(void *data, const char *text, int size)
{
    struct xml_filter *filter = data;
    event_at(filter);
    if (!filter->chosen)
        return;
    text_add(&filter->value, text, (size_t)size);
    if (filter->value.size > XML_FILTER_TEXT_MAX)
        fail(filter, -EMSGSIZE);
}

static void XMLCALL on_other(void *data, const char *text, int size)
{
    (void)text;
    (void)size;
    event_at(data);
}

static void XMLCALL on_doctype(
    void *data, const char *name, const char *system, const char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    fail(data, -EBADMSG);
}

struct xml_filter *xml_filter_new(
    const struct xml_filter_events *events, void *context, bool strict)
{
    struct xml_filter *filter = memory_new(sizeof *filter);
    filter->events = events;
    filter->context = context;
    filter->strict = strict;
    filter->parser = XML_ParserCreate("UTF-8"); /* whatever it declares: bytes are passed as such */
    if (!filter->parser)
        abort();
    XML_SetUserData(filter->parser, filter);
    XML_SetElementHandler(filter->parser, on_start, on_end);
    XML_SetCharacterDataHandler(filter->parser, on_text);
    XML_SetDefaultHandler(filter->parser, on_other);
    XML_SetStartDoctypeDeclHandler(filter->parser, on_doctype);
    text_add(&filter->held, "", 0);
    return filter;
}

void xml_filter_free(struct xml_filter *filter)
{
    if (!filter)
        return;
    XML_ParserFree(filter->parser);
    text_fini(&filter->held);
    text_fini(&filter->value);
    text_fini(&filter->entry);
    free(filter);
}

/* Everything that cannot be part of what will be chosen. */
static uint64_t passable(const struct xml_filter *filter)
{
    if (filter->chosen)
        return filter->text_at;
    uint64_t from = filter->known > filter->base ? filter->known : filter->base;
    struct span rest =
        span_of(filter->held.data + (from - filter->base), (size_t)(filter->fed - from));
    return from + spans_until(rest, '<');
}

static int go_verbatim(struct xml_filter *filter)
{
    if (filter->strict)
        return -EBADMSG;
    filter->mode = MODE_VERBATIM;
    pass_to(filter, filter->fed);
    return 0;
}

static int parse(struct xml_filter *filter, struct span in, bool is_last)
{
    text_add(&filter->held, in.data, in.size);
    filter->fed += in.size;
    bool good =
        XML_Parse(filter->parser, (const char *)in.data, (int)in.size, is_last) == XML_STATUS_OK;
    if (filter->error < 0)
        return filter->error;
    if (!good)
        return filter->has_root ? -EBADMSG : go_verbatim(filter);
    pass_to(filter, is_last ? filter->fed : passable(filter));
    if (filter->held.size > XML_FILTER_HELD_MAX)
        filter->error = -EMSGSIZE;
    return filter->error;
}

/* XML wants nothing before its declaration; some stores send white space there all the same. */
static struct span take_blanks(struct xml_filter *filter, struct span in)
{
    size_t size = 0;
    while (size < in.size && strchr(" \t\r\n", in.data[size]) && in.data[size])
        size++;
    text_add(filter->out, in.data, size);
    return spans_after(in, size);
}

int xml_filter_push(struct xml_filter *filter, struct span in, struct text *out)
{
    int status = 0;
    filter->out = out;
    if (filter->mode == MODE_BLANK) {
        in = take_blanks(filter, in);
        if (in.size > 0)
            filter->mode = MODE_XML;
    }
    while (status == 0 && in.size > 0 && filter->mode == MODE_XML) {
        struct span piece = span_of(in.data, in.size < PIECE ? in.size : PIECE);
        in = spans_after(in, piece.size);
        status = parse(filter, piece, false);
    }
    if (status == 0)
        text_add(out, in.data, in.size);
    return status;
}

int xml_filter_finish(struct xml_filter *filter, struct text *out)
{
    filter->out = out;
    return filter->mode == MODE_XML ? parse(filter, span_of("", 0), true) : 0;
}
