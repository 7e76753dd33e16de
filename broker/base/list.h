/* SPDX-License-Identifier: MIT
 *
 * list - intrusive, circular, doubly linked. A link that is in no list points
 * at itself, so that taking it out twice is harmless.
 */
#ifndef SLUICE_BASE_LIST_H
#define SLUICE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

/* The struct of `type` whose `member` is at `link`. */
#define LIST_OF(link, type, member)                                            \
    ((type *)(void *)((char *)(link)-offsetof(type, member)))

#define LIST_EACH(pos, head)                                                   \
    for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* The element at `pos` may leave the list in the body; no other may. */
#define LIST_EACH_SAFE(pos, head)                                              \
    for (struct list *pos = (head)->next, *pos##_next = pos->next;             \
         pos != (head); pos = pos##_next, pos##_next = pos->next)

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts `link` before `pos`; before a head means at the end of its list. */
static inline void list_insert(struct list *pos, struct list *link)
{
    link->prev = pos->prev;
    link->next = pos;
    pos->prev->next = link;
    pos->prev = link;
}

/* Takes it out of its list, if it is in one. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Moves all elements of the list `from` to the end of the list `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    list_init(from);
}

/* The first link, taken out; NULL when there is none. */
static inline struct list *list_pop(struct list *head)
{
    if (list_is_empty(head))
        return NULL;
    struct list *link = head->next;
    list_remove(link);
    return link;
}

#endif
