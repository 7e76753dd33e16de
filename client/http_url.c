/* SPDX-License-Identifier: MIT */
#include "client/http_url.h"

#include "common/sentence.h"

#include <stdio.h>
#include <string.h>

static const struct http_url_scheme {
    const char *prefix;
    const char *port; /* of an address without one */
    bool is_secured, has_path;
} http_url_schemes[] = {
    {"https://", "443", true, true},
    {"http://", "80", false, true},
    {"tls:", SLUICE_DEFAULT_HTTP_PORT, true, false},
    {"", SLUICE_DEFAULT_HTTP_PORT, false, false},
};

static const struct http_url_scheme *http_url_scheme(const char *text)
{
    const struct http_url_scheme *row = http_url_schemes;
    while (strncmp(text, row->prefix, strlen(row->prefix)) != 0)
        row++;
    return row;
}

static bool http_url_take_path(const char *path, struct http_url *out,
                               struct sentence *why)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    for (size_t i = 0; i < n; i++)
        if (path[i] <= ' ' || path[i] > '~' || strchr("?#", path[i]))
            return sentence_fail(why, "a URL of documents has no query, and "
                                      "nothing but visible characters");
    if (n >= sizeof out->path)
        return sentence_fail(why, "the path of the URL is too long");
    memcpy(out->path, path, n);
    out->path[n] = '\0';
    return true;
}

/* `text` has no scheme, and may have a path. */
static bool http_url_take_address(const char *text,
                                  const struct http_url_scheme *scheme,
                                  struct http_url *out, struct sentence *why)
{
    struct sluice_address a;
    char authority[HTTP_URL_ADDRESS_BYTES];
    size_t n = scheme->has_path ? strcspn(text, "/?#") : strlen(text);
    if (n >= sizeof authority)
        return sentence_fail(why, "it is too long");
    memcpy(authority, text, n);
    authority[n] = '\0';
    if (strchr(authority, '@'))
        return sentence_fail(why, "a URL says where, not who asks: leave out "
                                  "what is before the '@'; see --user");
    if (!sluice_address_parse(authority, scheme->port, &a) ||
        !sluice_address_is_peer(&a) || (a.is_unix && scheme->prefix[0] != '\0'))
        return sentence_fail(why, "it is no URL such as https://host:25080, "
                                  "and no " SLUICE_ADDRESS_FORM);
    bool is_v6 = strchr(a.host, ':') != NULL && !a.is_unix;
    snprintf(out->address, sizeof out->address, "%s%s%s%s%s",
             a.is_unix ? "unix:" : (is_v6 ? "[" : ""), a.host, is_v6 ? "]" : "",
             a.is_unix ? "" : ":", a.port);
    snprintf(out->host, sizeof out->host, "%s",
             a.is_unix ? "localhost" : out->address);
    return http_url_take_path(text + n, out, why);
}

/* Of one that has a secret nothing is shown. */
bool http_url_parse(const char *text, struct http_url *out,
                    struct sentence *why)
{
    const struct http_url_scheme *scheme = http_url_scheme(text);
    struct sentence reason;
    *out = (struct http_url){.is_secured = scheme->is_secured};
    if (http_url_take_address(text + strlen(scheme->prefix), scheme, out,
                              &reason))
        return true;
    return strchr(text, '@')
               ? sentence_fail(why, "%s", reason.text)
               : sentence_fail(why, "'%.200s': %s", text, reason.text);
}
