/* SPDX-License-Identifier: MIT
 *
 * flipper DIR [NAME FROM TO]... - changes the bytes from FROM on, below TO, of
 * the journal's file NAME, one at a time, in two ways, and says what a survey
 * makes of it: a line for each change,
 *
 *     NAME OFFSET XOR sound|damaged messages-found messages-lost wrong missing
 *
 * where `wrong` counts messages that are not as in the unchanged journal, and
 * `missing` those of it that are neither found nor said to be lost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/journal/messages.h"
#include "client/journal/survey.h"
#include "proto/crc32c.h"

enum { MESSAGES_MAX = 1000 };

struct seen {
    uint32_t channel;
    uint64_t number;
    uint32_t checksum; /* of the body */
    size_t length;
};

struct view {
    struct seen seen[MESSAGES_MAX];
    size_t count, lost;
    struct seen gone[MESSAGES_MAX];
    bool is_sound;
    uint32_t channel; /* that is being read */
};

static bool note(void *arg, const struct message *m)
{
    struct view *v = arg;
    if (v->count < MESSAGES_MAX)
        v->seen[v->count++] =
            (struct seen){v->channel, m->number,
                          crc32c(0, m->body, m->body_length), m->body_length};
    return true;
}

static void note_lost(void *arg, const struct catalog_channel *channel,
                      struct range run)
{
    struct view *v = arg;
    for (uint64_t n = run.first; n < run.end && v->lost < MESSAGES_MAX; n++)
        v->gone[v->lost++] = (struct seen){channel->id, n, 0, 0};
}

static void look(struct view *v, const char *path)
{
    struct survey s = {.locks = false};
    struct sentence why;
    uint64_t unread;
    *v = (struct view){.count = 0};
    if (survey_open(&s, path, &why)) {
        v->is_sound = survey_is_sound(&s);
        for (size_t i = 0; i < s.catalog.channel_count; i++) {
            v->channel = s.catalog.channels[i].id;
            messages_each(&s, &s.catalog.channels[i], false, note, v, &unread);
        }
        catalog_each_lost(&s.catalog, note_lost, v);
    }
    survey_close(&s);
}

static const struct seen *find(const struct seen *in, size_t count,
                               const struct seen *what)
{
    for (size_t i = 0; i < count; i++)
        if (in[i].channel == what->channel && in[i].number == what->number)
            return &in[i];
    return NULL;
}

static void compare(const struct view *now, const struct view *before,
                    const char *name, long offset, unsigned xor)
{
    unsigned wrong = 0, missing = 0;
    for (size_t i = 0; i < now->count; i++) {
        const struct seen *is = &now->seen[i];
        const struct seen *was = find(before->seen, before->count, is);
        wrong +=
            was && (was->checksum != is->checksum || was->length != is->length);
    }
    for (size_t i = 0; i < before->count; i++)
        missing += !find(now->seen, now->count, &before->seen[i]) &&
                   !find(now->gone, now->lost, &before->seen[i]);
    printf("%s %ld %u %s %zu %zu %u %u\n", name, offset, xor,
           now->is_sound ? "sound" : "damaged", now->count, now->lost, wrong,
           missing);
}

static void flip(int fd, long offset, unsigned xor)
{
    unsigned char byte;
    if (pread(fd, &byte, 1, offset) != 1)
        exit(1);
    byte = (unsigned char)(byte ^ xor);
    if (pwrite(fd, &byte, 1, offset) != 1)
        exit(1);
}

static void flip_all(const char *folder, const char *name, long from, long to)
{
    static struct view before, now;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR);
    if (fd < 0)
        exit(1);
    look(&before, folder);
    for (long at = from; at < to; at++) {
        for (unsigned i = 0; i < 2; i++) {
            unsigned xor = i == 0 ? 1 : 0xff;
            flip(fd, at, xor);
            look(&now, folder);
            flip(fd, at, xor);
            compare(&now, &before, name, at, xor);
        }
    }
    close(fd);
}

int main(int argc, char **argv)
{
    for (int i = 2; i + 2 < argc; i += 3)
        flip_all(argv[1], argv[i], strtol(argv[i + 1], NULL, 10),
                 strtol(argv[i + 2], NULL, 10));
    return 0;
}
