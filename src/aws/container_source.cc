// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "aws/internal/credentials_json.h"
#include "aws/internal/variables.h"

namespace valetkey::aws {
namespace {

constexpr std::string_view kEcs = "http://169.254.170.2";
constexpr std::array<std::string_view, 3> kServers{"169.254.170.2", "169.254.170.23",
                                                   "fd00:ec2::23"};

// A variable that somebody set must not make the server send its token to a stranger in the clear.
bool is_trusted(const http::Url& url) {
  if (url.scheme == "https" || url.host == "localhost") return true;
  if (std::ranges::find(kServers, url.host) != kServers.end()) return true;
  const auto address = http::Address::parse(url.host);
  return address && address->is_loopback();
}

Result<std::string> authorization(const Environment& env) {
  const std::string file = variable(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) return read_token_file(file);
  return variable(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

}  // namespace

Found from_container(const Surroundings& around, Timestamp) {
  const std::string relative = variable(around.env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = variable(around.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  if (!relative.empty() && !relative.starts_with('/'))
    return fail(ErrorCode::invalid, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
  auto url = http::Url::parse(relative.empty() ? full : std::string(kEcs) + relative);
  if (!url) return fail(ErrorCode::invalid, "the URL of the container's credentials is broken");
  if (!is_trusted(*url))
    return fail(ErrorCode::denied,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or a server of this machine");
  http::ClientRequest request;
  request.url = *std::move(url);
  VALETKEY_TRY(const auto token, authorization(around.env));
  if (!token.empty()) request.headers.emplace_back("Authorization", token);
  request.headers.emplace_back("Accept", "application/json");
  const std::string name = request.url.authority();
  auto answer = around.metadata.fetch(std::move(request));
  if (!answer) return fail(ErrorCode::unavailable, answer.error().detail);
  if (answer->status != 200)
    return fail(ErrorCode::unavailable, name + " answers " + std::to_string(answer->status) +
                                            " and no credentials of this container");
  auto keys = parse_keys(answer->body, KeysForm::endpoint);
  wipe(answer->body);
  if (!keys) return fail(ErrorCode::unavailable, name + ": " + keys.error().detail);
  keys->from = "the credentials endpoint of this container";
  return *std::move(keys);
}

}  // namespace valetkey::aws
