// SPDX-License-Identifier: Apache-2.0
// For tests: a server that is as strict as its documentation. What it does not know is answered 404,
// and every request is kept.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aws/source.h"
#include "base/text.h"
#include "http/testing/whole_fetcher.h"

namespace valetkey::aws::testing {

class ScriptFetcher final : public http::testing::WholeFetcher {
 public:
  using Script = std::function<Result<http::ClientResponse>(const http::ClientRequest&)>;
  explicit ScriptFetcher(Script script) : script_(std::move(script)) {}
  Result<http::ClientResponse> fetch(http::ClientRequest request) override {
    asked.push_back(request);
    return script_(request);
  }
  std::vector<http::ClientRequest> asked;

 private:
  Script script_;
};

inline http::ClientResponse answer(int status, std::string body = {}) {
  http::ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

inline std::string header(const http::ClientRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

inline std::string url_of(const http::ClientRequest& request) {
  return request.url.scheme + "://" + request.url.authority() + request.url.target;
}

// Nobody is there.
inline ScriptFetcher silence() {
  return ScriptFetcher([](const http::ClientRequest& request) {
    return fail(ErrorCode::unavailable, request.url.authority() + ": no answer in time");
  });
}

class Variables {
 public:
  Variables(std::initializer_list<std::pair<const std::string, std::string>> set) : set_(set) {}
  std::string& operator[](const std::string& name) { return set_[name]; }
  Environment environment() const {
    return [set = set_](const char* name) {
      const auto found = set.find(name);
      return found == set.end() ? nullptr : found->second.c_str();
    };
  }

 private:
  std::map<std::string, std::string> set_;
};

inline std::string session_xml(const std::string& action, const std::string& id,
                               const std::string& expires, const std::string& token = "session") {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn>"
         "<AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>" +
         id + "</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>" + token +
         "</SessionToken><Expiration>" + expires +
         "</Expiration></Credentials><PackedPolicySize>6</PackedPolicySize></" + action +
         "Result><ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></" + action +
         "Response>";
}

}  // namespace valetkey::aws::testing
