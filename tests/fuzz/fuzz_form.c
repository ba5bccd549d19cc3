/* Parts lie one behind the other, from the first byte to the file; a longer text has at least as
 * many. */
#include "proxy/gateway/form.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_bytes(struct span bytes, struct span boundary, struct form *form)
{
    int status = form_read(bytes, boundary, form);
    const uint8_t *at = bytes.data;
    for (size_t i = 0; i < form->count; i++) {
        assert(form->parts[i].data == at);
        at += form->parts[i].size;
        assert(form->fields[i].value.data + form->fields[i].value.size + 2 == at);
    }
    if (status == 1) {
        assert(form->file.data == at);
        assert(form->file.data + form->file.size <= bytes.data + bytes.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form *form = malloc(sizeof *form);
    struct span boundary;
    if (!form)
        return 0;
    form_boundary(span_of(data, size), &boundary);
    read_bytes(span_of(data, size / 2), span_of_text("B"), form);
    size_t count = form->count;
    read_bytes(span_of(data, size), span_of_text("B"), form);
    assert(form->count >= count);
    free(form);
    return 0;
}
