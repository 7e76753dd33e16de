/* SPDX-License-Identifier: MIT
 *
 * login - a client of version 2 shows who it is: by a token, a password, or a
 * signature of what the broker has drawn. Only the opening has come; meanwhile
 * nothing else is executed.
 *
 *     QUEUED     its source has failed too often, or too many passwords are
 *                compared: it waits for its turn
 *     COMPARED   its password is compared, on another thread
 *     ASKED      its signature is awaited
 *
 * While it is QUEUED or COMPARED, the client is not read. --hello-timeout
 * bounds all of it.
 */
#ifndef SLUICE_SESSION_UNITS_LOGIN_H
#define SLUICE_SESSION_UNITS_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/head.h"

struct session;

/* A whole opening that has to show something. */
struct login_opening {
    const struct head *head;
    const uint8_t *text; /* of the head */
    uint32_t length;
    const uint8_t *secret; /* the body */
    uint32_t secret_length;
};

enum login_result {
    LOGIN_RIGHT,   /* the client is admitted */
    LOGIN_WRONG,   /* it is nobody */
    LOGIN_BUSY,    /* too many wait */
    LOGIN_CROWDED, /* its user has as many connections as it may have */
    LOGIN_PENDING, /* it takes time; see login_end */
    LOGIN_FAILED,  /* there is no memory */
};

/* Begins, and may end at once. False without memory. */
bool login_begin(struct session *s, const struct login_opening *opening);

/* Whether one has begun, and is not forgotten. */
bool login_exists(const struct session *s);

/* What has become of it: when it is not PENDING any more, session_go_on() is
 * called. */
enum login_result login_result(const struct session *s);

/* Whether the client has to sign. Its next unit is then judged; anything but a
 * signature is a wrong one. */
bool login_is_asked(const struct session *s);
void login_judge_signature(struct session *s, const uint8_t *body,
                           uint32_t length);

/* The head of the opening, taken apart again. It points into the login. */
void login_head(const struct session *s, struct head *head);

/* Forgets it and wipes its secret. Harmless when there is none. */
void login_end(struct session *s);

#endif
