// SPDX-License-Identifier: Apache-2.0
#include "bucket/internal/calls.h"

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
  if (answer.status / 100 != 4) return false;
  const std::string code = client::parse_fault(answer.body).code;
  return code == "ExpiredToken" || code == "InvalidAccessKeyId" || code == "TokenRefreshRequired";
}

bool passes(const http::ClientResponse& answer) {
  if (answer.status / 100 == 5 || answer.status == 429) return true;
  if (answer.status / 100 != 4) return false;
  const std::string code = client::parse_fault(answer.body).code;
  return code == "SlowDown" || code == "RequestTimeout";
}

const http::ClientResponse& head_of(const http::ClientResponse& answer) { return answer; }
const http::ClientResponse& head_of(const std::unique_ptr<http::Download>& answer) {
  return answer->response();
}

}  // namespace

template <class Answer, class Ask>
Result<Answer> Calls::repeat(Ask ask) const {
  for (unsigned attempt = 0;; ++attempt) {
    const Timestamp now = clock_.now();
    const bool last = attempt + 1 == kAttempts;
    VALETKEY_TRY(const auto own, keys_.get(now));
    Result<Answer> answer = ask(own->keys, now);
    if (answer && own_keys_ended(head_of(*answer))) {
      keys_.forget(own, now);
      if (last) return answer;
    } else if (answer ? !passes(head_of(*answer)) : answer.error().code != ErrorCode::unavailable) {
      return answer;
    }
    if (last) return answer;
    std::this_thread::sleep_for(client::backoff(attempt, first_pause_, kLongestPause));
  }
}

Result<http::ClientResponse> Calls::send(const aws::S3Request& request) const {
  return repeat<http::ClientResponse>(
      [&](const auto& keys, Timestamp now) { return s3_.send(request, keys, now); });
}

Result<http::ClientResponse> Calls::expect(const aws::S3Request& request) const {
  VALETKEY_TRY(auto answer, send(request));
  if (answer.status / 100 == 2) return answer;
  return std::unexpected(refusal(request, answer));
}

Result<std::unique_ptr<http::Download>> Calls::open(const aws::S3Request& request) const {
  VALETKEY_TRY(auto answer,
               repeat<std::unique_ptr<http::Download>>(
                   [&](const auto& keys, Timestamp now) { return s3_.open(request, keys, now); }));
  if (answer->response().status / 100 == 2) return answer;
  return std::unexpected(refusal(request, answer->response()));
}

Error Calls::refusal(const aws::S3Request& request, const http::ClientResponse& answer) const {
  const bool missing = answer.status == 404 && !request.key.empty() &&
                       client::parse_fault(answer.body).code != "NoSuchBucket";
  if (missing) return {ErrorCode::not_found, "there is no object " + request.key};
  return {code_of(answer), aws::explain_s3(answer, s3_.name(), request.bucket)};
}

}  // namespace valetkey::bucket
