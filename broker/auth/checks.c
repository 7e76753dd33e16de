/* SPDX-License-Identifier: MIT */
#include "broker/auth/checks.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "users/secret.h"

enum { CHECKS_NICE = 10 };

/* Of a password that nobody knows; as expensive as those of `sluice passwd`. */
static const char own_decoy[] = "$y$j9T$dZ5LfzKRFZzhKGnXCgyFO/$"
                                "A3lFgJyXjBbOqLhrRZRzCcsGqvkmSrYEDMbXCvTcbn7";

enum check_state { CHECK_FREE, CHECK_WAITING, CHECK_RUNNING, CHECK_DONE };

struct check {
    enum check_state state;
    bool is_cancelled, is_known, is_right, is_suspect;
    enum checks_asker asker;
    uint64_t id;
    uint64_t round, number; /* which is taken next */
    struct network source;  /* version 0: a unix socket */
    char hash[SECRET_HASH_MAX + 1];
    char secret[CHECKS_SECRET_MAX + 1];
};

struct checks {
    int fds[CHECKS_ASKERS];
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex; /* for all below */
    pthread_cond_t has_work;
    bool is_ending;
    uint64_t round, number; /* of the check taken last, and of the newest */
    uint64_t turn;          /* of suspects, each time that it is a fourth */
    struct check all[CHECKS_MAX];
};

/* --- the thread ---------------------------------------------------------- */

/* The lowest round first: each source has one check in each. */
static struct check *checks_first(struct checks *c, bool is_suspect)
{
    struct check *first = NULL;
    for (unsigned i = 0; i < CHECKS_MAX; i++) {
        struct check *one = &c->all[i];
        if (one->state != CHECK_WAITING || one->is_suspect != is_suspect)
            continue;
        if (!first || one->round < first->round ||
            (one->round == first->round && one->number < first->number))
            first = one;
    }
    return first;
}

static struct check *checks_next(struct checks *c)
{
    bool is_theirs = (c->turn + 1) % CHECKS_TURN == 0;
    struct check *next = checks_first(c, is_theirs);
    if (!next)
        next = checks_first(c, !is_theirs);
    if (next)
        c->turn++;
    return next;
}

/* Both are of the same length, or one is not a hash; the length of a hash is no
 * secret. */
static bool check_is_right(const struct check *one, struct crypt_data *data)
{
    const char *made = crypt_rn(one->secret, one->hash, data, sizeof *data);
    size_t length = strlen(one->hash);
    bool is_right = made && strlen(made) == length &&
                    CRYPTO_memcmp(made, one->hash, length) == 0;
    explicit_bzero(data, sizeof *data);
    return is_right && one->is_known;
}

static void check_wipe(struct check *one)
{
    explicit_bzero(one->secret, sizeof one->secret);
    explicit_bzero(one->hash, sizeof one->hash);
}

/* Only the one that runs is touched without the mutex, and nobody else does. */
static void checks_run(struct checks *c, struct check *one,
                       struct crypt_data *data)
{
    one->state = CHECK_RUNNING;
    c->round = one->round;
    pthread_mutex_unlock(&c->mutex);
    bool is_right = check_is_right(one, data);
    pthread_mutex_lock(&c->mutex);
    check_wipe(one);
    one->is_right = is_right;
    one->state = one->is_cancelled ? CHECK_FREE : CHECK_DONE;
    uint64_t step = 1;
    if (one->state == CHECK_DONE)
        (void)!write(c->fds[one->asker], &step, sizeof step);
}

static void *checks_work(void *arg)
{
    struct checks *c = arg;
    struct crypt_data *data = calloc(1, sizeof *data);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), CHECKS_NICE);
    pthread_mutex_lock(&c->mutex);
    while (!c->is_ending) {
        struct check *next = data ? checks_next(c) : NULL;
        if (next)
            checks_run(c, next, data);
        else
            pthread_cond_wait(&c->has_work, &c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
    free(data);
    return NULL;
}

/* Signals are for the loop. */
static bool checks_start(struct checks *c)
{
    sigset_t all, before;
    if (c->has_thread)
        return true;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    c->has_thread = pthread_create(&c->thread, NULL, checks_work, c) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c->has_thread;
}

/* --- the loop ------------------------------------------------------------ */

static void checks_close(struct checks *c)
{
    for (unsigned i = 0; i < CHECKS_ASKERS; i++)
        if (c->fds[i] >= 0)
            close(c->fds[i]);
}

static bool checks_open(struct checks *c)
{
    bool is_open = true;
    for (unsigned i = 0; i < CHECKS_ASKERS; i++) {
        c->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        is_open = is_open && c->fds[i] >= 0;
    }
    if (!is_open)
        checks_close(c);
    return is_open;
}

struct checks *checks_new(void)
{
    struct checks *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (!checks_open(c)) {
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->has_work, NULL);
    return c;
}

void checks_free(struct checks *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->mutex);
    c->is_ending = true;
    pthread_cond_signal(&c->has_work);
    pthread_mutex_unlock(&c->mutex);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->has_work);
    pthread_mutex_destroy(&c->mutex);
    checks_close(c);
    explicit_bzero(c, sizeof *c);
    free(c);
}

int checks_fd(const struct checks *c, enum checks_asker asker)
{
    return c->fds[asker];
}

/* A free place, and how many there are of its source: so many rounds it has to
 * wait. NULL: none is free, or the source has its share. */
static struct check *checks_find_place(struct checks *c,
                                       const struct network *source,
                                       unsigned *others)
{
    struct check *place = NULL;
    *others = 0;
    for (unsigned i = 0; i < CHECKS_MAX; i++) {
        struct check *one = &c->all[i];
        if (one->state == CHECK_FREE)
            place = one;
        else if (network_compare(&one->source, source) == 0)
            ++*others;
    }
    return *others < CHECKS_SOURCE_MAX ? place : NULL;
}

static void check_fill(struct check *one, const struct check_claim *claim)
{
    const char *decoy = claim->decoy ? claim->decoy : own_decoy;
    one->is_known = claim->hash != NULL;
    strncpy(one->hash, claim->hash ? claim->hash : decoy, sizeof one->hash - 1);
    memcpy(one->secret, claim->secret, claim->length);
    one->secret[claim->length] = '\0';
}

static bool claim_is_possible(const struct check_claim *claim)
{
    return claim->length <= CHECKS_SECRET_MAX &&
           !memchr(claim->secret, '\0', claim->length) &&
           (!claim->hash || strlen(claim->hash) <= SECRET_HASH_MAX);
}

bool checks_submit(struct checks *c, enum checks_asker asker, uint64_t id,
                   const struct network *source,
                   const struct check_claim *claim)
{
    unsigned others;
    if (!claim_is_possible(claim) || !checks_start(c))
        return false;
    pthread_mutex_lock(&c->mutex);
    struct check *place = checks_find_place(c, source, &others);
    if (place) {
        *place = (struct check){.state = CHECK_WAITING,
                                .asker = asker,
                                .id = id,
                                .round = c->round + others,
                                .number = ++c->number,
                                .is_suspect = claim->is_suspect,
                                .source = *source};
        check_fill(place, claim);
        pthread_cond_signal(&c->has_work);
    }
    pthread_mutex_unlock(&c->mutex);
    return place != NULL;
}

bool checks_have_room(struct checks *c, const struct network *source)
{
    unsigned others;
    pthread_mutex_lock(&c->mutex);
    bool is_free = checks_find_place(c, source, &others) != NULL;
    pthread_mutex_unlock(&c->mutex);
    return is_free;
}

void checks_cancel(struct checks *c, enum checks_asker asker, uint64_t id)
{
    pthread_mutex_lock(&c->mutex);
    for (unsigned i = 0; i < CHECKS_MAX; i++) {
        struct check *one = &c->all[i];
        if (one->state == CHECK_FREE || one->asker != asker || one->id != id)
            continue;
        one->is_cancelled = true;
        if (one->state == CHECK_RUNNING)
            continue;
        check_wipe(one);
        one->state = CHECK_FREE;
    }
    pthread_mutex_unlock(&c->mutex);
}

bool checks_take(struct checks *c, enum checks_asker asker,
                 struct check_result *out)
{
    bool is_found = false;
    uint64_t steps;
    pthread_mutex_lock(&c->mutex);
    for (unsigned i = 0; i < CHECKS_MAX && !is_found; i++) {
        struct check *one = &c->all[i];
        if (one->state != CHECK_DONE || one->asker != asker)
            continue;
        *out = (struct check_result){one->id, one->is_right};
        one->state = CHECK_FREE;
        is_found = true;
    }
    if (!is_found)
        (void)!read(c->fds[asker], &steps, sizeof steps);
    pthread_mutex_unlock(&c->mutex);
    return is_found;
}
