/* SPDX-License-Identifier: MIT */
#include "broker/session/reason.h"

const struct reason_row reason_rows[REASON_TOTAL] = {
    [REASON_EOF] = {"eof", LOG_DEBUG, false, COUNT_closed,
                    "the client closed its side"},
    [REASON_RESET] = {"reset", LOG_DEBUG, true, COUNT_closed_reset,
                      "the connection broke"},
    [REASON_GOODBYE] = {"goodbye", LOG_DEBUG, false, COUNT_closed,
                        "the client said goodbye and has all it was owed"},
    [REASON_FRAME_TOO_LONG] = {"frame_too_long", LOG_WARNING, true,
                               COUNT_closed_protocol,
                               "a length above --max-frame"},
    [REASON_BAD_UNIT] = {"bad_unit", LOG_WARNING, true, COUNT_closed_protocol,
                         "a unit of version 2 that no connection survives"},
    [REASON_IDLE] = {"idle", LOG_WARNING, true, COUNT_closed_timeout,
                     "no sign of life for two periods of --ping"},
    [REASON_OVERRUN] = {"overrun", LOG_WARNING, false, COUNT_closed,
                        "version 2: too slow for the policy disconnect, or for "
                        "what it misses to be counted"},
    [REASON_VERSION] = {"version", LOG_WARNING, true, COUNT_closed_protocol,
                        "a version of the protocol that is not spoken, or not "
                        "at this address"},
    [REASON_NAME_TOO_LONG] = {"name_too_long", LOG_WARNING, true,
                              COUNT_closed_protocol,
                              "a channel name of more than 255 bytes"},
    [REASON_VERSION_RESERVED] =
        {"version_reserved", LOG_WARNING, true, COUNT_closed_protocol,
         "a first frame that begins with NUL, and is not "
         "an opening"},
    [REASON_FOREIGN_PROTOCOL] = {"foreign_protocol", LOG_WARNING, true,
                                 COUNT_closed_protocol,
                                 "the greeting of another protocol"},
    [REASON_TLS] = {"tls", LOG_WARNING, true, COUNT_closed_protocol,
                    "TLS failed; the fields fault and hint say more"},
    [REASON_HELLO_TIMEOUT] = {"hello_timeout", LOG_WARNING, true,
                              COUNT_closed_timeout,
                              "no complete first frame within "
                              "--hello-timeout"},
    [REASON_FRAME_TIMEOUT] = {"frame_timeout", LOG_WARNING, true,
                              COUNT_closed_timeout,
                              "a started message made no progress for "
                              "--frame-timeout"},
    [REASON_LEAVE_TIMEOUT] = {"leave_timeout", LOG_WARNING, true,
                              COUNT_closed_timeout,
                              "a client that said goodbye took nothing for "
                              "--drain-timeout"},
    [REASON_SLOW_CONSUMER] = {"slow_consumer", LOG_WARNING, false, COUNT_closed,
                              "too slow for the policy disconnect"},
    [REASON_NO_PLACE] = {"no_place", LOG_WARNING, true, COUNT_closed_no_place,
                         "beyond --max-connections, a publisher to a full "
                         "queue"},
    [REASON_NO_MEMORY] = {"no_memory", LOG_WARNING, true,
                          COUNT_closed_no_memory,
                          "the system had no memory for the client"},
    [REASON_JOURNAL_FAILED] = {"journal_failed", LOG_WARNING, true,
                               COUNT_closed_journal,
                               "version 1: the journal has failed, and will "
                               "not have what the client publishes to durable "
                               "queues"},
    [REASON_JOURNAL_CHANNELS] =
        {"journal_channels", LOG_WARNING, true, COUNT_closed_journal,
         "version 1: a durable queue that would be one too many for the "
         "journal"},
    [REASON_STOPPING] = {"stopping", LOG_DEBUG, false, COUNT_closed,
                         "the broker stops"},
    [REASON_TLS_REQUIRED] = {"tls_required", LOG_WARNING, true,
                             COUNT_closed_auth,
                             "the address demands TLS: use --tls"},
    [REASON_AUTH_REQUIRED] = {"auth_required", LOG_WARNING, true,
                              COUNT_closed_auth,
                              "nobody in the users file, or one that may not "
                              "come from there"},
    [REASON_BUSY] = {"busy", LOG_DEBUG, true, COUNT_closed_auth,
                     "too many clients were waiting to be recognised"},
    [REASON_USER_CONNECTIONS] = {"user_connections", LOG_WARNING, true,
                                 COUNT_closed_auth,
                                 "its user has as many connections as the "
                                 "users file allows"},
    [REASON_DENIED] = {"denied", LOG_WARNING, true, COUNT_closed_denied,
                       "version 1: a channel that the client's user may not "
                       "publish to, or subscribe to"},
    [REASON_RIGHTS_REVOKED] = {"rights_revoked", LOG_WARNING, true,
                               COUNT_closed_denied,
                               "another users file does not allow what the "
                               "client does, or does not know it; or other "
                               "files of --tls-ca or --tls-crl do not"},
};
