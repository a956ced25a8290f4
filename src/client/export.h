// SPDX-License-Identifier: Apache-2.0
// Reads one account's export: lists it and reads its objects, signed, with retries. Names are
// relative to the account's folder: "type=events/date=2026-03-10/_SUCCESS". Belongs to one loop.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/listing.h"
#include "client/session.h"

namespace valetkey::client {

struct ListQuery {
  std::string prefix;  // relative; empty: everything
  std::string delimiter;
  std::string start_after;  // relative; empty: from the beginning
  unsigned max_keys = 1000;
};

// Which bytes of which version of an object.
struct ReadQuery {
  std::string name;
  std::string etag;  // as listed; empty: whichever there is
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // one past the last byte
  bool whole = true;      // [begin, end) is all of it
};

// What is known of bytes that were read.
struct ReadFacts {
  // The ETag may be the content's MD5: not so under SSE-KMS and SSE-C, whatever it looks like.
  bool etag_may_be_md5 = true;
  // CRC-32 of the whole object, where the endpoint says it: many do of an object read as a whole.
  std::optional<std::uint32_t> crc32;
};

// Reads `x-amz-checksum-crc32`; nothing for one of parts, or for no CRC-32.
std::optional<std::uint32_t> parse_checksum(std::string_view text);

struct Probe {
  int status = 0;
  S3Fault fault;
};

using Sink = std::function<Result<void>(std::string_view)>;

struct RetryOptions {
  // How long a failing endpoint is asked again without progress.
  milliseconds patience{std::chrono::minutes(15)};
  milliseconds first_pause{100};
  milliseconds longest_pause{10'000};
  StallMonitor* monitor = nullptr;  // outlives the export; null: waits are not reported
};

class Export {
 public:
  Export(http::asio::io_context& loop, http::Client& http, Session& session, const Clock& clock,
         RetryOptions retry = {});

  // The first page that holds anything; its keys and prefixes are relative, and begin with
  // query.prefix. Of what a limited token does not open nothing is there.
  http::Task<Result<ListingPage>> first_page(ListQuery query);
  // All pages.
  http::Task<Result<ListingPage>> list(ListQuery query);

  // Gives the bytes to `sink` in order, each once, however often the connection drops. `not_found`:
  // there is no such object; `busy`: it was replaced meanwhile, list again; `corrupt`: it is
  // shorter or longer than said.
  http::Task<Result<ReadFacts>> read(ReadQuery query, Sink sink);

  // The same facts without the bytes: one attempt, nothing where it fails.
  http::Task<std::optional<ReadFacts>> look(std::string name, std::string etag);

  // One signed request for `path` below the bucket, whatever the answer; to see what is refused.
  http::Task<Result<Probe>> probe(std::string method, std::string path, std::string query);

  void set_patience(milliseconds patience) { retry_.patience = patience; }
  http::asio::io_context& loop() { return loop_; }

 private:
  struct Wanted {
    std::string method = "GET";
    std::string path, query;  // on the wire
    std::vector<std::pair<std::string, std::string>> headers;
  };
  // A listing that the credentials allow, and what stands for its names: a folder that holds them,
  // as the delimiter of a wider listing has it. Empty: they themselves.
  struct Allowed {
    ListQuery query;
    std::string folder;
  };
  static std::vector<Allowed> allowed_of(const ListQuery& query, const Grant& grant);
  // `continuation`: of the page before.
  http::Task<Result<ListingPage>> list_page(ListQuery query, std::string continuation = {});
  http::Task<Result<ListingPage>> list_all(ListQuery query);
  // One signed request, repeated once with new credentials where they are called expired.
  http::Task<Result<http::ClientResponse>> send(
      Wanted wanted, const Sink& sink,
      std::function<Result<void>(std::uint64_t)> announced = nullptr);
  Result<http::ClientRequest> sign(const Wanted& wanted, const Grant& grant) const;
  http::Task<Result<http::ClientResponse>> read_once(const ReadQuery& query, std::uint64_t from,
                                                     std::string& version, const Sink& sink,
                                                     bool& misfit);
  // Attempts in a row without progress.
  struct Failures {
    unsigned count = 0;
    std::chrono::steady_clock::time_point give_up{};  // set by the first
  };
  // Waits before the next attempt; false: no more attempts. `code`: what `why` counts as.
  http::Task<bool> may_retry(Failures& failures, ErrorCode code, Error why);
  void moved() const {
    if (retry_.monitor) retry_.monitor->moved();
  }

  http::asio::io_context& loop_;
  http::Client& http_;
  Session& session_;
  const Clock& clock_;
  RetryOptions retry_;
};

}  // namespace valetkey::client
