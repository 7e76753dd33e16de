/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_lines.h"

#include "broker/net/tls_link.h"

void tls_lines_init(struct tls_lines *all)
{
    *all = (struct tls_lines){.turn = 0};
    for (int i = 0; i < PEER_HOSTS; i++) {
        list_init(&all->clear.of[i]);
        list_init(&all->suspect.of[i]);
    }
}

static struct tls_line *line_of(struct tls_lines *all, const struct tls_link *l)
{
    return l->is_suspect ? &all->suspect : &all->clear;
}

void tls_lines_push(struct tls_lines *all, struct tls_link *l)
{
    struct tls_line *line = line_of(all, l);
    list_insert(&line->of[l->host], &l->link);
    line->count++;
}

static void line_remove(struct tls_line *line, struct tls_link *l)
{
    list_remove(&l->link);
    line->count--;
}

void tls_lines_remove(struct tls_lines *all, struct tls_link *l)
{
    line_remove(line_of(all, l), l);
}

static struct tls_link *line_pop(struct tls_line *line,
                                 bool (*may)(const void *arg, uint32_t host),
                                 const void *arg)
{
    for (uint32_t i = 0; line->count > 0 && i < PEER_HOSTS; i++) {
        uint32_t host = (line->next + i) % PEER_HOSTS;
        if (list_is_empty(&line->of[host]) || (may && !may(arg, host)))
            continue;
        struct tls_link *l =
            LIST_OF(line->of[host].next, struct tls_link, link);
        line_remove(line, l);
        line->next = host + 1;
        return l;
    }
    return NULL;
}

struct tls_link *tls_lines_pop(struct tls_lines *all,
                               bool (*may)(const void *arg, uint32_t host),
                               const void *arg)
{
    bool is_theirs = ++all->turn % TLS_LINES_TURN == 0;
    struct tls_line *first = is_theirs ? &all->suspect : &all->clear;
    struct tls_line *then = is_theirs ? &all->clear : &all->suspect;
    struct tls_link *l = line_pop(first, may, arg);
    return l ? l : line_pop(then, may, arg);
}

uint32_t tls_lines_count(const struct tls_lines *all)
{
    return all->clear.count + all->suspect.count;
}

bool tls_lines_have(const struct tls_lines *all, uint32_t host)
{
    return !list_is_empty(&all->clear.of[host]) ||
           !list_is_empty(&all->suspect.of[host]);
}
