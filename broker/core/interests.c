/* SPDX-License-Identifier: MIT */
#include "broker/core/interests.h"

#include <assert.h>
#include <string.h>

enum {
    WILD_MAX = PATTERN_SEGMENTS_MAX / 2,
    WORK_SHAPE = 2,     /* see interests_next */
    WILD_PER_WORK = 16, /* steps of a lookup */
};

/* Where the wildcards of a pattern are. */
struct interest_form {
    uint8_t segments; /* of a name that matches, a "**" not counted */
    uint8_t takes_rest;
    uint8_t wild_count;
    uint8_t wild[WILD_MAX]; /* the number of each segment that is a "*" */
};

struct interest_shape {
    struct map_node node; /* its name is as much of `form` as is used */
    struct list link;     /* in all_shapes */
    uint64_t hash;
    uint32_t groups; /* with this shape */
    struct interest_form form;
};

/* The interests with the same pattern. */
struct interest_group {
    struct interest_group *next; /* with the same hash, by chance */
    struct interest_shape *shape;
    uint64_t hash;
    struct list interests;
    struct pattern pattern; /* as much of it as is used */
};

void interests_init(struct interests *in, struct budget *budget)
{
    *in = (struct interests){.key = siphash_key_random(), .budget = budget};
    map_init(&in->shapes, budget);
    idmap_init(&in->groups, budget);
    list_init(&in->all_shapes);
    interests_stop(in);
}

void interests_fini(struct interests *in)
{
    assert(in->group_count == 0);
    idmap_clear(&in->groups);
    map_fini(&in->shapes);
}

const struct pattern *interest_pattern(const struct interest *i)
{
    return &i->group->pattern;
}

static uint64_t hash_segment(const struct siphash_key *secret, unsigned place,
                             const uint8_t *segment, size_t length)
{
    struct siphash_key key = {secret->k0 + place, secret->k1};
    return siphash(&key, segment, length);
}

static void question_init(struct interest_question *q,
                          const struct siphash_key *key, const uint8_t *name,
                          size_t length)
{
    pattern_cut(&q->name, name, length);
    q->upto[0] = 0;
    for (unsigned i = 0; i < q->name.segments; i++) {
        q->each[i] = hash_segment(key, i, name + q->name.start[i],
                                  pattern_segment_length(&q->name, i));
        q->upto[i + 1] = q->upto[i] ^ q->each[i];
    }
}

/* Takes a pattern apart: where its wildcards are, and the hash of all its other
 * segments. */
static uint64_t form_of(struct interest_form *form,
                        const struct siphash_key *key, const struct pattern *p)
{
    uint64_t hash = 0;
    *form = (struct interest_form){.segments = 0};
    for (unsigned at = 0; at < p->length; at++) {
        uint8_t mark = p->octets[at];
        if (mark == PATTERN_REST) {
            form->takes_rest = true;
            break;
        }
        if (mark == PATTERN_ANY) {
            form->wild[form->wild_count++] = form->segments;
        } else {
            hash ^= hash_segment(key, form->segments, &p->octets[at + 1], mark);
            at += mark;
        }
        form->segments++;
    }
    return hash;
}

/* Shapes. */

static size_t form_length(const struct interest_form *form)
{
    return offsetof(struct interest_form, wild) + form->wild_count;
}

static size_t shape_size(const struct interest_form *form)
{
    return offsetof(struct interest_shape, form) + form_length(form);
}

static struct interest_shape *shape_new(struct interests *in,
                                        const struct interest_form *form)
{
    size_t n = form_length(form);
    struct interest_shape *shape = budget_zalloc(in->budget, shape_size(form));
    if (!shape)
        return NULL;
    shape->hash = siphash(&in->key, form, n);
    memcpy(&shape->form, form, n);
    shape->node.length = (uint16_t)n;
    shape->node.offset = offsetof(struct interest_shape, form) -
                         offsetof(struct interest_shape, node);
    if (!map_insert(&in->shapes, &shape->node)) {
        budget_free(in->budget, shape, shape_size(form));
        return NULL;
    }
    list_insert(&in->all_shapes, &shape->link);
    return shape;
}

static struct interest_shape *shape_known(const struct interests *in,
                                          const struct interest_form *form)
{
    struct map_node *node = map_find(&in->shapes, form, form_length(form));
    return node ? LIST_OF(node, struct interest_shape, node) : NULL;
}

static struct interest_shape *shape_find(struct interests *in,
                                         const struct interest_form *form)
{
    struct interest_shape *shape = shape_known(in, form);
    return shape ? shape : shape_new(in, form);
}

static void shape_free_unused(struct interests *in,
                              struct interest_shape *shape)
{
    if (shape->groups > 0)
        return;
    if (in->search.shape == &shape->link)
        in->search.shape = shape->link.next;
    map_remove(&in->shapes, &shape->node);
    list_remove(&shape->link);
    budget_free(in->budget, shape, shape_size(&shape->form));
}

/* Whether names of that many segments can match a pattern of this shape. */
static bool shape_fits(const struct interest_shape *shape, unsigned segments)
{
    return shape->form.takes_rest ? segments >= shape->form.segments
                                  : segments == shape->form.segments;
}

/* The hash of the only pattern of this shape that can match the name. */
static uint64_t shape_hash_of(const struct interest_shape *shape,
                              const struct interest_question *q)
{
    uint64_t hash = shape->hash ^ q->upto[shape->form.segments];
    for (unsigned i = 0; i < shape->form.wild_count; i++)
        hash ^= q->each[shape->form.wild[i]];
    return hash;
}

/* Groups. */

/* By this the table knows the groups with one hash. */
static uint64_t group_id(uint64_t hash)
{
    return hash != 0 ? hash : 1;
}

static struct interest_group *groups_of(const struct interests *in,
                                        uint64_t hash)
{
    const uint64_t *first = idmap_find(&in->groups, group_id(hash));
    return first ? (struct interest_group *)(uintptr_t)*first : NULL;
}

/* NULL: there is none any more. */
static bool set_groups_of(struct interests *in, uint64_t hash,
                          struct interest_group *first)
{
    if (first)
        return idmap_put(&in->groups, group_id(hash),
                         (uint64_t)(uintptr_t)first);
    idmap_remove(&in->groups, group_id(hash));
    return true;
}

static size_t group_size(const struct pattern *p)
{
    return offsetof(struct interest_group, pattern) +
           offsetof(struct pattern, octets) + p->length;
}

static bool has_pattern(const struct interest_group *group,
                        const struct pattern *p)
{
    return group->pattern.length == p->length &&
           memcmp(group->pattern.octets, p->octets, p->length) == 0;
}

static struct interest_group *group_new(struct interests *in,
                                        struct interest_shape *shape,
                                        uint64_t hash, const struct pattern *p)
{
    struct interest_group *next = groups_of(in, hash);
    struct interest_group *group = budget_alloc(in->budget, group_size(p));
    if (!group || !set_groups_of(in, hash, group)) {
        budget_free(in->budget, group, group_size(p));
        return NULL;
    }
    group->next = next;
    group->shape = shape;
    group->hash = hash;
    list_init(&group->interests);
    memcpy(&group->pattern, p, offsetof(struct pattern, octets) + p->length);
    shape->groups++;
    in->group_count++;
    return group;
}

static struct interest_group *
group_known(const struct interests *in, uint64_t hash, const struct pattern *p)
{
    struct interest_group *group = groups_of(in, hash);
    while (group && (group->hash != hash || !has_pattern(group, p)))
        group = group->next;
    return group;
}

static struct interest_group *group_find(struct interests *in,
                                         struct interest_shape *shape,
                                         uint64_t hash, const struct pattern *p)
{
    struct interest_group *group = group_known(in, hash, p);
    return group ? group : group_new(in, shape, hash, p);
}

static void group_unlink(struct interests *in, struct interest_group *group)
{
    struct interest_group *first = groups_of(in, group->hash);
    if (first == group) { /* what is known has room: this cannot fail */
        (void)set_groups_of(in, group->hash, group->next);
        return;
    }
    while (first->next != group)
        first = first->next;
    first->next = group->next;
}

static void group_free_unused(struct interests *in,
                              struct interest_group *group)
{
    if (!list_is_empty(&group->interests))
        return;
    group_unlink(in, group);
    if (in->search.group == group)
        in->search.group = NULL;
    in->group_count--;
    group->shape->groups--;
    shape_free_unused(in, group->shape);
    budget_free(in->budget, group, group_size(&group->pattern));
}

/* Interests. */

bool interests_add(struct interests *in, struct interest *i,
                   const struct pattern *p)
{
    struct interest_form form;
    assert(!p->is_exact);
    uint64_t hash = form_of(&form, &in->key, p);
    struct interest_shape *shape = shape_find(in, &form);
    if (!shape)
        return false;
    i->group = group_find(in, shape, shape->hash ^ hash, p);
    if (!i->group) {
        shape_free_unused(in, shape);
        return false;
    }
    list_insert(&i->group->interests, &i->same);
    return true;
}

const struct interest_group *interests_with(struct interests *in,
                                            const struct pattern *p)
{
    struct interest_form form;
    uint64_t hash = form_of(&form, &in->key, p);
    const struct interest_shape *shape = shape_known(in, &form);
    return shape ? group_known(in, shape->hash ^ hash, p) : NULL;
}

void interests_remove(struct interests *in, struct interest *i)
{
    if (in->search.same == &i->same)
        in->search.same = i->same.next;
    list_remove(&i->same);
    group_free_unused(in, i->group);
    i->group = NULL;
}

static struct interest_group *group_matching(const struct interests *in,
                                             const struct interest_shape *shape,
                                             const struct interest_question *q)
{
    if (!shape_fits(shape, q->name.segments))
        return NULL;
    uint64_t hash = shape_hash_of(shape, q);
    struct interest_group *group = groups_of(in, hash);
    while (group && (group->hash != hash ||
                     !pattern_matches_name(&group->pattern, &q->name)))
        group = group->next;
    return group;
}

void interests_stop(struct interests *in)
{
    in->search.is_over = true;
    in->search.group = NULL;
    in->search.shape = in->search.same = NULL;
}

void interests_seek(struct interests *in, const uint8_t *name, size_t length)
{
    interests_stop(in);
    if (in->group_count == 0)
        return;
    question_init(&in->search.question, &in->key, name, length);
    in->search.is_over = false;
    in->search.shape = in->all_shapes.next;
}

/* Goes on to the next shape. Returns what that costs. */
static int32_t interests_advance(struct interests *in)
{
    struct interest_search *search = &in->search;
    if (search->shape == &in->all_shapes) {
        interests_stop(in);
        return 0;
    }
    const struct interest_shape *shape =
        LIST_OF(search->shape, struct interest_shape, link);
    search->shape = search->shape->next;
    search->group = group_matching(in, shape, &search->question);
    if (search->group)
        search->same = search->group->interests.next;
    return WORK_SHAPE + shape->form.wild_count / WILD_PER_WORK;
}

struct interest *interests_next(struct interests *in, int32_t *work)
{
    struct interest_search *search = &in->search;
    while (*work > 0 && !search->is_over) {
        if (!search->group) {
            *work -= interests_advance(in);
        } else if (search->same == &search->group->interests) {
            search->group = NULL;
        } else {
            struct list *found = search->same;
            search->same = found->next;
            --*work;
            return LIST_OF(found, struct interest, same);
        }
    }
    return NULL;
}
