// SPDX-License-Identifier: Apache-2.0
#include "s3/operations.h"

#include <algorithm>

#include "base/log.h"
#include "http/patience.h"
#include "s3/listing.h"
#include "s3/objects.h"
#include "s3/xml.h"

namespace valetkey::s3 {
namespace {

using storage::ObjectReader;
using storage::ReadFailure;
using storage::ReadMode;

// A part of an object up to this size is read before the header is sent: one buffer instead of a
// source, and a corrupt one is an honest 500. One chunk, because a slow client holds it.
constexpr std::uint64_t kReadAheadBytes = 64 * 1024;

constexpr std::size_t kMaxKeyBytes = 1024;  // S3's; no object can have a longer one
constexpr std::string_view kXml = "application/xml";

using Read = Result<std::string, ReadFailure>;

// All of `span`, or why not; io if the object is shorter than it says.
Read read_span(ObjectReader& reader, Span span, ReadMode mode) {
  std::string bytes;
  std::optional<ReadFailure> failure;
  // The second argument is not used: libstdc++ 12 passes the capacity that it took instead of what
  // was asked for.
  bytes.resize_and_overwrite(span.length, [&](char* data, std::size_t) {
    std::size_t filled = 0;
    while (filled < span.length && !failure) {
      const std::span<char> rest{data + filled, span.length - filled};
      const auto read = reader.read(span.offset + filled, rest, mode);
      if (!read)
        failure = read.error();
      else if (*read == 0)
        failure = ReadFailure::io;
      else
        filled += *read;
    }
    return filled;
  });
  if (failure) return std::unexpected(*failure);
  return bytes;
}

Failure failure_of_read(ReadFailure why, std::string_view key, Hooks& hooks) {
  if (why == ReadFailure::corrupt)
    hooks.corrupt_object(key);
  else
    log::error("s3", "an object could not be read", {{"key", key}});
  return {Code::internal_error, {}, {}, {}};
}

}  // namespace

http::Task<Answer<http::Response>> Operations::run(const Authorized& authorized,
                                                   const http::Request& request,
                                                   Meter& meter) const {
  switch (authorized.operation()) {
    case Operation::head_bucket:
      co_return head_bucket();
    case Operation::get_bucket_location:
      co_return get_bucket_location();
    case Operation::list_objects:
      co_return co_await list(authorized, request.now);
    case Operation::read_object:
      if (authorized.key().size() > kMaxKeyBytes) co_return refuse(Code::key_too_long);
      if (request.method == http::Method::head) co_return co_await head_object(authorized, request);
      co_return co_await get_object(authorized, request, meter);
    case Operation::not_implemented:
      break;
  }
  co_return refuse(Code::not_implemented);
}

Answer<http::Response> Operations::head_bucket() const {
  http::Response response(200);
  response.set("x-amz-bucket-region", region_).set("Content-Type", kXml).length_only(0);
  return response;
}

Answer<http::Response> Operations::get_bucket_location() const {
  std::string xml(kXmlDeclaration);
  ((xml += "<LocationConstraint xmlns=\"") += kXmlNamespace) += '"';
  if (region_ == "us-east-1") {  // S3's oldest region has no name here
    xml += "/>";
  } else {
    xml += '>';
    append_escaped(xml, region_);
    xml += "</LocationConstraint>";
  }
  http::Response response(200);
  response.set("x-amz-bucket-region", region_).body(std::move(xml), kXml);
  return response;
}

http::Task<Answer<http::Response>> Operations::list(const Authorized& authorized,
                                                    Timestamp now) const {
  const auto keyring = keys_.get();
  auto request = read_list_request(authorized, *keyring, now);
  if (!request) co_return std::unexpected(std::move(request).error());
  auto xml = co_await http::run_blocking(
      blocking_, [&store = store_, keyring, now, asked = std::move(*request)] {
        return list_objects(store, *keyring, asked, now);
      });
  if (!xml) co_return std::unexpected(std::move(xml).error());
  http::Response response(200);
  response.set("x-amz-bucket-region", region_).body(std::move(*xml), kXml);
  co_return response;
}

// Hops only for what this thread does not know yet, once; again where the store is busy, as it may be with metadata
// that it makes for several requests of a client.
http::Task<Result<std::unique_ptr<ObjectReader>>> Operations::open(const std::string& key) const {
  if (auto cached = store_.open_cached(key)) co_return std::move(*cached);
  const auto work = [&store = store_, key] { return store.open(key); };
  http::Patience patience;
  auto opened = co_await http::run_blocking(blocking_, work);
  while (!opened && opened.error().code == ErrorCode::busy && co_await patience.wait())
    opened = co_await http::run_blocking(blocking_, work);
  if (opened) (*opened)->remember();
  co_return opened;
}

http::Task<Answer<http::Response>> Operations::head_object(const Authorized& authorized,
                                                           const http::Request& request) const {
  const auto opened = co_await open(authorized.key());
  if (!opened) co_return std::unexpected(failure_of(opened.error(), authorized.key()));
  auto answer = answer_object(authorized, request, (*opened)->info());
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->has_body)
    answer->response.set("Content-Type", answer->content_type).length_only(answer->span.length);
  co_return std::move(answer->response);
}

http::Task<Answer<http::Response>> Operations::get_object(const Authorized& authorized,
                                                          const http::Request& request,
                                                          Meter& meter) const {
  auto opened = co_await open(authorized.key());
  if (!opened) co_return std::unexpected(failure_of(opened.error(), authorized.key()));
  std::unique_ptr<ObjectReader> reader = std::move(*opened);
  auto answer = answer_object(authorized, request, reader->info());
  if (!answer) co_return std::unexpected(std::move(answer).error());
  http::Response& response = answer->response;
  if (!answer->has_body) co_return std::move(response);
  // An account that has had its bytes waits for its body, as long ones do between their pieces.
  if (answer->span.length > kReadAheadBytes ||
      meter.pause(std::chrono::steady_clock::now()) > milliseconds(0)) {
    response.set("Content-Type", answer->content_type)
        .stream(std::make_unique<ObjectBody>(std::move(reader), answer->span, meter.for_body(),
                                             oversight_));
    co_return std::move(response);
  }
  Read bytes = read_span(*reader, answer->span, ReadMode::cached_only);
  if (!bytes && bytes.error() == ReadFailure::would_block)
    bytes = co_await http::run_blocking(blocking_, [held = std::move(reader), span = answer->span] {
      return read_span(*held, span, ReadMode::blocking);
    });
  if (!bytes)
    co_return std::unexpected(failure_of_read(bytes.error(), authorized.key(), oversight_.hooks));
  response.body(std::move(*bytes), answer->content_type);
  co_return std::move(response);
}

}  // namespace valetkey::s3
