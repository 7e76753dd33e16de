/* SPDX-License-Identifier: MIT
 *
 * signals - what is done about signals while no loop handles them: before it
 * runs, and when it has ended.
 */
#ifndef SLUICE_BROKER_SIGNALS_H
#define SLUICE_BROKER_SIGNALS_H

/* Signals that ask a broker for something wait until it has handlers, instead
 * of ending it: its start may take long. Those that end it, do. */
void signals_hold(void);
void signals_release(void);

/* To be called before handlers are set, which the loop takes back when it ends:
 * a late second signal must not kill the process. */
void signals_ignore_stops(void);

/* From now on the next signal to stop makes a descriptor readable; -1 when
 * there can be none. */
int signals_next_stop(void);

/* Closes that. Returns the signal that came; 0: none did. */
int signals_end_stop(int file);

#endif
