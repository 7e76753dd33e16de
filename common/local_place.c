/* SPDX-License-Identifier: MIT */
#include "common/local_place.h"

#include "common/address.h"
#include "common/sentence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCAL_SERVICE_FOLDER "/run/sluice"

/* Leaves a folder out whose name is too long. */
static void local_places_add(struct local_places *p, bool is_own,
                             const char *folder)
{
    struct local_place *place = &p->all[p->count];
    if (strlen(folder) >= sizeof place->folder)
        return;
    strcpy(place->folder, folder);
    place->is_own = is_own;
    p->count++;
}

void local_places_init(struct local_places *out)
{
    char folder[LOCAL_PATH_BYTES + 16];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    *out = (struct local_places){.count = 0};
    local_places_add(out, false, LOCAL_SERVICE_FOLDER);
    if (runtime && *runtime == '/') {
        snprintf(folder, sizeof folder, "%s/sluice", runtime);
        local_places_add(out, true, folder);
    }
    snprintf(folder, sizeof folder, "/tmp/sluice-%u", (unsigned)geteuid());
    local_places_add(out, true, folder);
}

/* Whether nobody else can have put a socket into a folder. */
static bool local_place_is_private(const char *folder)
{
    struct stat st;
    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid() && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool local_place_is_usable(const struct local_place *place)
{
    if (!place->is_own)
        return access(place->folder, W_OK | X_OK) == 0;
    return (mkdir(place->folder, S_IRWXU) == 0 || errno == EEXIST) &&
           local_place_is_private(place->folder) &&
           access(place->folder, W_OK | X_OK) == 0;
}

/* The path of the socket `name` there; false when it would be too long. */
static bool local_place_join(const struct local_place *place, const char *port,
                             const char *name, struct local_path *out)
{
    int n = snprintf(out->text, sizeof out->text, "%s/%s.%s", place->folder,
                     port, name);
    return n > 0 && (size_t)n < sizeof out->text;
}

static bool local_path_beside(const char *socket, const char *name,
                              struct local_path *out, struct sentence *why)
{
    int n = snprintf(out->text, sizeof out->text, "%s.%s", socket, name);
    return (n > 0 && (size_t)n < sizeof out->text) ||
           sentence_fail(why,
                         "%s.%s is too long for a socket: %zu bytes are "
                         "the most",
                         socket, name, sizeof out->text - 1);
}

/* The folders, for a sentence. */
static void local_places_list(const struct local_places *places, char *out,
                              size_t room)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < places->count && used < room; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%s",
                                 i > 0 ? ", " : "", places->all[i].folder);
}

bool local_place_choose(const struct local_places *places, const char *address,
                        const char *name, struct local_path *out,
                        struct sentence *why)
{
    struct sluice_address a;
    char folders[LOCAL_PLACES_MAX * (LOCAL_PATH_BYTES + 2)];
    if (!sluice_address_parse(address, SLUICE_DEFAULT_PORT, &a))
        return sentence_fail(why, "'%s' is not " SLUICE_ADDRESS_FORM, address);
    if (a.is_unix)
        return local_path_beside(a.host, name, out, why);
    for (size_t i = 0; i < places->count; i++)
        if (local_place_is_usable(&places->all[i]) &&
            local_place_join(&places->all[i], a.port, name, out))
            return true;
    local_places_list(places, folders, sizeof folders);
    return sentence_fail(
        why, "none of these is a folder that this user alone may write to: %s",
        folders);
}

/* --- clients ------------------------------------------------------------- */

static bool local_place_is_here(const struct sluice_address *a)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (a->is_unix || strcmp(a->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, a->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, a->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* A broker that was killed leaves its file, so the file alone proves nothing.
 * A broker that is busy, with all the room for connections taken, is there. */
static enum local_place_found local_path_probe(const struct local_path *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, path->text, sizeof at.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return LOCAL_ABSENT;
    int err =
        connect(fd, (const struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
    close(fd);
    if (err == 0 || err == EAGAIN)
        return LOCAL_FOUND;
    return err == EACCES ? LOCAL_DENIED : LOCAL_ABSENT;
}

static enum local_place_found
local_place_find_port(const struct local_places *places, const char *port,
                      const char *name, struct local_path *out)
{
    struct local_path path;
    enum local_place_found best = LOCAL_ABSENT;
    for (size_t i = 0; i < places->count; i++) {
        const struct local_place *place = &places->all[i];
        if ((place->is_own && !local_place_is_private(place->folder)) ||
            !local_place_join(place, port, name, &path))
            continue;
        enum local_place_found found = local_path_probe(&path);
        if (found < best) {
            best = found;
            *out = path;
        }
    }
    return best;
}

static enum local_place_found local_place_find_beside(const char *socket,
                                                      const char *name,
                                                      struct local_path *out,
                                                      struct sentence *why)
{
    if (!local_path_beside(socket, name, out, why))
        return LOCAL_ABSENT;
    enum local_place_found found = local_path_probe(out);
    if (found == LOCAL_ABSENT)
        sentence_fail(why, "nothing listens on %s", out->text);
    return found;
}

enum local_place_found local_place_find(const struct local_places *places,
                                        const char *server, const char *name,
                                        struct local_path *out,
                                        struct sentence *why)
{
    struct sluice_address a;
    char folders[LOCAL_PLACES_MAX * (LOCAL_PATH_BYTES + 2)];
    if (!sluice_address_parse(server, SLUICE_DEFAULT_PORT, &a)) {
        sentence_fail(why, "'%s' is not " SLUICE_ADDRESS_FORM, server);
        return LOCAL_ELSEWHERE;
    }
    if (a.is_unix)
        return local_place_find_beside(a.host, name, out, why);
    if (!local_place_is_here(&a)) {
        sentence_fail(why, "%s is not an address of this machine", server);
        return LOCAL_ELSEWHERE;
    }
    enum local_place_found found =
        local_place_find_port(places, a.port, name, out);
    local_places_list(places, folders, sizeof folders);
    if (found == LOCAL_ABSENT)
        sentence_fail(why, "nothing listens on %s.%s in any of %s", a.port,
                      name, folders);
    return found;
}
