/* SPDX-License-Identifier: MIT */
#include "broker/core/directory.h"

#include "broker/core/channel.h"
#include "broker/core/queue.h"
#include "broker/core/rule.h"
#include "broker/core/topic.h"
#include "broker/core/turn.h"

void directory_init(struct directory *d, struct turn *turn)
{
    *d = (struct directory){.turn = turn};
    map_init(&d->channels, turn->budget);
}

void directory_fini(struct directory *d)
{
    map_fini(&d->channels);
}

static struct channel *channel_of(struct map_node *node)
{
    return LIST_OF(node, struct channel, node);
}

struct channel *directory_find(const struct directory *d, const uint8_t *name,
                               uint32_t length)
{
    struct map_node *node = map_find(&d->channels, name, length);
    return node ? channel_of(node) : NULL;
}

struct channel *directory_add(struct directory *d, enum name_class name_class,
                              const struct rule *rule, const uint8_t *name,
                              uint32_t length)
{
    const struct channel_kind *kind =
        name_class == NAME_QUEUE ? &queue_kind : &topic_kind;
    struct channel *ch = channel_new(d->turn, kind, rule, name, length);
    d->turn->refusal = REFUSAL_NO_MEMORY; /* unless `open` knows better */
    if (!ch)
        return NULL;
    if (!map_insert(&d->channels, &ch->node)) {
        channel_free(ch);
        return NULL;
    }
    if (kind->open && !kind->open(ch)) { /* last: then it may hold messages */
        map_remove(&d->channels, &ch->node);
        channel_free(ch);
        return NULL;
    }
    counter_add(d->turn->counters, COUNT_channels, 1);
    const struct core_owner *owner = &d->turn->owner;
    if (!owner->appeared || owner->appeared(owner->arg, ch))
        return ch;
    directory_remove(d, ch);
    return NULL;
}

struct channel *directory_obtain(struct directory *d, const uint8_t *name,
                                 uint32_t length)
{
    const struct core_config *config = &d->turn->config;
    struct channel *ch = directory_find(d, name, length);
    if (ch)
        return ch;
    return directory_add(
        d, name_class_of(name, length),
        rule_find(config->rules, config->rule_count, name, length), name,
        length);
}

void directory_remove(struct directory *d, struct channel *ch)
{
    map_remove(&d->channels, &ch->node);
    d->epoch++;
    counter_sub(d->turn->counters, COUNT_channels, 1);
    channel_free(ch);
}

struct visitor {
    channel_fn *visit;
    void *arg;
};

static void directory_visit_node(struct map_node *node, void *arg)
{
    const struct visitor *visitor = arg;
    visitor->visit(channel_of(node), visitor->arg);
}

size_t directory_visit(const struct directory *d, size_t from, size_t slots,
                       channel_fn *visit, void *arg)
{
    struct visitor visitor = {visit, arg};
    return map_visit(&d->channels, from, slots, directory_visit_node, &visitor);
}

void directory_each(const struct directory *d, channel_fn *visit, void *arg)
{
    struct visitor visitor = {visit, arg};
    map_each(&d->channels, directory_visit_node, &visitor);
}

bool directory_walk(const struct directory *d, struct map_walk *walk,
                    size_t slots, channel_fn *visit, void *arg)
{
    struct visitor visitor = {visit, arg};
    return map_walk(&d->channels, walk, slots, directory_visit_node, &visitor);
}
