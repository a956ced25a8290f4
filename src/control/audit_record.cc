// SPDX-License-Identifier: Apache-2.0
#include "control/audit_record.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr std::string_view kHeader = "valetkey-audit 1 ";
constexpr std::size_t kFields = 9;
constexpr std::size_t kMaxFieldBytes = 512;

bool is_link(std::string_view text) {
  return text.size() == kLinkLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Printable ASCII stands as it is, all else as %XX: a line is a line on every terminal.
std::string escape(std::string_view field) {
  std::string out;
  for (const char c : field.substr(0, kMaxFieldBytes)) {
    if (c >= ' ' && c < 0x7f && c != '%') {
      out += c;
    } else {
      out += percent_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

Result<std::string> unescape(std::string_view text) {
  VALETKEY_TRY(std::string field, percent_decode(text));
  if (escape(field) != text) return fail(ErrorCode::corrupt, "an audit field in another form");
  return field;
}

std::string checksum_of(std::string_view previous, std::string_view body) {
  std::string bytes(previous);
  bytes.append("\t").append(body);
  return sha256_hex(bytes).substr(0, kLinkLength);
}

Result<AuditEvent> read_fields(const std::array<std::string, kFields>& fields) {
  AuditEvent event;
  VALETKEY_TRY(event.at, parse_iso8601(fields[0]));
  event.action = fields[1];
  event.outcome = fields[2];
  if (!fields[3].empty()) {
    VALETKEY_TRY(event.account, AccountId::parse(fields[3]));
  }
  event.actor = fields[4];
  event.subject = fields[5];
  event.client = fields[6];
  event.request_id = fields[7];
  const char* const end = fields[8].data() + fields[8].size();
  const auto parsed = std::from_chars(fields[8].data(), end, event.count);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return fail(ErrorCode::corrupt, "an audit record whose count is no number");
  return event;
}

std::string body_of(const AuditEvent& event) {
  const std::string account = event.account ? event.account->str() : "";
  std::string body = format_iso8601_ms(event.at);
  for (const std::string_view field :
       {std::string_view(event.action), std::string_view(event.outcome), std::string_view(account),
        std::string_view(event.actor), std::string_view(event.subject),
        std::string_view(event.client), std::string_view(event.request_id)})
    body.append("\t").append(escape(field));
  return body.append("\t").append(std::to_string(event.count));
}

}  // namespace

std::string encode_record(const AuditEvent& event, std::string_view previous) {
  const std::string body = body_of(event);
  return checksum_of(previous, body) + "\t" + body + "\n";
}

Result<AuditEvent> decode_record(std::string_view line, std::string_view previous) {
  if (line.size() < kLinkLength + 1 || line[kLinkLength] != '\t')
    return fail(ErrorCode::corrupt, "an audit record without checksum");
  std::string_view body = line.substr(kLinkLength + 1);
  if (line.substr(0, kLinkLength) != checksum_of(previous, body))
    return fail(ErrorCode::corrupt, "an audit record that does not match its checksum");
  std::array<std::string, kFields> fields;
  std::string_view rest = body;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t tab = std::min(rest.find('\t'), rest.size());
    if ((tab == rest.size()) != (i == kFields - 1))
      return fail(ErrorCode::corrupt, "an audit record that has not nine fields");
    VALETKEY_TRY(fields.at(i), unescape(rest.substr(0, tab)));
    rest.remove_prefix(std::min(tab + 1, rest.size()));
  }
  VALETKEY_TRY(AuditEvent event, read_fields(fields));
  if (body_of(event) != body) return fail(ErrorCode::corrupt, "an audit record in another form");
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
