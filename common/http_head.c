/* SPDX-License-Identifier: MIT */
#include "common/http_head.h"

#include <string.h>
#include <strings.h>

/* The headers about the body, the host, and who asks. */
struct http_framing {
    const char *host, *origin, *authorization, *content_length,
        *transfer_encoding;
    bool is_repeated; /* one of them is there twice */
};

static bool http_head_is_token_char(char c)
{
    bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9');
    return is_alnum || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool http_head_is_token(const char *text)
{
    const char *p = text;
    while (http_head_is_token_char(*p))
        p++;
    return p > text && *p == '\0';
}

static bool http_head_is_text(char c)
{
    return (unsigned char)c >= ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Lines end with CR LF, and neither stands anywhere else. */
enum http_progress http_head_look(const char *bytes, size_t looked, size_t n,
                                  size_t *length)
{
    for (size_t i = looked; i < n; i++) {
        bool is_after_cr = i > 0 && bytes[i - 1] == '\r';
        if (!http_head_is_text(bytes[i]) || (bytes[i] == '\n') != is_after_cr)
            return HTTP_BROKEN;
        if (bytes[i] == '\n' && i >= 3 && bytes[i - 2] == '\n') {
            *length = i + 1;
            return HTTP_COMPLETE;
        }
    }
    return HTTP_MORE;
}

/* Cuts the next line out of the head and returns it. */
static char *http_head_take_line(char **rest)
{
    char *line = *rest, *end = strstr(line, "\r\n");
    *end = '\0';
    *rest = end + 2;
    return line;
}

/* Cuts the text at the first blank; what follows it, or NULL. */
static char *http_head_cut(char *text)
{
    char *blank = strchr(text, ' ');
    if (!blank)
        return NULL;
    *blank = '\0';
    return blank + 1;
}

static bool http_head_is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static enum http_status http_head_parse_version(const char *version)
{
    if (strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0)
        return HTTP_OK;
    return strncmp(version, "HTTP/", 5) == 0 && strlen(version) == 8
               ? HTTP_VERSION_NOT_SUPPORTED
               : HTTP_BAD_REQUEST;
}

static enum http_status http_head_parse_first_line(struct http_request *out,
                                                   char *line,
                                                   const char **method)
{
    char *target = http_head_cut(line),
         *version = target ? http_head_cut(target) : NULL;
    if (!version || !http_head_is_token(line) || *target != '/' ||
        !http_head_is_visible(target))
        return HTTP_BAD_REQUEST;
    size_t path = strcspn(target, "?");
    out->query = target + path + (target[path] == '?');
    target[path] = '\0';
    out->path = target;
    *method = line;
    return http_head_parse_version(version);
}

static char *http_head_trim(char *value)
{
    value += strspn(value, " \t");
    size_t n = strlen(value);
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    value[n] = '\0';
    return value;
}

static bool http_head_is_field_value(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

static void http_head_note_header(struct http_framing *f, const char *name,
                                  const char *value)
{
    const struct {
        const char *name, **value;
    } rows[] = {{"host", &f->host},
                {"origin", &f->origin},
                {"authorization", &f->authorization},
                {"content-length", &f->content_length},
                {"transfer-encoding", &f->transfer_encoding}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcasecmp(name, rows[i].name) != 0)
            continue;
        f->is_repeated = f->is_repeated || *rows[i].value;
        *rows[i].value = value;
    }
}

/* A line that goes on (it begins with a blank) and a blank before the colon are
 * not tokens. */
static bool http_head_parse_header(struct http_framing *f, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *colon = '\0';
    char *value = http_head_trim(colon + 1);
    if (!http_head_is_token(line) || !http_head_is_field_value(value))
        return false;
    http_head_note_header(f, line, value);
    return true;
}

static bool http_head_is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n < 20 && text[n] == '\0';
}

/* Whether it is certain where the body ends. */
static bool http_head_is_framing_sound(const struct http_framing *f)
{
    if (f->is_repeated || !f->host)
        return false;
    if (f->transfer_encoding)
        return !f->content_length &&
               strcasecmp(f->transfer_encoding, "chunked") == 0;
    return !f->content_length || http_head_is_number(f->content_length);
}

static bool http_head_has_body(const struct http_framing *f)
{
    return f->transfer_encoding ||
           (f->content_length &&
            strspn(f->content_length, "0") < strlen(f->content_length));
}

enum http_status http_head_parse(struct http_request *out, char *head,
                                 size_t length)
{
    struct http_framing f = {.host = NULL};
    const char *method;
    head[length - 2] = '\0'; /* in place of the empty line */
    enum http_status status =
        http_head_parse_first_line(out, http_head_take_line(&head), &method);
    if (status != HTTP_OK)
        return status;
    while (*head)
        if (!http_head_parse_header(&f, http_head_take_line(&head)))
            return HTTP_BAD_REQUEST;
    if (!http_head_is_framing_sound(&f))
        return HTTP_BAD_REQUEST;
    out->host = f.host;
    out->origin = f.origin;
    out->authorization = f.authorization;
    out->is_head = strcmp(method, "HEAD") == 0;
    out->is_post = strcmp(method, "POST") == 0;
    out->has_body = http_head_has_body(&f);
    if (!out->is_head && strcmp(method, "GET") != 0)
        return HTTP_METHOD_NOT_ALLOWED;
    return out->has_body ? HTTP_BAD_REQUEST : HTTP_OK;
}
