// SPDX-License-Identifier: Apache-2.0
#include "bucket/calls.h"

#include "client/listing.h"
#include "client/pause.h"

namespace valetkey::bucket {
namespace {

constexpr milliseconds kLongestPause{5'000};

ErrorCode code_of(const http::ClientResponse& answer) {
  switch (answer.status) {
    case 404:
      return ErrorCode::not_found;
    case 401:
    case 403:
      return ErrorCode::denied;
    case 412:
      return ErrorCode::already_exists;
    default:
      return answer.status / 100 == 5 ? ErrorCode::unavailable : ErrorCode::io;
  }
}

bool own_keys_ended(const http::ClientResponse& answer) {
  const std::string code = client::parse_fault(answer.body).code;
  return answer.status / 100 == 4 &&
         (code == "ExpiredToken" || code == "InvalidAccessKeyId" || code == "TokenRefreshRequired");
}

bool passes(const http::ClientResponse& answer) {
  if (answer.status / 100 == 5 || answer.status == 429) return true;
  const std::string code = client::parse_fault(answer.body).code;
  return answer.status / 100 == 4 && (code == "SlowDown" || code == "RequestTimeout");
}

}  // namespace

Result<http::ClientResponse> Calls::send(const aws::S3Request& request) const {
  for (unsigned attempt = 0;; ++attempt) {
    const Timestamp now = clock_.now();
    const bool last = attempt + 1 == kAttempts;
    VALETKEY_TRY(const auto own, keys_.get(now));
    auto answer = s3_.send(request, own->keys, now);
    if (answer && own_keys_ended(*answer)) {
      keys_.forget(own, now);
      if (last) return answer;
    } else if (answer ? !passes(*answer) : answer.error().code != ErrorCode::unavailable) {
      return answer;
    }
    if (last) return answer;
    std::this_thread::sleep_for(client::backoff(attempt, first_pause_, kLongestPause));
  }
}

Result<http::ClientResponse> Calls::expect(const aws::S3Request& request) const {
  VALETKEY_TRY(auto answer, send(request));
  if (answer.status / 100 == 2) return answer;
  const bool missing = answer.status == 404 && !request.key.empty() &&
                       client::parse_fault(answer.body).code != "NoSuchBucket";
  if (missing) return fail(ErrorCode::not_found, "there is no object " + request.key);
  return fail(code_of(answer), aws::explain_s3(answer, s3_.name(), request.bucket));
}

}  // namespace valetkey::bucket
