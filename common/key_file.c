/* SPDX-License-Identifier: MIT */
#include "common/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/secrecy.h"
#include "common/sentence.h"

enum { KEY_CHARACTERS = KEY_FILE_TEXT_BYTES - 1 };

/* Of ZeroMQ's RFC 32. */
static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ".-:+=^!/*?&<>()[]{}@%$#";

static bool is_empty_line(const char *line)
{
    /* A key may begin with #, too; but a comment is not as long without a
     * space. */
    size_t n = strcspn(line, " \t\r\n");
    return n == 0 || (line[0] == '#' && n != KEY_CHARACTERS);
}

static bool is_key(const char *line)
{
    return strspn(line, alphabet) == KEY_CHARACTERS &&
           strchr(" \t\r\n", line[KEY_CHARACTERS]) != NULL;
}

bool key_list_add(struct key_list *list, const char *text)
{
    void *keys = realloc(list->keys, (list->count + 1) * sizeof list->keys[0]);
    if (!keys)
        return false;
    list->keys = keys;
    char *key = list->keys[list->count++];
    memcpy(key, text, KEY_CHARACTERS);
    key[KEY_CHARACTERS] = '\0';
    return true;
}

void key_list_fini(struct key_list *list)
{
    free(list->keys);
    *list = (struct key_list){.keys = NULL};
}

/* Lines are read one by one: a longer one than there is room for is not a key,
 * or has a name that is not needed. */
static bool read_lines(FILE *in, const char *path, struct key_list *list,
                       struct sentence *why)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    bool ok = true;
    while (ok && getline(&line, &room, in) > 0) {
        number++;
        if (is_empty_line(line))
            continue;
        if (!is_key(line))
            ok = sentence_fail(why,
                               "%s:%zu: this is not a key of 40 characters; "
                               "'sluice keys' makes some",
                               path, number);
        else if (!key_list_add(list, line))
            ok = sentence_fail(why, "%s: %s", path, strerror(ENOMEM));
    }
    free(line);
    return ok;
}

/* Of the file that was opened, not of the name. */
static bool may_be_read(FILE *in, const char *path, bool is_secret,
                        struct sentence *why)
{
    struct stat st;
    if (fstat(fileno(in), &st) != 0)
        return sentence_fail(why, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > KEY_FILE_MAX)
        return sentence_fail(why, "%s is not a file of keys", path);
    if (is_secret && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return sentence_fail(why,
                             "%s holds a secret key, and others may read it; "
                             "run: chmod 600 %s",
                             path, path);
    return true;
}

static bool read_file(const char *path, bool is_secret, struct key_list *list,
                      struct sentence *why)
{
    *list = (struct key_list){.keys = NULL};
    if (is_secret)
        secrecy_hide_memory();
    FILE *in = fopen(path, "re");
    if (!in)
        return sentence_fail(why, "cannot read %s: %s", path, strerror(errno));
    bool ok = may_be_read(in, path, is_secret, why) &&
              read_lines(in, path, list, why);
    fclose(in);
    if (!ok)
        key_list_fini(list);
    return ok;
}

bool key_file_read_list(const char *path, struct key_list *list,
                        struct sentence *why)
{
    return read_file(path, false, list, why);
}

bool key_file_read(const char *path, bool is_secret,
                   char key[KEY_FILE_TEXT_BYTES], struct sentence *why)
{
    struct key_list list;
    if (!read_file(path, is_secret, &list, why))
        return false;
    bool ok = list.count == 1;
    if (ok)
        memcpy(key, list.keys[0], KEY_FILE_TEXT_BYTES);
    else
        sentence_fail(why, "%s has %zu keys instead of one", path, list.count);
    key_list_fini(&list);
    return ok;
}
