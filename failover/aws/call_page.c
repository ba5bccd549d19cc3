/* Replies in pages become one tree: the first page's, with the other pages' lists behind its own.
 *
 * What can go wrong: pages without an end, or a token that leads in a circle. */
#include "failover/aws/call_parts.h"

#include "base/memory.h"
#include "base/xml.h"

#include <errno.h>
#include <stdlib.h>

#define PAGES_MOST 100
#define BYTES_MOST (4u << 20) /* of all pages */

/* An empty list is a string in XML; `*list` becomes what `more` is. */
static void become_list(cJSON *list, const cJSON *more)
{
    if (cJSON_IsString(list) && (cJSON_IsObject(more) || cJSON_IsArray(more))) {
        cJSON_free(list->valuestring);
        list->valuestring = NULL;
        list->type = cJSON_IsObject(more) ? cJSON_Object : cJSON_Array;
    }
}

static void move_members(cJSON *list, cJSON *more)
{
    become_list(list, more);
    while (more->child) {
        cJSON *member = cJSON_DetachItemViaPointer(more, more->child);
        if (cJSON_IsObject(list) && member->string)
            cJSON_AddItemToObject(list, member->string, member);
        else if (cJSON_IsArray(list))
            cJSON_AddItemToArray(list, member);
        else
            cJSON_Delete(member);
    }
}

/* A page's own tree is ours to take apart. */
static cJSON *find_list(cJSON *page, const char *path)
{
    return (cJSON *)tree_find(page, path);
}

static void merge(struct aws_call *call, cJSON *page)
{
    const char *path = call->wanted.paging->list;
    cJSON *list = find_list(call->pages, path), *more = find_list(page, path), *empty = page;
    if (list && more) {
        move_members(list, more);
    } else if (more) { /* so far none had a list at all */
        empty = call->pages;
        call->pages = page;
    }
    cJSON_Delete(empty);
}

/* The next page's token; NULL after the last. */
static const char *token_of(const struct aws_call *call, const cJSON *page)
{
    const char *token =
        call->wanted.paging && page ? tree_text(page, call->wanted.paging->token) : NULL;
    return token && *token ? token : NULL;
}

int aws_page_add(struct aws_call *call, cJSON **body, size_t size, struct failure *why)
{
    cJSON *page = *body;
    const char *token = token_of(call, page);
    bool is_circle = token && call->page_token && strcmp(token, call->page_token) == 0;
    *body = NULL;
    free(call->page_token);
    call->page_token = memory_text(token);
    call->page_size += size;
    if (call->page_count++ == 0)
        call->pages = page;
    else if (page)
        merge(call, page);
    if (!call->page_token)
        return 0;
    if (is_circle)
        return failure_set(why, -EINVAL, "its pages lead in a circle");
    if (call->page_count == PAGES_MOST || call->page_size > BYTES_MOST)
        return failure_set(why, -EINVAL, "its pages have no end");
    return 1;
}
