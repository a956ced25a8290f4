// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>

#include "s3/listing.h"
#include "s3/xml.h"

namespace valetkey::s3 {
namespace {

class ListWriter {
 public:
  ListWriter(const ListRequest& request, const storage::ListPage& page)
      : request_(request), page_(page) {
    std::size_t keys = 0;
    for (const auto& entry : page.entries) keys += entry.info.key.size();
    text(request.prefix);
    prefix_text_.swap(out_);
    out_.reserve(1024 + keys * 9 / 8 + page.entries.size() * (request.owner ? 352 : 224));
  }

  std::string write(const std::string& next_token) {
    out_ = kXmlDeclaration;
    ((out_ += "<ListBucketResult xmlns=\"") += kXmlNamespace) += "\">";
    append_element(out_, "Name", request_.bucket);
    named("Prefix", request_.prefix);
    if (request_.version_2)
      head_2(next_token);
    else
      head_1();
    number("MaxKeys", request_.max_keys);
    if (!request_.delimiter.empty()) named("Delimiter", request_.delimiter);
    if (request_.url_encoding) out_ += "<EncodingType>url</EncodingType>";
    ((out_ += "<IsTruncated>") += page_.truncated ? "true" : "false") += "</IsTruncated>";
    for (const auto& entry : page_.entries)
      if (!entry.is_prefix) contents(entry.info);
    for (const auto& entry : page_.entries)
      if (entry.is_prefix) common_prefix(entry.info.key);
    out_ += "</ListBucketResult>";
    return std::move(out_);
  }

 private:
  void head_1() {
    named("Marker", request_.marker);
    if (page_.truncated && !request_.delimiter.empty() && !page_.entries.empty())
      named("NextMarker", page_.entries.back().info.key);
  }

  void head_2(const std::string& next_token) {
    if (request_.continuation_token)
      append_element(out_, "ContinuationToken", *request_.continuation_token);
    if (!next_token.empty()) append_element(out_, "NextContinuationToken", next_token);
    if (request_.start_after) named("StartAfter", *request_.start_after);
    number("KeyCount", page_.entries.size());
  }

  // What encoding-type=url encodes.
  void text(std::string_view value) {
    if (request_.url_encoding)
      append_url_encoded(out_, value);
    else
      append_escaped(out_, value);
  }
  // A key or common prefix: what it shares with the prefix asked for is written once.
  void key(std::string_view value) {
    out_ += prefix_text_;
    text(value.substr(request_.prefix.size()));
  }
  void named(std::string_view name, std::string_view value) {
    ((out_ += '<') += name) += '>';
    text(value);
    ((out_ += "</") += name) += '>';
  }
  void number(std::string_view name, std::uint64_t value) {
    ((out_ += '<') += name) += '>';
    append_number(out_, value);
    ((out_ += "</") += name) += '>';
  }

  void contents(const storage::ObjectInfo& info) {
    out_ += "<Contents><Key>";
    key(info.key);
    out_ += "</Key><LastModified>";
    last_modified(info.modified);
    out_ += "</LastModified><ETag>&quot;";
    append_escaped(out_, info.etag);
    out_ += "&quot;</ETag><Size>";
    append_number(out_, info.size);
    out_ += "</Size>";
    if (request_.owner) owner();
    out_ += "<StorageClass>STANDARD</StorageClass></Contents>";
  }

  void owner() {
    (out_ += "<Owner><ID>") += request_.account;
    ((out_ += "</ID><DisplayName>") += request_.account) += "</DisplayName></Owner>";
  }

  // Whole seconds, as Last-Modified states: clients compare the two. Parts of one export were stored
  // within seconds of each other, so the text is kept.
  void last_modified(Timestamp t) {
    const auto second = std::chrono::floor<seconds>(t);
    if (modified_text_.empty() || second != modified_) {
      modified_ = second;
      modified_text_ = format_iso8601_ms(second);  // …:40.000Z
    }
    out_ += modified_text_;
  }

  void common_prefix(std::string_view prefix) {
    out_ += "<CommonPrefixes><Prefix>";
    key(prefix);
    out_ += "</Prefix></CommonPrefixes>";
  }

  const ListRequest& request_;
  const storage::ListPage& page_;
  std::string out_;
  std::string prefix_text_;
  std::chrono::sys_seconds modified_;
  std::string modified_text_;
};

}  // namespace

std::string list_xml(const ListRequest& request, const storage::ListPage& page,
                     const std::string& next_token) {
  return ListWriter(request, page).write(next_token);
}

}  // namespace valetkey::s3
