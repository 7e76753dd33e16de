/* SPDX-License-Identifier: MIT
 *
 * link - the connection of a handle in version 2, and its successors: begun,
 * opened, lost, begun again after a pause.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_LINK_H
#define SLUICE_CLIENT_LIB_UNITS_LINK_H

#include "client/lib/deadline.h"
#include "client/lib/handle.h"
#include "proto/head.h"

/* Begins to connect to the address of the settings. */
void sluice_link_begin(struct sluice *s);

/* The attempt goes on; SLUICE_AGAIN: there is nothing to do yet. */
enum sluice_error sluice_link_dial(struct sluice *s);

/* Opens version 2 on the socket of the handle. */
void sluice_link_connected(struct sluice *s);

/* INFO has come: takes over its limits. The first one opens the connection, and
 * subscribes again; true then. */
bool sluice_link_take_info(struct sluice *s, const struct head *head);

/* The broker refused the opening, with that code. */
void sluice_link_refused(struct sluice *s, struct span code,
                         struct sluice_bytes text);

/* The connection has ended, with the broker's BYE or without; `why` is NULL
 * when the broker closed it. An attempt has failed if it was not open; else
 * what was taken last is its loss. */
void sluice_link_lose(struct sluice *s, bool is_bye, const char *why);

/* The same for an errno. */
void sluice_link_lose_errno(struct sluice *s, int error);

/* The connection has ended because of what the server sent; another one would
 * end as well. */
void sluice_link_fail(struct sluice *s, enum sluice_error error,
                      const char *why);

/* Bytes came. */
void sluice_link_heard(struct sluice *s);

/* When sluice_link_tick() has something to do. */
sluice_deadline sluice_link_due(const struct sluice *s);

/* Does what is due: ends a pause, an opening, a silence. False: nothing is. */
bool sluice_link_tick(struct sluice *s);

#endif
