/* SPDX-License-Identifier: MIT
 *
 * channel_hint - warns of channel names that are legal but are probably not
 * meant: topic/foo, /queu/jobs, '/topic/' with a star, /null.
 */
#ifndef SLUICE_CLIENT_CHANNEL_HINT_H
#define SLUICE_CLIENT_CHANNEL_HINT_H

enum channel_use { CHANNEL_PUBLISH, CHANNEL_SUBSCRIBE };

/* Prints at most one warning, on standard error. `channel` is a legal name. */
void channel_hint_print(const char *channel, enum channel_use use);

#endif
