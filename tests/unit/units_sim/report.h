/* SPDX-License-Identifier: MIT
 *
 * report - what a simulation did last, how often it came across each thing that
 * it is meant to come across, and how it fails. With SLUICE_TRACE in the
 * environment each step is printed when it is taken.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_REPORT_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct report;
struct said;

/* What a run has to come across. */
#define REPORT_EVENTS(X)                                                       \
    X(lane_ok, "a lane was ok")                                                \
    X(lane_busy, "a lane was busy")                                            \
    X(lane_slow, "a lane was slow")                                            \
    X(lane_retired, "a lane had retired")                                      \
    X(gate_busy, "a gate was shut for a busy reader")                          \
    X(gate_full, "a gate was shut by a full queue")                            \
    X(gate_pressed, "a gate was shut for want of memory")                      \
    X(paused, "a session was paused")                                          \
    X(rested, "a session rested until it had taken its answers")               \
    X(parked, "publishes were parked")                                         \
    X(held_back, "a session rested because too much was parked")               \
    X(hold, "a client was asked to hold")                                      \
    X(go, "a client may publish again")                                        \
    X(message, "a message came")                                               \
    X(message_new, "the first message of a channel came")                      \
    X(message_headers, "a message with headers came")                          \
    X(message_v1, "a message came to a client of version 1")                   \
    X(gap_slow, "a gap was told: slow")                                        \
    X(gap_memory, "a gap was told: memory")                                    \
    X(redelivered, "a message of a queue came again")                          \
    X(acked, "a message was acknowledged")                                     \
    X(naked, "a message was given back")                                       \
    X(touched, "a clock was started again")                                    \
    X(expired, "a message was held for too long")                              \
    X(unsubscribed, "a subscription ended")                                    \
    X(exists, "a subscription was there already")                              \
    X(gone, "what was meant was gone")                                         \
    X(limit, "a limit was reached")                                            \
    X(replied, "a request was replied to")                                     \
    X(no_responder, "nobody could reply")                                      \
    X(timeout, "nobody replied in time")                                       \
    X(refused, "a unit was refused")                                           \
    X(unheard, "a message was for nobody")                                     \
    X(skipped, "a receipt told of slow readers")                               \
    X(overrun, "a slow reader was cut off")                                    \
    X(pinged, "the broker asked for a sign of life")                           \
    X(bye, "a goodbye was answered")                                           \
    X(drained, "the broker stopped in order")                                  \
    X(broken, "a connection broke")                                            \
    X(failed, "an allocation failed")

enum report_event {
#define X(name, text) REPORT_##name,
    REPORT_EVENTS(X)
#undef X
        REPORT_EVENT_COUNT
};

struct report *report_new(void);
void report_free(struct report *r);

/* A run begins; what earlier ones came across stays. */
void report_begin(struct report *r, uint64_t seed, uint64_t steps);

/* The next step. */
void report_step(struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Something that the broker said, which is only traced. */
void report_note(struct report *r, uint32_t connection, const struct said *u);

void report_count(struct report *r, enum report_event event);

/* Prints how often each event came. False if one of them never did. */
bool report_print(const struct report *r);

/* Prints the seed and the last steps, and fails the test. With SLUICE_PLANT in
 * the environment a fault was planted and is now found: the program ends, with
 * success. */
_Noreturn void report_fail(const struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What must hold. */
#define SIM_CHECK(sim, condition, ...)                                         \
    do {                                                                       \
        if (!(condition))                                                      \
            report_fail((sim)->report, __VA_ARGS__);                           \
    } while (0)

#endif
