// SPDX-License-Identifier: Apache-2.0
#include "s3/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/text.h"
#include "s3/conditions.h"
#include "s3/xml.h"

namespace valetkey::s3 {
namespace {

constexpr std::string_view kDefaultType = "binary/octet-stream";  // S3's; we store none

struct Override {
  std::string_view parameter;
  std::string_view header;
};
constexpr std::array kOverrides{
    Override{"response-content-language", "Content-Language"},
    Override{"response-expires", "Expires"},
    Override{"response-cache-control", "Cache-Control"},
    Override{"response-content-disposition", "Content-Disposition"},
    Override{"response-content-encoding", "Content-Encoding"},
};

bool is_header_value(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\t'; });
}

Answer<void> check_overrides(const Call& call) {
  for (const auto& parameter : call.parameters)
    if (parameter.name.starts_with("response-") && !is_header_value(parameter.value))
      return invalid_argument(parameter.name, parameter.value,
                              "A header value must be printable ASCII characters.");
  return {};
}

// All but the type, which goes with the body.
void apply_overrides(const Call& call, http::Response& response) {
  for (const auto& [parameter, header] : kOverrides)
    if (const auto* found = call.parameter(parameter)) response.set(header, found->value);
}

std::string content_type(const Call& call) {
  const auto* asked = call.parameter("response-content-type");
  return asked ? asked->value : std::string(kDefaultType);
}

// Headers that ask for something which an honest answer would have to honour.
Answer<void> check_headers(const http::Request& request) {
  if (request.header("x-amz-server-side-encryption-customer-algorithm"))
    return refuse(Code::invalid_request,
                  "The encryption parameters are not applicable to this object.");
  return {};
}

// An object here has one part: part 1 is all of it, and S3 answers it as a range.
Answer<bool> read_part_number(const Call& call, const http::Request& request) {
  const auto* parameter = call.parameter("partNumber");
  if (!parameter) return false;
  if (request.header("range"))
    return refuse(Code::invalid_request,
                  "Cannot specify both Range header and partNumber query parameter");
  const std::string& text = parameter->value;
  int number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end || number < 1 || number > 10000)
    return invalid_argument("partNumber", text,
                            "Part number must be an integer between 1 and 10000, inclusive");
  if (number != 1) return refuse(Code::invalid_part_number);
  return true;
}

std::unexpected<Failure> refuse_condition(std::string_view header) {
  std::string details;
  append_element(details, "Condition", header);
  return refuse(Code::precondition_failed, {}, std::move(details));
}

std::unexpected<Failure> refuse_range(std::string_view range, std::uint64_t size) {
  Failure failure{.code = Code::invalid_range,
                  .message = {},
                  .details = {},
                  .reason = {},
                  .content_range = fmt::format("bytes */{}", size)};
  append_element(failure.details, "RangeRequested", range);
  append_element(failure.details, "ActualObjectSize", std::to_string(size));
  return std::unexpected(std::move(failure));
}

Answer<RangeAnswer> range_of(const Authorized& authorized, const http::Request& request,
                             const storage::ObjectInfo& info) {
  VALETKEY_TRY(const bool part, read_part_number(authorized.call(), request));
  if (part) return RangeAnswer{info.size == 0 ? RangeKind::whole : RangeKind::part, {0, info.size}};
  const auto header =
      range_applies(request, {info.etag, info.modified}) && request.count("range") == 1
          ? request.header("range")
          : std::nullopt;
  const RangeAnswer range = resolve_range(header, info.size);
  if (range.kind == RangeKind::unsatisfiable) return refuse_range(*header, info.size);
  return range;
}

std::string crc32_text(std::uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift & 0xFF);
  return base64(bytes);
}

void add_checksum(const http::Request& request, const storage::ObjectInfo& info,
                  http::Response& response) {
  const auto mode = request.header("x-amz-checksum-mode");
  if (!mode || !equal_ignoring_case(*mode, "ENABLED") || !info.crc32) return;
  response.set("x-amz-checksum-crc32", crc32_text(*info.crc32));
  response.set("x-amz-checksum-type", "FULL_OBJECT");
}

// What a 304 repeats, too.
void add_validators(const storage::ObjectInfo& info, http::Response& response) {
  std::string etag;
  ((etag += '"') += info.etag) += '"';
  response.set("ETag", etag);
  response.set("Last-Modified", format_http_date(info.modified));
  response.set("x-amz-server-side-encryption", "AES256");
}

}  // namespace

Answer<ObjectAnswer> answer_object(const Authorized& authorized, const http::Request& request,
                                   const storage::ObjectInfo& info) {
  const Call& call = authorized.call();
  VALETKEY_CHECK(check_headers(request));
  VALETKEY_CHECK(check_overrides(call));
  const Condition condition = check_conditions(request, {info.etag, info.modified});
  if (condition.verdict == Verdict::failed) return refuse_condition(condition.header);
  if (condition.verdict == Verdict::not_modified) {
    ObjectAnswer answer{http::Response(304), {}, {}, false};
    add_validators(info, answer.response);
    return answer;
  }
  VALETKEY_TRY(const RangeAnswer range, range_of(authorized, request, info));
  const bool part = range.kind == RangeKind::part;
  ObjectAnswer answer{http::Response(part ? 206 : 200), content_type(call), range.span, true};
  apply_overrides(call, answer.response);
  add_validators(info, answer.response);
  answer.response.set("Accept-Ranges", "bytes");
  if (part)
    answer.response.set("Content-Range", content_range(range.span, info.size));
  else
    add_checksum(request, info, answer.response);
  return answer;
}

}  // namespace valetkey::s3
