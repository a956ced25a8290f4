// SPDX-License-Identifier: Apache-2.0
// One account's export for programs that run no Asio loop: each call blocks until it is done, and
// has credentials that are valid for as long as the job takes. One thread at a time; make a Reader
// for each thread. Names are relative to the account's folder:
// "type=events/date=2026-03-10/event=buy/part-….parquet". docs/guide.md shows a program.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "client/listing.h"
#include "client/profile.h"

namespace valetkey::client {

// For any other S3 client.
struct AwsCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  Timestamp expires;
  std::string bucket;
  std::string prefix;    // ends in '/': every key begins with it
  std::string endpoint;  // scheme://host[:port]; the bucket goes into the path
  std::string region;
};

struct ReaderOptions {
  // How long transient failures are retried.
  std::chrono::milliseconds patience{std::chrono::minutes(15)};
  unsigned connections = 8;  // of one download
};

class Reader {
 public:
  // Sends no request yet. `invalid`: the profile has no token; `denied`: the token would go in the
  // clear. load_profile() makes a profile of the environment and the profile file.
  static Result<std::unique_ptr<Reader>> open(Profile profile, ReaderOptions options = {});
  ~Reader();

  // Valid now; fetched again early, by the smaller of five minutes and a fifth of their life.
  // `denied`: the token is refused; `unavailable`: no answer within `patience`; `io`:
  // nothing is there; `corrupt`: something else than the service answered. All calls below may fail
  // so too.
  Result<AwsCredentials> credentials();

  // All objects whose names begin with `prefix`, in order of their bytes; empty: everything.
  Result<std::vector<ListedObject>> list(const std::string& prefix);

  // Bytes [begin, end) of the listed version. Dropped connections are taken up where they ended.
  // `not_found`: there is no such object; `busy`: it was replaced meanwhile, list again; `invalid`:
  // the range is not in it.
  Result<std::string> read(const ListedObject& object, std::uint64_t begin, std::uint64_t end);

  // Brings it to `path`, a large one over several connections. It appears there when it is whole and
  // right by the CRC-32 that the endpoint states, else by the MD5 that its ETag is; what was spoilt
  // on the way is asked for again (`corrupt`: four times in vain). What was there stays until then.
  Result<void> download(const ListedObject& object, const std::filesystem::path& path);

 private:
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace valetkey::client
