// SPDX-License-Identifier: Apache-2.0
#include "control/internal/audit_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr std::string_view kHeader = "valetkey-audit 1 ";
constexpr std::size_t kMaxFields = 10;  // the last one only where it is not empty
constexpr std::size_t kMaxFieldBytes = 512;

bool is_link(std::string_view text) {
  return text.size() == kLinkLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool stands_as_it_is(char c) { return c >= ' ' && c < 0x7f && c != '%'; }

// Printable ASCII stands as it is, all else as %XX: a line is a line on every terminal.
void append_escaped(std::string& out, std::string_view field) {
  field = field.substr(0, kMaxFieldBytes);
  while (!field.empty()) {
    const auto odd = std::ranges::find_if_not(field, stands_as_it_is);
    out.append(field.begin(), odd);
    if (odd == field.end()) return;
    out += percent_encode({odd, odd + 1});
    field = {odd + 1, field.end()};
  }
}

Result<std::string> unescape(std::string_view text) {
  if (text.size() <= kMaxFieldBytes && std::ranges::all_of(text, stands_as_it_is))
    return std::string(text);
  VALETKEY_TRY(std::string field, percent_decode(text));
  std::string again;
  append_escaped(again, field);
  if (again != text) return fail(ErrorCode::corrupt, "an audit field in another form");
  return field;
}

std::string checksum_of(std::string_view previous, std::string_view body) {
  std::string bytes;
  bytes.reserve(previous.size() + 1 + body.size());
  bytes.append(previous).append("\t").append(body);
  return hex(as_text(sha256(bytes)).substr(0, kLinkLength / 2));
}

// Both ends included: "" is one empty field.
std::vector<std::string_view> split(std::string_view body) {
  std::vector<std::string_view> fields;
  fields.reserve(kMaxFields);
  for (;;) {
    const std::size_t tab = body.find('\t');
    fields.push_back(body.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    body.remove_prefix(tab + 1);
  }
}

// Takes the texts out of `fields`.
Result<AuditEvent> read_fields(std::array<std::string, kMaxFields>& fields) {
  AuditEvent event;
  VALETKEY_TRY(event.at, parse_iso8601(fields[0]));
  event.action = std::move(fields[1]);
  event.outcome = std::move(fields[2]);
  if (!fields[3].empty()) {
    VALETKEY_TRY(event.account, AccountId::parse(fields[3]));
  }
  event.actor = std::move(fields[4]);
  event.subject = std::move(fields[5]);
  event.client = std::move(fields[6]);
  event.request_id = std::move(fields[7]);
  const char* const end = fields[8].data() + fields[8].size();
  const auto parsed = std::from_chars(fields[8].data(), end, event.count);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return fail(ErrorCode::corrupt, "an audit record whose count is no number");
  event.detail = std::move(fields[9]);
  return event;
}

}  // namespace

void append_record_body(std::string& out, const AuditEntry& entry) {
  out += format_iso8601_ms(entry.at);
  const std::string_view account =
      entry.account != nullptr ? entry.account->str() : std::string_view();
  for (const std::string_view field : {entry.action, entry.outcome, account, entry.actor,
                                       entry.subject, entry.client, entry.request_id})
    append_escaped(out += '\t', field);
  out.append("\t").append(std::to_string(entry.count));
  if (!entry.detail.empty()) append_escaped(out += '\t', entry.detail);
}

std::string append_linked_record(std::string& out, std::string_view body,
                                 std::string_view previous) {
  std::string link = checksum_of(previous, body);
  out.append(link).append("\t").append(body).append("\n");
  return link;
}

std::string encode_record(const AuditEntry& entry, std::string_view previous) {
  std::string body;
  append_record_body(body, entry);
  std::string line;
  append_linked_record(line, body, previous);
  return line;
}

Result<AuditEvent> decode_record(std::string_view line, std::string_view previous) {
  if (line.size() < kLinkLength + 1 || line[kLinkLength] != '\t')
    return fail(ErrorCode::corrupt, "an audit record without checksum");
  std::string_view body = line.substr(kLinkLength + 1);
  if (line.substr(0, kLinkLength) != checksum_of(previous, body))
    return fail(ErrorCode::corrupt, "an audit record that does not match its checksum");
  const std::vector<std::string_view> parts = split(body);
  if (parts.size() != kMaxFields && parts.size() != kMaxFields - 1)
    return fail(ErrorCode::corrupt, "an audit record that has neither nine fields nor ten");
  std::array<std::string, kMaxFields> fields;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    VALETKEY_TRY(fields.at(i), unescape(parts[i]));
  }
  VALETKEY_TRY(AuditEvent event, read_fields(fields));
  // Each text is in its only form already.
  const bool same = format_iso8601_ms(event.at) == fields[0] &&
                    std::to_string(event.count) == fields[8] &&
                    (parts.size() == kMaxFields) == !event.detail.empty();
  if (!same) return fail(ErrorCode::corrupt, "an audit record in another form");
  return event;
}

std::string_view link_of(std::string_view line) {
  const std::string_view link = line.substr(0, kLinkLength);
  return is_link(link) ? link : kNoLink;
}

std::string encode_segment_header(std::string_view previous) {
  return std::string(kHeader).append(previous).append("\n");
}

Result<std::string> decode_segment_header(std::string_view line) {
  if (!line.starts_with(kHeader) || !is_link(line.substr(kHeader.size())))
    return fail(ErrorCode::corrupt, "an audit segment without its header");
  return std::string(line.substr(kHeader.size()));
}

}  // namespace valetkey::control
