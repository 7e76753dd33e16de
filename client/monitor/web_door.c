/* SPDX-License-Identifier: MIT */
#include "client/monitor/web_door.h"

#include "common/address.h"
#include "common/sentence.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum web_door_demand { WEB_DOOR_UNSAID, WEB_DOOR_NONE, WEB_DOOR_REQUIRED };

struct web_door_words {
    enum web_door_demand tls, auth;
};

static const struct web_door_word {
    const char *text;
    size_t offset; /* of the demand */
    enum web_door_demand demand;
} web_door_words[] = {
    {"tls=none", offsetof(struct web_door_words, tls), WEB_DOOR_NONE},
    {"tls=required", offsetof(struct web_door_words, tls), WEB_DOOR_REQUIRED},
    {"auth=none", offsetof(struct web_door_words, auth), WEB_DOOR_NONE},
    {"auth=required", offsetof(struct web_door_words, auth), WEB_DOOR_REQUIRED},
};

/* False when it is no word, or the second one of its kind. */
static bool web_door_take_word(struct web_door_words *w, const char *text,
                               size_t n)
{
    for (size_t i = 0; i < sizeof web_door_words / sizeof *web_door_words;
         i++) {
        const struct web_door_word *row = &web_door_words[i];
        enum web_door_demand *demand =
            (enum web_door_demand *)(void *)((char *)w + row->offset);
        if (strlen(row->text) != n || memcmp(row->text, text, n) != 0)
            continue;
        bool is_first = *demand == WEB_DOOR_UNSAID;
        *demand = row->demand;
        return is_first;
    }
    return false;
}

static bool web_door_read(const char *text, struct web_door *out,
                          struct web_door_words *w, struct sentence *why)
{
    size_t n = strcspn(text, " ");
    *w = (struct web_door_words){WEB_DOOR_UNSAID, WEB_DOOR_UNSAID};
    if (n == 0 || n >= sizeof out->address)
        return sentence_fail(why,
                             "--http takes host:port or [v6]:port, not "
                             "'%.200s'",
                             text);
    memcpy(out->address, text, n);
    out->address[n] = '\0';
    for (text += n; *(text += strspn(text, " ")); text += n) {
        n = strcspn(text, " ");
        if (!web_door_take_word(w, text, n))
            return sentence_fail(
                why,
                "--http: '%.*s' behind an address is none of tls=none, "
                "tls=required, auth=none, auth=required, once each",
                (int)(n < 100 ? n : 100), text);
    }
    return true;
}

static bool web_door_is_loopback(const struct sockaddr *sa)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;
    const struct sockaddr_in6 *v6 =
        (const struct sockaddr_in6 *)(const void *)sa;
    return sa->sa_family == AF_INET
               ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
               : sa->sa_family == AF_INET6 &&
                     IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* What cannot be resolved is not opened, and so is nobody's concern here. */
static bool web_door_is_local(const char *address)
{
    struct sluice_address a;
    struct addrinfo *all = NULL;
    if (!sluice_address_parse(address, WEB_DOOR_PORT, &a) || a.is_unix ||
        sluice_address_resolve(&a, true, &all) != 0)
        return true;
    bool is_local = true;
    for (const struct addrinfo *at = all; at; at = at->ai_next)
        is_local &= web_door_is_loopback(at->ai_addr);
    freeaddrinfo(all);
    return is_local;
}

/* Names both ways: to protect it, and to say that it is meant to be open. Only
 * what is missing is asked for. */
static bool web_door_is_open(const struct web_door *d, bool lacks_tls,
                             bool lacks_auth, struct sentence *why)
{
    return sentence_fail(
        why,
        "--http %.100s: %s. Give %s%s%s; or write '%.100s%s%s' if that is "
        "meant",
        d->address,
        lacks_auth ? "every machine that can connect there would see the page"
                   : "what is shown there, and typed to log in, could be read "
                     "on the way",
        lacks_tls ? "--http-cert and --http-key, which 'sluice cert' makes"
                  : "",
        lacks_tls && lacks_auth ? ", and " : "",
        lacks_auth ? "--http-users, a file whose users have monitor = yes" : "",
        d->address, lacks_tls ? " tls=none" : "",
        lacks_auth ? " auth=none" : "");
}

bool web_door_decide(const char *text, bool has_certificate, bool has_users,
                     struct web_door *out, struct sentence *why)
{
    struct web_door_words w;
    if (!web_door_read(text, out, &w, why))
        return false;
    if (w.tls == WEB_DOOR_REQUIRED && !has_certificate)
        return sentence_fail(why, "--http: tls=required needs --http-cert and "
                                  "--http-key");
    if (w.auth == WEB_DOOR_REQUIRED && !has_users)
        return sentence_fail(why, "--http: auth=required needs --http-users");
    out->has_tls = has_certificate && w.tls != WEB_DOOR_NONE;
    out->has_login = has_users && w.auth != WEB_DOOR_NONE;
    bool lacks_tls = !out->has_tls && w.tls != WEB_DOOR_NONE;
    bool lacks_auth = !out->has_login && w.auth != WEB_DOOR_NONE;
    return !(lacks_tls || lacks_auth) || web_door_is_local(out->address) ||
           web_door_is_open(out, lacks_tls, lacks_auth, why);
}
