// SPDX-License-Identifier: Apache-2.0
// HTTP messages as the services see them. A Request is views into the connection's buffer and lives
// until its handler has returned; a Response owns what it sends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/timestamp.h"

namespace valetkey::http {

enum class Method : std::uint8_t { get, head, put, post, delete_, options, other };

struct Header {
  std::string_view name;   // as received
  std::string_view value;  // without surrounding white space
};

using valetkey::Address;

struct Request {
  Method method = Method::other;
  std::string_view method_name;
  std::string_view target;  // as received: path and query
  std::string_view path;    // the target before the first '?', still encoded
  std::string_view query;   // after it, still encoded; empty where there is none
  std::vector<Header> headers;
  std::string_view body;
  bool body_complete = true;  // false: longer than max_body_bytes; `body` is empty
  Address client;             // of the peer, or what a trusted proxy says
  bool tls = false;
  Timestamp now;        // when the head was complete: the one reading of the clock for this request
  std::string_view id;  // UUID, also in the answer and the logs

  // The first header of that name (ASCII case ignored), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

// Produces a response body piece by piece. Called by one thread at a time.
class BodySource {
 public:
  enum class Status : std::uint8_t {
    ok,           // `bytes` were written; 0 < bytes <= out.size()
    would_block,  // nothing written; call again with may_block on a thread that may
    wait,         // nothing written; call again after `wait`
    failed,       // the rest cannot be produced: the connection is aborted, never completed
  };
  struct Pull {
    Status status = Status::failed;
    std::size_t bytes = 0;
    milliseconds wait{0};
  };
  virtual ~BodySource() = default;
  virtual std::uint64_t size() const = 0;  // of the whole body
  virtual Pull pull(std::span<char> out, bool may_block) = 0;
  // Why it failed, as one word of a fixed set.
  virtual std::string_view failure() const { return "body_failed"; }
};

// What the log holds of a request beside its answer: whose it was, and why it was refused. Never
// sent to the client.
struct Note {
  std::string account;      // empty: of nobody who is known
  std::string token;        // the id of the personal access token behind it
  std::string_view reason;  // one word of a fixed set; empty: it was not refused
  std::string detail;       // the sentence that the client got
};

class Response {
 public:
  explicit Response(int status = 200) : status_(status) {}
  // `value` must not hold CR, LF or NUL (checked: the header is dropped and the fault logged).
  Response& set(std::string_view name, std::string_view value) &;
  Response& body(std::string bytes, std::string_view content_type) &;
  Response& stream(std::unique_ptr<BodySource> source) &;
  // Content-Length of the body that a GET would have had; for HEAD and 304.
  Response& length_only(std::uint64_t length) &;
  Response& close_connection() &;
  // The same on a temporary, so that `return Response(404).body(…)` moves.
  Response&& set(std::string_view name, std::string_view value) && {
    return std::move(set(name, value));
  }
  Response&& body(std::string bytes, std::string_view content_type) && {
    return std::move(body(std::move(bytes), content_type));
  }
  Response&& stream(std::unique_ptr<BodySource> source) && {
    return std::move(stream(std::move(source)));
  }
  Response&& length_only(std::uint64_t length) && { return std::move(length_only(length)); }
  Response&& close_connection() && { return std::move(close_connection()); }

  int status() const { return status_; }
  const std::string& head_lines() const { return head_; }  // "Name: value\r\n" each
  const std::string& body_bytes() const { return body_; }
  BodySource* source() const { return source_.get(); }
  std::optional<std::uint64_t> declared_length() const { return length_; }
  bool closes() const { return close_; }
  Note& note() { return note_; }
  const Note& note() const { return note_; }

 private:
  int status_;
  std::string head_;
  std::string body_;
  std::unique_ptr<BodySource> source_;
  std::optional<std::uint64_t> length_;
  bool close_ = false;
  Note note_;
};

std::string_view reason_phrase(int status);

// One `name=value` of a query string, decoded: percent-encoding always, '+' as a space if `plus`.
struct QueryParameter {
  std::string name;
  std::string value;
  bool has_value = true;  // false: no '=' (S3's `?location`)
};
// nullopt: a broken percent-encoding. An empty piece between two '&' is dropped.
std::optional<std::vector<QueryParameter>> parse_query(std::string_view query, bool plus = true);

}  // namespace valetkey::http
