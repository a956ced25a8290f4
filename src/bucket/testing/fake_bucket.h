// SPDX-License-Identifier: Apache-2.0
// For tests: two buckets in memory behind S3's wire, as strict as its documentation where this module
// relies on it: bodies must be what Content-MD5 and the signature's hash say.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "aws/testing/script_fetcher.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/testing/manual_clock.h"
#include "bucket/internal/s3_store.h"

namespace valetkey::bucket::testing {

class FakeBucket final : public http::testing::WholeFetcher {
 public:
  struct Object {
    std::string content, etag;
    std::map<std::string, std::string> metadata;  // names in lower case
  };
  // What a fault does with the n-th request: an answer in place of the real one, or, after it was
  // carried out, a connection that drops.
  enum class Fault : std::uint8_t { none, slow_down, internal, drop_before, drop_after };

  explicit FakeBucket(Timestamp now) : modified_(format_http_date(now)) {}
  Result<http::ClientResponse> fetch(http::ClientRequest request) override;

  void fail_next(Fault fault, int count = 1) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    failing_ = count;
  }
  // Of bodies that are read as they come: the next `count` break off after so many bytes.
  void cut_next(std::size_t bytes, int count = 1) {
    const std::lock_guard lock(mutex_);
    cut_at_ = bytes;
    cutting_ = count;
  }
  Result<std::unique_ptr<http::Download>> open(http::ClientRequest request) override;
  std::vector<std::string> ranges;        // as asked for by GET
  std::map<std::string, Object> objects;  // "<bucket>/<key>"
  std::map<std::string, std::map<int, std::string>> uploads;
  std::atomic<int> requests = 0;

 private:
  using Answer = http::ClientResponse;
  Answer carry_out(const http::ClientRequest& request);
  Answer bucket_call(const http::ClientRequest& request, const std::string& bucket,
                     const std::vector<http::QueryParameter>& query);
  Answer object_call(const http::ClientRequest& request, const std::string& name,
                     const std::vector<http::QueryParameter>& query);
  Answer read(const http::ClientRequest& request, const std::string& name, bool head);
  Answer put(const std::string& name, std::string content, const http::ClientRequest& request,
             const std::string& etag = {});
  Answer complete(const std::string& name, const std::string& id,
                  const http::ClientRequest& request);
  Answer list(const std::string& bucket, const std::vector<http::QueryParameter>& query);
  Answer remove_many(const std::string& bucket, const std::string& document);

  std::mutex mutex_;
  const std::string modified_;
  Fault fault_ = Fault::none;
  int failing_ = 0;
  std::size_t cut_at_ = 0;
  int cutting_ = 0;
  int last_upload_ = 0;
};

// A store over it.
struct Bench {
  explicit Bench(Timestamp now, StoreOptions options = {.bucket = "lake",
                                                        .internal_bucket = "inside",
                                                        .part_bytes = 100'000})
      : fake(now), clock(now), store(std::move(options), calls) {}
  FakeBucket fake;
  ManualClock clock;
  aws::S3 s3 = aws::S3::at(fake, "https://s3.example.org", "us-east-1").value();
  aws::KeptKeys keys{[](Timestamp) -> Result<aws::OwnKeys> {
    return aws::OwnKeys{{"AKIA", Secret("s"), std::nullopt}, std::nullopt, "a test"};
  }};
  Calls calls{s3, keys, clock, milliseconds(1)};
  S3Store store;
};

}  // namespace valetkey::bucket::testing
