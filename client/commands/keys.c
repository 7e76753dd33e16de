/* SPDX-License-Identifier: MIT
 *
 * sluice keys - makes a pair of keys for a feed that is protected.
 */
#include "client/monitor/keys.h"
#include "client/command.h"
#include "client/complain.h"
#include "common/key_file.h"
#include "common/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEYS_SECRET_MODE = 0600, KEYS_PUBLIC_MODE = 0644 };

static const struct cli_option keys_options[] = {
    {.name = NULL},
};

/* The owner, for readers of the file. */
static const char *keys_owner(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Never writes to a file that is there: the old key may be in use. */
static int keys_write(const char *path, int mode, const char *key,
                      const char *owner)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return complain(EXIT_FAILED,
                        errno == EEXIST
                            ? "%s exists already; remove it if nobody uses "
                              "this key any more"
                            : "cannot write %s: %s",
                        path, strerror(errno));
    bool is_written = dprintf(fd, "%s %s\n", key, owner) > 0;
    if (close(fd) != 0 || !is_written)
        return complain(EXIT_FAILED, "cannot write %s: %s", path,
                        strerror(errno));
    return EXIT_DONE;
}

static int keys_save(const char *name, const char *secret, const char *public)
{
    char secret_path[PATH_MAX], public_path[PATH_MAX];
    snprintf(secret_path, sizeof secret_path, "%s%s", name, KEY_FILE_SECRET);
    snprintf(public_path, sizeof public_path, "%s%s", name, KEY_FILE_PUBLIC);
    int status =
        keys_write(secret_path, KEYS_SECRET_MODE, secret, keys_owner(name));
    if (status == EXIT_DONE)
        status =
            keys_write(public_path, KEYS_PUBLIC_MODE, public, keys_owner(name));
    if (status == EXIT_DONE)
        printf("%s: secret, for its owner only\n%s: public\n", secret_path,
               public_path);
    return status;
}

static int keys_run(int argc, char **argv)
{
    char secret[KEY_FILE_TEXT_BYTES], public[KEY_FILE_TEXT_BYTES];
    struct sentence why;
    bool no_options;
    int status;
    if (!command_parse(&command_keys, &no_options, &argc, argv, &status))
        return status;
    if (argc != 2 || keys_owner(argv[1])[0] == '\0' ||
        strpbrk(argv[1], "\r\n") ||
        strlen(argv[1]) >= PATH_MAX - KEY_FILE_SUFFIX_BYTES)
        return command_misused(&command_keys,
                               "keys takes one NAME, from which it makes the "
                               "names of two files");
    if (!keys_make(secret, public, &why))
        return complain(EXIT_FAILED, "cannot make keys: %s", why.text);
    return keys_save(argv[1], secret, public);
}

const struct command command_keys = {
    .name = "keys",
    .arguments = "NAME",
    .summary = "Make keys, for a feed that others can reach",
    .details =
        "Writes a new secret key to NAME.key and the public key that belongs\n"
        "to it to NAME.pub. A broker with --monitor-key admits to its feed\n"
        "those whose public keys are in the file of its --monitor-clients, or\n"
        "in its users file, as key = curve:KEY; they need their own secret "
        "key\n"
        "and the broker's public one:\n"
        "\n"
        "  sluice keys broker\n"
        "  sluice keys ann\n"
        "  cat ann.pub >> watchers\n"
        "  sluiced --monitor-key broker.key --monitor-clients watchers ...\n"
        "  sluice top --key ann.key --server-key broker.pub ...\n",
    .options = keys_options,
    .run = keys_run,
};
