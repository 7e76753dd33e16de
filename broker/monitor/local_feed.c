/* SPDX-License-Identifier: MIT */
#include "broker/monitor/local_feed.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "common/sentence.h"

enum {
    BACKLOG = 64,
    UMASK = 0117, /* for the owner and the group */
};

static void local_feed_on_event(evutil_socket_t fd, short what, void *arg)
{
    struct local_feed *l = arg;
    (void)fd;
    (void)what;
    l->on_connect(l->arg);
}

static int bind_path(struct socket_file *file, const char *path,
                     struct sentence *why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        sentence_fail(why, "cannot listen on unix socket %s: %s", path,
                      strerror(ENAMETOOLONG));
        return -1;
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    mode_t mask = umask(UMASK);
    int fd = socket_file_bind(file, &at, why);
    umask(mask);
    return fd;
}

static bool local_feed_listen(struct local_feed *l, struct reactor *r)
{
    l->event =
        event_new(reactor_base(r), l->fd, EV_READ, local_feed_on_event, l);
    return l->event && listen(l->fd, BACKLOG) == 0 &&
           event_add(l->event, NULL) == 0;
}

bool local_feed_open(struct local_feed *l, struct reactor *r, const char *path,
                     void (*on_connect)(void *arg), void *arg,
                     struct sentence *why)
{
    *l = (struct local_feed){.on_connect = on_connect, .arg = arg};
    l->fd = bind_path(&l->file, path, why);
    if (l->fd < 0)
        return false;
    if (local_feed_listen(l, r))
        return true;
    sentence_fail(why, "cannot listen on unix socket %s: %s", path,
                  strerror(errno));
    local_feed_close(l);
    return false;
}

void local_feed_close(struct local_feed *l)
{
    if (!l->file.path[0])
        return;
    if (l->event)
        event_free(l->event);
    close(l->fd);
    socket_file_remove(&l->file);
    l->event = NULL;
}
