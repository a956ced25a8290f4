// SPDX-License-Identifier: Apache-2.0
// Signed requests to S3, path style, with the body's own hash in the signature always. Thread-safe;
// every call blocks for the time of one request.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/fetch.h"
#include "sigv4/sign.h"

namespace valetkey::aws {

struct S3Request {
  std::string method = "GET";
  std::string bucket;
  std::string key{};    // decoded; empty: the bucket itself
  std::string query{};  // as on the wire, without '?'
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string_view body{};  // of PUT and POST; lives until the answer is there
  std::string md5{};        // of the body, as in Content-MD5; empty: computed from the body
};

// The value of Content-MD5.
std::string md5_text(std::string_view body);

class S3 {
 public:
  // `endpoint` is scheme://host[:port]; `invalid` otherwise.
  static Result<S3> at(http::Fetcher& network, const std::string& endpoint, std::string region);

  // Whatever the engine answers; an error is of the network.
  Result<http::ClientResponse> send(const S3Request& request, const sigv4::SigningCredentials& own,
                                    Timestamp now) const;
  // The same, of a body that is read as it comes.
  Result<std::unique_ptr<http::Download>> open(const S3Request& request,
                                               const sigv4::SigningCredentials& own,
                                               Timestamp now) const;
  const std::string& name() const { return name_; }  // scheme://host[:port], for people

 private:
  S3(http::Fetcher& network, http::Url url, std::string region);
  http::ClientRequest signed_request(const S3Request& request, const sigv4::SigningCredentials& own,
                                     Timestamp now) const;

  http::Fetcher* network_;
  http::Url url_;
  std::string name_, region_;
};

// What a refusal of S3 means, in one sentence; the bucket's region is named where it is another.
std::string explain_s3(const http::ClientResponse& answer, const std::string& endpoint,
                       const std::string& bucket);

}  // namespace valetkey::aws
