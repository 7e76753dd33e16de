/* SPDX-License-Identifier: MIT
 *
 * sluice cert - makes certificates for a broker and its clients.
 */
#include "client/certificate.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/sluice.h"

#include <string.h>

struct cert_options {
    const char *name, *client;
};

static const struct cli_option cert_options[] = {
    {"name", CLI_OPTION_TEXT, offsetof(struct cert_options, name), "HOST", NULL,
     NULL, 0, 0,
     "make one for a broker: the name or address by which clients reach it"},
    {"client", CLI_OPTION_TEXT, offsetof(struct cert_options, client), "NAME",
     NULL, NULL, 0, 0,
     "make one for a client: the name in its user's certificate line"},
    {.name = NULL},
};

static void cert_print_server(const char *folder, const char *name,
                              const char *pin)
{
    printf("pin: %s\n\n", pin);
    printf("The broker:\n  sluiced --tls-cert %s/%s.pem --tls-key %s/%s.key\n",
           folder, name, folder, name);
    bool is_v6 = strchr(name, ':');
    printf("Its clients, by the authority or by the pin:\n"
           "  sluice listen --server tls:%s%s%s:%s --tls-ca %s/ca.pem CHANNEL\n"
           "  sluice listen --tls --tls-pin %s CHANNEL\n",
           is_v6 ? "[" : "", name, is_v6 ? "]" : "", SLUICE_DEFAULT_PORT,
           folder, pin);
}

static void cert_print_client(const char *folder, const char *name)
{
    printf("The broker asks for it with:\n  --tls-ca %s/ca.pem\n", folder);
    printf("Its user, in the file of --users:\n  certificate = %s\n", name);
    printf("The client:\n"
           "  sluice listen --tls --tls-ca %s/ca.pem --tls-cert %s/%s.pem "
           "--tls-key %s/%s.key CHANNEL\n",
           folder, folder, name, folder, name);
}

static int cert_make(const struct cert_options *o, const char *folder)
{
    struct sentence why;
    char pin[CERTIFICATE_PIN_BYTES];
    struct certificate_authority *a = certificate_authority_open(folder, &why);
    bool ok = a != NULL;
    if (ok && o->name) {
        ok = certificate_issue(a, o->name, CERTIFICATE_SERVER, pin, &why);
        if (ok)
            cert_print_server(folder, o->name, pin);
    }
    if (ok && o->client) {
        ok = certificate_issue(a, o->client, CERTIFICATE_CLIENT, pin, &why);
        if (ok)
            cert_print_client(folder, o->client);
    }
    certificate_authority_close(a);
    return ok ? EXIT_DONE : complain(EXIT_FAILED, "%s", why.text);
}

static int cert_run(int argc, char **argv)
{
    struct cert_options o = {.name = NULL};
    int status;
    if (!command_parse(&command_cert, &o, &argc, argv, &status))
        return status;
    if (argc != 2 || (!o.name && !o.client))
        return command_misused(&command_cert,
                               "cert takes --name HOST, --client NAME or both, "
                               "and a folder");
    if ((o.name && !certificate_name_is_legal(o.name)) ||
        (o.client && !certificate_name_is_legal(o.client)))
        return command_misused(&command_cert,
                               "a name has 1 to 64 letters, digits and . - _ "
                               ":, and is not 'ca'");
    if (o.name && o.client && strcmp(o.name, o.client) == 0)
        return command_misused(&command_cert,
                               "a broker and a client need two names");
    return cert_make(&o, argv[1]);
}

const struct command command_cert = {
    .name = "cert",
    .arguments = "DIR",
    .summary = "Make certificates for a broker and its clients",
    .details =
        "Makes certificates that last 825 days, signed by a small authority\n"
        "of your own, which is made with the first one: DIR/ca.pem, which\n"
        "clients need, and DIR/ca.key, which nobody else must have. Writes\n"
        "HOST.pem and HOST.key, or those of a client, and prints the lines\n"
        "that both sides need. No file is replaced.\n"
        "\n"
        "  sluice cert --name broker.example ./tls\n"
        "  sluice cert --client thermo.example ./tls\n",
    .options = cert_options,
    .run = cert_run,
};
