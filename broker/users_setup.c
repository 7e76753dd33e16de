/* SPDX-License-Identifier: MIT */
#include "broker/users_setup.h"

#include <string.h>
#include <sys/stat.h>

#include "broker/base/log.h"
#include "broker/monitor_setup.h"
#include "broker/net/reactor.h"
#include "broker/options/options.h"
#include "broker/session/clients.h"
#include "common/mistakes.h"
#include "users/users.h"
#include "users/users_file.h"

enum {
    LOOK_MS = 5000,
    SETTLE_MS = 2000, /* between the looks that must see the same change */
};

static uint64_t stamp_of(const char *file)
{
    struct stat st;
    if (stat(file, &st) != 0)
        memset(&st, 0, sizeof st);
    const uint64_t parts[] = {(uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec, st.st_ino,
                              (uint64_t)st.st_size, st.st_mode};
    uint64_t stamp = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        stamp = (stamp ^ parts[i]) * 0x100000001b3u; /* as FNV does */
    return stamp;
}

/* It is waited for, so it must not be left out among many. */
static void setup_on_loaded(void *arg, const struct review_result *r)
{
    const struct users_setup *s = arg;
    log_always(s->log, LOG_INFO, "rights_loaded",
               LOG_LIST(LOG_U64("users", r->users),
                        LOG_U64("user_added", r->change.added),
                        LOG_U64("user_removed", r->change.removed),
                        LOG_U64("user_changed", r->change.changed),
                        LOG_U64("sessions_closed", r->closed)));
}

/* Takes an owner of `users`. */
static bool setup_take(struct users_setup *s, struct users *users)
{
    return monitor_setup_set_users(s->watched, users) &&
           review_begin(s->clients, users);
}

static void setup_on_mistake(void *arg, const char *sentence)
{
    const struct users_setup *s = arg;
    log_always(s->log, LOG_ERROR, "reload_mistake",
               LOG_LIST(LOG_TEXT("what", sentence)));
}

static void setup_load(struct users_setup *s)
{
    struct mistakes mistakes = {.report = setup_on_mistake, .arg = s};
    struct users *users = users_file_read(s->options->users.text, &mistakes);
    if (!users || !setup_take(s, users))
        log_always(s->log, LOG_ERROR, "rights_kept",
                   LOG_LIST(LOG_TEXT("file", s->options->users.text)));
}

/* A file that is being written is not whole yet: a change counts when it is
 * seen twice. */
static void setup_look(void *arg)
{
    struct users_setup *s = arg;
    uint64_t now = stamp_of(s->options->users.text);
    bool is_settled = now == s->seen;
    s->seen = now;
    if (is_settled && now != s->loaded) {
        s->loaded = now;
        setup_load(s);
    }
    (void)reactor_timer_start(s->timer, is_settled ? LOOK_MS : SETTLE_MS);
}

bool users_setup_open(struct users_setup *s, const struct options *o,
                      struct clients *clients, struct monitor_setup *watched,
                      struct reactor *reactor, struct log *log)
{
    *s = (struct users_setup){
        .clients = clients, .watched = watched, .log = log};
    clients->review.on_done = setup_on_loaded;
    clients->review.arg = s;
    if (!o->known)
        return true;
    s->timer = reactor_timer_new(reactor, setup_look, s);
    return s->timer && users_setup_use(s, o);
}

bool users_setup_use(struct users_setup *s, const struct options *o)
{
    s->options = o;
    if (!o->known)
        return true;
    s->loaded = s->seen = stamp_of(o->users.text);
    (void)reactor_timer_start(s->timer, LOOK_MS);
    return setup_take(s, users_ref(o->known));
}

void users_setup_close(struct users_setup *s)
{
    reactor_timer_free(s->timer);
    *s = (struct users_setup){.timer = NULL};
}
