// SPDX-License-Identifier: Apache-2.0
#include "client/listing.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "base/encoding.h"

namespace valetkey::client {
namespace {

constexpr std::size_t kMaxEtag = 256;
constexpr std::size_t kMaxMessage = 300;

std::unexpected<Error> not_listing(std::string_view why) {
  return fail(ErrorCode::corrupt,
              "the answer of the endpoint is not a listing: " + std::string(why));
}

// encoding-type=url writes a space as '+' and a plus as %2B.
Result<std::string> decode(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return percent_decode(text);
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

bool plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F && c != '"'; });
}

Result<ListedObject> read_object(const pugi::xml_node& node) {
  ListedObject object;
  VALETKEY_TRY(object.key, decode(node.child_value("Key")));
  object.etag = unquoted(node.child_value("ETag"));
  if (object.key.empty() || object.etag.size() > kMaxEtag || !plain(object.etag))
    return not_listing("an object has no key or an impossible ETag");
  const std::string_view size = node.child_value("Size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
  if (size.empty() || error != std::errc{} || end != size.data() + size.size() ||
      object.size > INT64_MAX)
    return not_listing("an object has no size");
  const auto modified = parse_iso8601(node.child_value("LastModified"));
  if (modified) object.modified = *modified;
  return object;
}

std::string printable(std::string_view text) {
  std::string line(text.substr(0, kMaxMessage));
  std::ranges::replace_if(line, [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return line;
}

}  // namespace

Result<ListingPage> parse_listing(std::string_view xml) {
  if (xml.size() > kMaxListingBytes) return not_listing("it is too large");
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8))
    return not_listing("it is not XML");
  const pugi::xml_node root = document.child("ListBucketResult");
  if (!root) return not_listing("it has another name");
  if (std::string_view(root.child_value("EncodingType")) != "url")
    return not_listing("its keys are not encoded as asked");
  ListingPage page;
  for (const auto& node : root.children("Contents")) {
    VALETKEY_TRY(auto object, read_object(node));
    page.objects.push_back(std::move(object));
  }
  for (const auto& node : root.children("CommonPrefixes")) {
    VALETKEY_TRY(auto prefix, decode(node.child_value("Prefix")));
    page.common_prefixes.push_back(std::move(prefix));
  }
  if (std::string_view(root.child_value("IsTruncated")) == "true") {
    page.continuation = root.child_value("NextContinuationToken");
    if (page.continuation.empty()) return not_listing("it does not say where it goes on");
  }
  return page;
}

S3Fault parse_fault(std::string_view xml) {
  pugi::xml_document document;
  if (xml.size() > kMaxListingBytes ||
      !document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8))
    return {};
  const pugi::xml_node root = document.child("Error");
  return {printable(root.child_value("Code")), printable(root.child_value("Message"))};
}

std::string md5_of_etag(std::string_view etag) {
  const auto hex_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return etag.size() == 32 && std::ranges::all_of(etag, hex_digit) ? std::string(etag) : "";
}

}  // namespace valetkey::client
