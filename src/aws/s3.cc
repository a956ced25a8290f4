// SPDX-License-Identifier: Apache-2.0
#include "aws/s3.h"

#include "aws/sts_answer.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::aws {
namespace {

std::string path_of(const S3Request& request) {
  std::string path = "/" + request.bucket;
  if (!request.key.empty()) path += "/" + percent_encode(request.key, true);
  return path;
}

}  // namespace

std::string md5_text(std::string_view body) {
  Md5 md5;
  md5.update(body);
  const auto digest = md5.finish();
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

S3::S3(http::Fetcher& network, http::Url url, std::string region)
    : network_(&network),
      url_(std::move(url)),
      name_(url_.scheme + "://" + url_.authority()),
      region_(std::move(region)) {}

Result<S3> S3::at(http::Fetcher& network, const std::string& endpoint, std::string region) {
  auto url = http::Url::parse(endpoint);
  if (!url || url->target != "/")
    return fail(ErrorCode::invalid,
                "the endpoint of S3 must be a URL without a path, such as "
                "https://s3.eu-central-1.amazonaws.com");
  return S3(network, *std::move(url), std::move(region));
}

Result<http::ClientResponse> S3::send(const S3Request& request,
                                      const sigv4::SigningCredentials& own, Timestamp now) const {
  return network_->fetch(signed_request(request, own, now));
}

Result<std::unique_ptr<http::Download>> S3::open(const S3Request& request,
                                                 const sigv4::SigningCredentials& own,
                                                 Timestamp now) const {
  return network_->open(signed_request(request, own, now));
}

http::ClientRequest S3::signed_request(const S3Request& request,
                                       const sigv4::SigningCredentials& own, Timestamp now) const {
  http::ClientRequest out;
  out.method = request.method;
  out.url = url_;
  const std::string path = path_of(request);
  out.url.target = request.query.empty() ? path : path + "?" + request.query;
  out.headers = request.headers;
  out.headers.emplace_back("Host", url_.authority());
  if (request.method == "PUT" || request.method == "POST")
    out.headers.emplace_back("Content-MD5",
                             request.md5.empty() ? md5_text(request.body) : request.md5);
  sigv4::ToSign signing;
  signing.method = request.method;
  signing.path = path;
  signing.query = request.query;
  signing.headers = out.headers;
  signing.payload_hash = sha256_hex(request.body);
  signing.region = region_;
  for (auto& header : sigv4::sign_headers(signing, own, now))
    out.headers.push_back(std::move(header));
  out.lent = request.body;
  return out;
}

std::string explain_s3(const http::ClientResponse& answer, const std::string& endpoint,
                       const std::string& bucket) {
  const StsRefusal refusal = parse_refusal(answer.body);
  const std::string* region = answer.header("x-amz-bucket-region");
  if (answer.status / 100 == 3 || refusal.code == "AuthorizationHeaderMalformed")
    return "the bucket " + bucket + " is in " +
           (region ? "the region " + *region : std::string("another region")) +
           ": set [s3] region and public_endpoint to it";
  if (answer.status == 404) return endpoint + " has no bucket " + bucket;
  if (answer.status / 100 == 5)
    return endpoint + " answers " + std::to_string(answer.status) + ": ask again";
  if (refusal.code == "RequestTimeTooSkewed")
    return endpoint + " finds the clock of this machine wrong: set it";
  if (refusal.code.empty() && answer.status != 403)
    return endpoint + " answers " + std::to_string(answer.status) +
           " and no document of S3: set [s3] public_endpoint to an S3 endpoint";
  return endpoint + " answers " + std::to_string(answer.status) + " " + refusal.code;
}

}  // namespace valetkey::aws
