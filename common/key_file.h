/* SPDX-License-Identifier: MIT
 *
 * key_file - keys of CURVE in files, one to a line, as 40 printable characters
 * (Z85). What follows a key in its line, behind a space, is its owner's name;
 * lines that begin with # are comments. `sluice keys` writes such files.
 */
#ifndef SLUICE_COMMON_KEY_FILE_H
#define SLUICE_COMMON_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct sentence;

enum {
    KEY_FILE_TEXT_BYTES = 41,  /* of a key, with the final NUL */
    KEY_FILE_MAX = 1 << 20,    /* bytes in a file */
    KEY_FILE_SUFFIX_BYTES = 5, /* room for any suffix below */
};

#define KEY_FILE_SECRET ".key" /* how the names of these files end */
#define KEY_FILE_PUBLIC ".pub"

struct key_list {
    size_t count;
    char (*keys)[KEY_FILE_TEXT_BYTES]; /* owned; NULL when there are none */
};

/* Reads the only key of a file. A secret one is refused when others than its
 * owner may read the file, and hides the memory of the process (secrecy.h).
 * False, with the reason. */
bool key_file_read(const char *path, bool is_secret,
                   char key[KEY_FILE_TEXT_BYTES], struct sentence *why);

/* Reads all keys of a file. False, with the reason and an empty list. */
bool key_file_read_list(const char *path, struct key_list *list,
                        struct sentence *why);

/* Adds the key that `text` begins with. False when there is no memory. */
bool key_list_add(struct key_list *list, const char *text);

void key_list_fini(struct key_list *list);

#endif
