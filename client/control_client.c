/* SPDX-License-Identifier: MIT */
#include "client/control_client.h"

#include "client/complain.h"
#include "client/lib/permission.h"
#include "client/lib/secure.h"
#include "common/address.h"
#include "common/local_place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    CONTROL_ANSWER_MAX = 16 << 20, /* bytes; a broker sends less than 2 MiB */
    CONTROL_TARGET_BYTES = 1024,
    CONTROL_PERMISSION_BYTES = 256,
};

/* --- where it is --------------------------------------------------------- */

static int control_client_denied(const char *path)
{
    char reason[CONTROL_PERMISSION_BYTES];
    sluice_permission_explain(path, reason, sizeof reason);
    return complain(EXIT_FAILED, "no permission to use %s%s%s", path,
                    *reason ? ": " : "", reason);
}

static int control_client_named(struct control_client *c, const char *control)
{
    struct sluice_address a;
    if (!sluice_address_parse(control, SLUICE_DEFAULT_PORT, &a) || !a.is_unix)
        return complain(EXIT_USAGE, "--control: '%s' is not unix:PATH",
                        control);
    if (!sluice_address_to_unix(&a, &c->at))
        return complain(EXIT_USAGE, "--control: the path is too long");
    return EXIT_DONE;
}

int control_client_find(struct control_client *c,
                        const struct control_options *options)
{
    struct local_places places;
    struct local_path path;
    struct sentence why;
    *c = (struct control_client){
        .at.sun_family = AF_UNIX,
        .timeout_ms = (int)options->timeout_ms.value,
    };
    if (options->control)
        return control_client_named(c, options->control);
    local_places_init(&places);
    switch (local_place_find(&places, sluice_secure_address(options->server),
                             "control", &path, &why)) {
    case LOCAL_FOUND:
        memcpy(c->at.sun_path, path.text, sizeof c->at.sun_path);
        return EXIT_DONE;
    case LOCAL_DENIED:
        return control_client_denied(path.text);
    case LOCAL_ELSEWHERE:
        return complain(EXIT_USAGE,
                        "--server (or $SLUICE_SERVER): %s; a control socket is "
                        "reached only on the broker's own machine; elsewhere, "
                        "sluice ls and top ask its --http",
                        why.text);
    case LOCAL_ABSENT:
        break;
    }
    return complain(EXIT_FAILED,
                    "%s; is sluiced running, as this user or as a service, and "
                    "without --control off? Name its socket with --control",
                    why.text);
}

/* --- one request --------------------------------------------------------- */

static int control_client_connect(const struct control_client *c)
{
    struct timeval limit = {.tv_sec = c->timeout_ms / 1000,
                            .tv_usec = c->timeout_ms % 1000 * 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&c->at, sizeof c->at) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static bool control_client_send(int fd, const char *method, const char *target)
{
    char request[CONTROL_TARGET_BYTES + 64];
    int n = snprintf(request, sizeof request,
                     "%s %.*s HTTP/1.1\r\nHost: localhost\r\n\r\n", method,
                     (int)CONTROL_TARGET_BYTES, target);
    /* It fits into the buffer of any socket. */
    return send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
}

/* To the end of the connection; the caller frees, also when it failed. */
static bool control_client_read(int fd, struct control_answer *out)
{
    size_t room = 0;
    for (;;) {
        if (room - out->length < 2) {
            room = room > 0 ? 2 * room : 1 << 14;
            char *more =
                room <= CONTROL_ANSWER_MAX ? realloc(out->body, room) : NULL;
            if (!more)
                return false;
            out->body = more;
        }
        ssize_t n =
            recv(fd, out->body + out->length, room - 1 - out->length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            out->body[out->length] = '\0';
            return n == 0;
        }
        out->length += (size_t)n;
    }
}

/* Cuts the head off. Returns the status; 0 when it is not HTTP, or not all of
 * the body is there. */
static int control_client_parse(struct control_answer *a)
{
    static const char length_header[] = "\r\nContent-Length: ";
    int status;
    char *end = a->length > 0 ? strstr(a->body, "\r\n\r\n") : NULL;
    if (!end || sscanf(a->body, "HTTP/1.1 %3d ", &status) != 1)
        return 0;
    *end = '\0';
    const char *length = strstr(a->body, length_header);
    size_t head = (size_t)(end - a->body) + 4;
    if (!length ||
        strtoull(length + strlen(length_header), NULL, 10) != a->length - head)
        return 0;
    a->length -= head;
    memmove(a->body, a->body + head, a->length + 1);
    return status;
}

/* Prints why `a` is not the answer that was asked for. */
static int control_client_refused(const struct control_client *c, int status,
                                  struct control_answer *a)
{
    if (status == 0)
        return complain(EXIT_FAILED, "%s does not answer as sluiced does",
                        c->at.sun_path);
    a->body[strcspn(a->body, "\n")] = '\0';
    return complain(EXIT_FAILED, "the broker refuses: %s", a->body);
}

static int control_client_failed(const struct control_client *c, int err)
{
    if (err == EACCES)
        return control_client_denied(c->at.sun_path);
    if (err == EAGAIN || err == EWOULDBLOCK)
        return complain(EXIT_FAILED, "%s does not answer; raise --timeout",
                        c->at.sun_path);
    return complain(EXIT_FAILED, "cannot use %s: %s", c->at.sun_path,
                    strerror(err));
}

int control_client_ask(const struct control_client *c, const char *method,
                       const char *target, struct control_answer *answer)
{
    *answer = (struct control_answer){.body = NULL};
    int fd = control_client_connect(c);
    if (fd < 0)
        return control_client_failed(c, errno);
    bool ok = control_client_send(fd, method, target) &&
              control_client_read(fd, answer);
    int err = errno, status = EXIT_DONE;
    close(fd);
    int code = ok ? control_client_parse(answer) : 0;
    if (!ok)
        status = control_client_failed(c, err);
    else if (code != 200)
        status = control_client_refused(c, code, answer);
    if (status != EXIT_DONE) {
        free(answer->body);
        answer->body = NULL;
    }
    return status;
}

void control_client_encode(const char *channel, char out[CONTROL_NAME_BYTES])
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.~";
    size_t at = 0;
    for (; *channel && at + PERCENT_BYTES < CONTROL_NAME_BYTES; channel++) {
        if (strchr(plain, *channel))
            out[at++] = *channel;
        else
            at += (size_t)sprintf(out + at, "%%%02X", (unsigned char)*channel);
    }
    out[at] = '\0';
}
