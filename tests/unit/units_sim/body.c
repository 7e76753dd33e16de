/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/faults.h"
#include "tests/unit/units_sim/report.h"

/* Memory of the models never fails. */
static void *grow(void *old, size_t bytes, size_t more)
{
    uint8_t *p = faults_real_malloc(bytes + more);
    if (!p)
        abort();
    if (bytes > 0)
        memcpy(p, old, bytes);
    memset(p + bytes, 0, more);
    free(old);
    return p;
}

uint32_t body_new(struct sim *sim, struct actor *a, int channel,
                  uint32_t length, bool is_request)
{
    if (sim->message_count + 1 >= sim->message_room) {
        size_t size = sizeof *sim->messages;
        uint32_t more = sim->message_room > 0 ? sim->message_room : 1024;
        sim->messages =
            grow(sim->messages, sim->message_room * size, more * size);
        sim->message_room += more;
    }
    uint32_t id = ++sim->message_count;
    *message_at(sim, id) = (struct message){
        .serial = a->serial,
        .length = length,
        .before = a->last_published[channel],
        .channel = (uint8_t)channel,
        .is_request = is_request,
    };
    a->last_published[channel] = id;
    return id;
}

static uint8_t octet_at(uint32_t id, uint32_t i)
{
    return (uint8_t)(id * 7 + i);
}

void body_write(const struct sim *sim, uint32_t id, uint8_t *body)
{
    uint32_t length = sim->messages[id].length;
    for (int i = 0; i < BODY_LEAST; i++)
        body[i] = (uint8_t)(id >> (24 - 8 * i));
    for (uint32_t i = BODY_LEAST; i < length; i++)
        body[i] = octet_at(id, i);
}

uint32_t body_read(struct sim *sim, const uint8_t *body, uint32_t length,
                   int channel)
{
    uint32_t id = 0;
    SIM_CHECK(sim, length >= BODY_LEAST, "a body of %u octets", length);
    for (int i = 0; i < BODY_LEAST; i++)
        id = id << 8 | body[i];
    SIM_CHECK(sim, id > 0 && id <= sim->message_count,
              "a body that nobody sent");
    const struct message *m = message_at(sim, id);
    SIM_CHECK(sim, m->length == length, "message %u of %u octets has %u", id,
              m->length, length);
    SIM_CHECK(sim, channel < 0 || m->channel == channel,
              "message %u of channel %d is in %d", id, m->channel, channel);
    for (uint32_t i = BODY_LEAST; i < length; i++)
        SIM_CHECK(sim, body[i] == octet_at(id, i),
                  "octet %u of message %u is wrong", i, id);
    return id;
}

static void make_room(struct sim *sim, int channel, uint64_t number)
{
    uint64_t *room = &sim->number_room[channel];
    while (number >= *room) {
        uint64_t more = *room > 0 ? *room : 1024;
        sim->by_number[channel] =
            grow(sim->by_number[channel], *room * sizeof(uint32_t),
                 more * sizeof(uint32_t));
        *room += more;
    }
}

uint32_t body_of_number(const struct sim *sim, int channel, uint64_t number)
{
    return number < sim->number_room[channel] ? sim->by_number[channel][number]
                                              : 0;
}

static void check_order(struct sim *sim, uint32_t id)
{
    enum { FAR = 16 };
    const struct message *m = message_at(sim, id);
    uint32_t before = m->before;
    for (int i = 0; i < FAR && before > 0; i++) {
        const struct message *b = message_at(sim, before);
        SIM_CHECK(sim, b->number < m->number,
                  "message %u has number %" PRIu64
                  ", and %u before it %" PRIu64,
                  id, m->number, before, b->number);
        before = b->number > 0 ? 0 : b->before;
    }
}

void body_number(struct sim *sim, uint32_t id, uint64_t number)
{
    struct message *m = message_at(sim, id);
    SIM_CHECK(sim, number > 0 && number < UINT32_MAX, "number %" PRIu64,
              number);
    SIM_CHECK(sim, m->number == 0 || m->number == number,
              "message %u has the numbers %" PRIu64 " and %" PRIu64, id,
              m->number, number);
    if (m->number == number)
        return;
    make_room(sim, m->channel, number);
    uint32_t *at = &sim->by_number[m->channel][number];
    SIM_CHECK(sim, *at == 0, "number %" PRIu64 " of %s is of %u and of %u",
              number, names[m->channel].octets, *at, id);
    *at = id;
    m->number = number;
    check_order(sim, id);
}
