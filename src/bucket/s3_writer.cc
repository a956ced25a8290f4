// SPDX-License-Identifier: Apache-2.0
#include "bucket/internal/s3_writer.h"

#include <pugixml.hpp>
#include <sstream>

#include "base/encoding.h"
#include "base/log.h"
#include "client/listing.h"

namespace valetkey::bucket {

// Upload

Result<std::unique_ptr<Upload>> Upload::begin(S3Store& store, const std::string& key,
                                              std::optional<std::uint64_t> rows) {
  VALETKEY_TRY(const auto answer, store.calls().expect({.method = "POST",
                                                        .bucket = store.bucket_of(key),
                                                        .key = key,
                                                        .query = "uploads=",
                                                        .headers = store.new_headers(rows)}));
  pugi::xml_document document;
  document.load_buffer(answer.body.data(), answer.body.size());
  const std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return fail(ErrorCode::io, "the bucket begins no multipart upload");
  return std::unique_ptr<Upload>(new Upload(store, key, id));
}

Upload::~Upload() {
  while (!under_way_.empty()) {
    under_way_.front().second.wait();
    under_way_.pop_front();
  }
  if (completed_) return;
  const auto aborted = store_.calls().expect({.method = "DELETE",
                                              .bucket = store_.bucket_of(key_),
                                              .key = key_,
                                              .query = "uploadId=" + percent_encode(id_)});
  if (!aborted && aborted.error().code != ErrorCode::not_found)
    log::warn("bucket", "a multipart upload could not be aborted: let a lifecycle rule remove such",
              {{"key", key_}, {"why", aborted.error().detail}});
}

Result<void> Upload::send(std::string part) {
  if (under_way_.size() >= kMostParts) VALETKEY_CHECK(wait_for_one());
  const unsigned number = ++last_;
  auto work = [this, number, body = std::move(part)]() -> Result<std::string> {
    VALETKEY_TRY(const auto answer,
                 store_.calls().expect({.method = "PUT",
                                        .bucket = store_.bucket_of(key_),
                                        .key = key_,
                                        .query = "partNumber=" + std::to_string(number) +
                                                 "&uploadId=" + percent_encode(id_),
                                        .body = body}));
    const std::string* etag = answer.header("ETag");
    if (etag == nullptr) return fail(ErrorCode::io, "the bucket gives a part no ETag");
    return *etag;
  };
  under_way_.emplace_back(number, std::async(std::launch::async, std::move(work)));
  return {};
}

Result<void> Upload::wait_for_one() {
  auto [number, answer] = std::move(under_way_.front());
  under_way_.pop_front();
  VALETKEY_TRY(etags_[number], answer.get());
  return {};
}

Result<void> Upload::wait() {
  while (!under_way_.empty()) VALETKEY_CHECK(wait_for_one());
  return {};
}

Result<std::string> Upload::complete(std::uint64_t size) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  for (const auto& [number, etag] : etags_) {
    pugi::xml_node part = root.append_child("Part");
    part.append_child("PartNumber").text().set(number);
    part.append_child("ETag").text().set(etag.c_str());
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  const auto answer = store_.calls().expect({.method = "POST",
                                             .bucket = store_.bucket_of(key_),
                                             .key = key_,
                                             .query = "uploadId=" + percent_encode(id_),
                                             .headers = {{"Content-Type", "application/xml"}},
                                             .body = text.str()});
  // The answer to an earlier attempt may have been lost.
  if (!answer && answer.error().code == ErrorCode::not_found) {
    VALETKEY_TRY(const auto there, store_.head(key_));
    if (there.size != size || !there.etag.ends_with("-" + std::to_string(etags_.size())))
      return std::unexpected(answer.error());
    completed_ = true;
    return there.etag;
  }
  if (!answer) return std::unexpected(answer.error());
  pugi::xml_document result;
  result.load_buffer(answer->body.data(), answer->body.size());
  // A failure may come with status 200.
  const pugi::xml_node done = result.child("CompleteMultipartUploadResult");
  if (!done)
    return fail(ErrorCode::unavailable, "the bucket does not complete an upload: " +
                                            client::parse_fault(answer->body).code);
  completed_ = true;
  std::string etag = done.child_value("ETag");
  std::erase(etag, '"');
  return etag;
}

// S3Staged

S3Staged::S3Staged(S3Store& store, storage::ObjectInfo info, std::string bytes,
                   std::unique_ptr<Upload> upload)
    : store_(store), info_(std::move(info)), bytes_(std::move(bytes)), upload_(std::move(upload)) {
  store_.staged() += bytes_.size();
}

S3Staged::~S3Staged() { store_.staged() -= bytes_.size(); }

Result<void> S3Staged::put() {
  if (upload_) {
    VALETKEY_TRY(info_.etag, upload_->complete(info_.size));
    return {};
  }
  auto headers = store_.new_headers(info_.rows);
  headers.emplace_back("x-amz-meta-crc32", std::to_string(*info_.crc32));
  VALETKEY_CHECK(store_.calls().expect({.method = "PUT",
                                        .bucket = store_.bucket_of(info_.key),
                                        .key = info_.key,
                                        .headers = std::move(headers),
                                        .body = bytes_,
                                        .md5 = base64(unhex(info_.etag).value_or(""))}));
  return {};
}

// S3Writer

S3Writer::S3Writer(S3Store& store, std::string key, Timestamp now) : store_(store) {
  info_.key = std::move(key);
  info_.modified = now;
  info_.crc32 = 0;
}

Result<void> S3Writer::write(std::string_view bytes) {
  info_.size += bytes.size();
  info_.crc32 = crc32(*info_.crc32, bytes);
  if (!upload_) md5_.update(bytes);  // of an upload the engine makes another ETag
  waiting_.append(bytes);
  // What is no larger than a part may still go as one object.
  const std::size_t least = store_.options().part_bytes + (upload_ ? 0 : 1);
  return waiting_.size() >= least ? send_full_parts() : Result<void>();
}

Result<void> S3Writer::send_full_parts() {
  const std::size_t part = store_.options().part_bytes;
  // The rows are not known yet: the footer has them.
  if (!upload_) {
    VALETKEY_TRY(upload_, Upload::begin(store_, info_.key, std::nullopt));
  }
  if (waiting_.size() == part) {
    std::string whole = std::exchange(waiting_, {});
    waiting_.reserve(part);
    return upload_->send(std::move(whole));
  }
  std::size_t sent = 0;
  for (; waiting_.size() - sent >= part; sent += part)
    VALETKEY_CHECK(upload_->send(waiting_.substr(sent, part)));
  waiting_.erase(0, sent);
  return {};
}

Result<std::unique_ptr<storage::StagedObject>> S3Writer::finish(std::optional<std::uint64_t> rows) {
  info_.rows = rows;
  if (!upload_) {
    const auto digest = md5_.finish();
    info_.etag = hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  const bool crowded = store_.staged() + waiting_.size() > store_.options().staged_bytes;
  if (!upload_ && crowded && !waiting_.empty()) {
    VALETKEY_TRY(upload_, Upload::begin(store_, info_.key, rows));
  }
  if (upload_) {
    if (!waiting_.empty()) VALETKEY_CHECK(upload_->send(std::exchange(waiting_, {})));
    VALETKEY_CHECK(upload_->wait());
  }
  return std::make_unique<S3Staged>(store_, std::move(info_), std::move(waiting_),
                                    std::move(upload_));
}

}  // namespace valetkey::bucket
