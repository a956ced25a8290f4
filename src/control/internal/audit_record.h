// SPDX-License-Identifier: Apache-2.0
// One audit record as a line of text, chained to the line before it. docs/formats.md, "Audit log".
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "control/audit.h"

namespace valetkey::control {

inline constexpr std::size_t kLinkLength = 32;
inline constexpr std::string_view kNoLink = "00000000000000000000000000000000";
// Longer than any line that encode_record() writes.
inline constexpr std::size_t kMaxLineBytes = std::size_t{64} << 10;

// What of the line does not depend on the line before: everything but the checksum and its tab.
// Appended to `out`. Long fields are cut. Never holds a line's end.
void append_record_body(std::string& out, const AuditEntry& entry);
// Appends the line with its end, of such a body, and returns its link. `previous` is that of the
// line before.
std::string append_linked_record(std::string& out, std::string_view body,
                                 std::string_view previous);
std::string encode_record(const AuditEntry& entry, std::string_view previous);  // both at once
// `corrupt` unless encode_record() wrote exactly this line, without its end, after `previous`.
Result<AuditEvent> decode_record(std::string_view line, std::string_view previous);
// What the next line chains to: the line's own checksum, or kNoLink where it has none.
std::string_view link_of(std::string_view line);

// The first line of a segment, with its end, and the link that it carries on from the segment
// before.
std::string encode_segment_header(std::string_view previous);
Result<std::string> decode_segment_header(std::string_view line);

}  // namespace valetkey::control
