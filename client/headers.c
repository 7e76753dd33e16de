/* SPDX-License-Identifier: MIT */
#include "client/headers.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The broker writes these, and refuses them from others. */
static bool headers_is_reserved(const char *name)
{
    static const char prefix[] = "Sluice-";
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static bool headers_is_name(const char *name, size_t length, size_t room)
{
    if (length == 0 || length >= room || *name < 'A' || *name > 'Z')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
            return false;
    return true;
}

bool headers_read(struct headers *h, const struct cli_option_texts *texts,
                  struct sentence *why)
{
    if (texts->count > SLUICE_HEADERS_MAX)
        return sentence_fail(why, "a message has up to %d headers",
                             SLUICE_HEADERS_MAX);
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->text[i], *equals = strchr(text, '=');
        size_t length = equals ? (size_t)(equals - text) : 0;
        if (!equals || !headers_is_name(text, length, sizeof h->names[i]))
            return sentence_fail(
                why,
                "--header: '%.128s' is not Name=value; a name is a capital,"
                " then letters, digits, '-', '_' or '.'",
                text);
        if (headers_is_reserved(text))
            return sentence_fail(
                why,
                "--header: '%.128s': names that begin with Sluice- are the"
                " broker's",
                text);
        memcpy(h->names[i], text, length);
        h->names[i][length] = '\0';
        h->list[i] =
            (struct sluice_header){h->names[i], sluice_text(equals + 1)};
    }
    h->list[texts->count] = (struct sluice_header){.name = NULL};
    return true;
}
