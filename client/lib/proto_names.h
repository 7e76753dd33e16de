/* SPDX-License-Identifier: MIT
 *
 * proto_names - names of proto/ as libsluice has them. They are linked into
 * users' programs, which may have a head_parse() of their own. The build
 * includes this header in front of every file of the library; a test finds
 * names that are missing here.
 */
#ifndef SLUICE_CLIENT_LIB_PROTO_NAMES_H
#define SLUICE_CLIENT_LIB_PROTO_NAMES_H

#define decimal_carry          sluice_decimal_carry
#define decimal_put            sluice_decimal_put
#define head_add_channel       sluice_head_add_channel
#define head_add_header        sluice_head_add_header
#define head_add_number        sluice_head_add_number
#define head_add_option        sluice_head_add_option
#define head_add_option_ms     sluice_head_add_option_ms
#define head_add_option_number sluice_head_add_option_number
#define head_add_spelled       sluice_head_add_spelled
#define head_begin             sluice_head_begin
#define head_end               sluice_head_end
#define head_is_header         sluice_head_is_header
#define head_is_opening        sluice_head_is_opening
#define head_parse             sluice_head_parse
#define head_parse_leniently   sluice_head_parse_leniently
#define head_parse_opening     sluice_head_parse_opening
#define octet_classes          sluice_octet_classes
#define pattern_cut            sluice_pattern_cut
#define pattern_matches        sluice_pattern_matches
#define pattern_matches_name   sluice_pattern_matches_name
#define pattern_plain          sluice_pattern_plain
#define pattern_read           sluice_pattern_read
#define pattern_read_plain     sluice_pattern_read_plain
#define pattern_world_of       sluice_pattern_world_of
#define pattern_write          sluice_pattern_write
#define spelling_is_address    sluice_spelling_is_address
#define spelling_read          sluice_spelling_read
#define spelling_read_channel  sluice_spelling_read_channel
#define spelling_write_channel sluice_spelling_write_channel
#define spelling_write_value   sluice_spelling_write_value
#define unit_duration_read     sluice_unit_duration_read
#define unit_error_code        sluice_unit_error_code
#define unit_error_find        sluice_unit_error_find
#define unit_error_is_fatal    sluice_unit_error_is_fatal
#define unit_error_text        sluice_unit_error_text
#define unit_number_read       sluice_unit_number_read
#define unit_option_find       sluice_unit_option_find
#define unit_option_name       sluice_unit_option_name
#define unit_option_read       sluice_unit_option_read
#define verb_find              sluice_verb_find
#define verb_opening           sluice_verb_opening
#define verb_publish_durable   sluice_verb_publish_durable
#define verbs                  sluice_verbs

#endif
