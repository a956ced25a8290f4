// SPDX-License-Identifier: Apache-2.0
#include "bucket/internal/s3_store.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <thread>

#include "base/encoding.h"
#include "base/xml_text.h"
#include "bucket/internal/s3_reader.h"
#include "bucket/internal/s3_writer.h"
#include "client/listing.h"

namespace valetkey::bucket {
namespace {

constexpr std::string_view kInternal = "internal/";
constexpr std::size_t kMostAtOnce = 16;  // requests of one publication
// Behind every key that goes on from a common prefix: the last character of Unicode.
constexpr std::string_view kLast = "\xF4\x8F\xBF\xBF";

template <class Number>
std::optional<Number> number_of(const std::string* text) {
  Number value{};
  if (text == nullptr) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc{} && end == text->data() + text->size() ? std::optional(value)
                                                                    : std::nullopt;
}

std::string unquoted(const std::string* etag) {
  if (etag == nullptr) return {};
  std::string_view text = *etag;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

storage::ListEntry entry_of(client::ListedObject object) {
  storage::ListEntry entry;
  entry.info.key = std::move(object.key);
  entry.info.size = object.size;
  entry.info.etag = std::move(object.etag);
  entry.info.modified = object.modified;
  return entry;
}

std::string list_query(const storage::ListQuery& query) {
  std::string text = "encoding-type=url&list-type=2&max-keys=" +
                     std::to_string(std::clamp<std::size_t>(query.max_entries, 1, 1000));
  if (!query.delimiter.empty()) text += "&delimiter=" + percent_encode(query.delimiter);
  if (!query.prefix.empty()) text += "&prefix=" + percent_encode(query.prefix);
  std::string after = query.start_after;
  if (!query.delimiter.empty() && after.starts_with(query.prefix)) {
    const auto at = after.find(query.delimiter, query.prefix.size());
    if (at != std::string::npos) after = after.substr(0, at + query.delimiter.size()).append(kLast);
  }
  if (!after.empty()) text += "&start-after=" + percent_encode(after);
  return text;
}

std::string delete_document(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Delete");
  root.append_child("Quiet").text().set("true");
  for (const std::string& key : keys)
    root.append_child("Object").append_child("Key").text().set(key.c_str());
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return text.str();
}

}  // namespace

const std::string& S3Store::bucket_of(std::string_view key) const {
  const bool internal = key.starts_with(kInternal) && !options_.internal_bucket.empty();
  return internal ? options_.internal_bucket : options_.bucket;
}

std::vector<std::pair<std::string, std::string>> S3Store::new_headers(
    std::optional<std::uint64_t> rows) const {
  std::vector<std::pair<std::string, std::string>> headers;
  if (rows) headers.emplace_back("x-amz-meta-rows", std::to_string(*rows));
  if (!options_.encryption.empty())
    headers.emplace_back("x-amz-server-side-encryption", options_.encryption);
  if (!options_.kms_key_id.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key_id);
  return headers;
}

Result<storage::ObjectInfo> S3Store::head(std::string_view key) {
  VALETKEY_CHECK(storage::check_key(key));
  VALETKEY_TRY(
      const auto answer,
      calls_.expect({.method = "HEAD", .bucket = bucket_of(key), .key = std::string(key)}));
  storage::ObjectInfo info;
  info.key = key;
  const auto size = number_of<std::uint64_t>(answer.header("Content-Length"));
  if (!size) return fail(ErrorCode::io, "the bucket does not say how large " + info.key + " is");
  info.size = *size;
  info.etag = unquoted(answer.header("ETag"));
  info.rows = number_of<std::uint64_t>(answer.header("x-amz-meta-rows"));
  info.crc32 = number_of<std::uint32_t>(answer.header("x-amz-meta-crc32"));
  if (const auto* modified = answer.header("Last-Modified"))
    if (const auto at = parse_http_date(*modified)) info.modified = *at;
  return info;
}

Result<std::unique_ptr<storage::ObjectReader>> S3Store::open(std::string_view key) {
  VALETKEY_TRY(auto info, head(key));
  return std::make_unique<S3Reader>(calls_, bucket_of(key), std::move(info));
}

Result<storage::ListPage> S3Store::list(const storage::ListQuery& query) {
  if (query.max_entries == 0) return storage::ListPage{};
  VALETKEY_TRY(const auto answer,
               calls_.expect({.bucket = bucket_of(query.prefix), .query = list_query(query)}));
  VALETKEY_TRY(auto listed, client::parse_listing(answer.body));
  storage::ListPage page;
  for (auto& object : listed.objects) page.entries.push_back(entry_of(std::move(object)));
  for (auto& prefix : listed.common_prefixes) {
    storage::ListEntry entry{.is_prefix = true, .info = {}};
    entry.info.key = std::move(prefix);
    page.entries.push_back(std::move(entry));
  }
  std::erase_if(page.entries,
                [&query](const auto& entry) { return entry.info.key <= query.start_after; });
  std::ranges::sort(page.entries, {},
                    [](const auto& entry) -> const std::string& { return entry.info.key; });
  page.truncated = !listed.continuation.empty();
  return page;
}

Result<std::unique_ptr<storage::ObjectWriter>> S3Store::create(std::string_view key,
                                                               Timestamp now) {
  VALETKEY_CHECK(storage::check_key(key));
  return std::make_unique<S3Writer>(*this, std::string(key), now);
}

Result<void> S3Store::publish(storage::Publication publication) {
  VALETKEY_CHECK(storage::check_size(publication));
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> failed;
  const auto work = [&] {
    for (std::size_t i = next++; i < publication.add.size(); i = next++) {
      auto* staged = dynamic_cast<S3Staged*>(publication.add[i].get());
      const auto done =
          staged ? staged->put() : fail(ErrorCode::internal, "an object was staged elsewhere");
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!failed) failed = done.error();
      next = publication.add.size();
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min(kMostAtOnce, publication.add.size());
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
    work();
  }
  if (failed) return std::unexpected(*failed);
  std::vector<std::string> gone = std::move(publication.remove);
  std::ranges::move(publication.unlist, std::back_inserter(gone));
  return remove(gone);
}

Result<void> S3Store::remove(const std::vector<std::string>& keys) {
  std::vector<std::string> outside, inside;
  for (const std::string& key : keys) {
    VALETKEY_CHECK(storage::check_key(key));
    (&bucket_of(key) == &options_.bucket ? outside : inside).push_back(key);
  }
  VALETKEY_CHECK(remove_of(options_.bucket, outside));
  return remove_of(options_.internal_bucket, inside);
}

Result<void> S3Store::remove_of(const std::string& bucket, const std::vector<std::string>& keys) {
  std::vector<std::string> together;
  for (const std::string& key : keys) {
    if (is_xml_text(key)) {
      together.push_back(key);
      continue;
    }
    VALETKEY_CHECK(calls_.expect({.method = "DELETE", .bucket = bucket, .key = key}));
  }
  if (together.empty()) return {};
  VALETKEY_TRY(const auto answer, calls_.expect({.method = "POST",
                                                 .bucket = bucket,
                                                 .query = "delete=",
                                                 .headers = {{"Content-Type", "application/xml"}},
                                                 .body = delete_document(together)}));
  pugi::xml_document document;
  if (!document.load_buffer(answer.body.data(), answer.body.size()) ||
      !document.child("DeleteResult"))
    return fail(ErrorCode::io, "the bucket " + bucket + " does not say what it removed");
  const pugi::xml_node error = document.child("DeleteResult").child("Error");
  if (!error) return {};
  return fail(ErrorCode::denied, "the bucket " + bucket + " did not remove an object: " +
                                     client::parse_fault(answer.body).code +
                                     error.child_value("Code"));
}

}  // namespace valetkey::bucket
