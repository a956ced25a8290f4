// SPDX-License-Identifier: Apache-2.0
// For tests: keys of an identity provider, and tokens that they sign.
#pragma once

#include <cjose/cjose.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

namespace valetkey::oidc::testing {

class Signer {
 public:
  explicit Signer(const std::string& algorithm, std::string id = "first", int bits = 2048)
      : algorithm_(algorithm), id_(std::move(id)) {
    static const std::uint8_t exponent[] = {1, 0, 1};
    key_ = algorithm == "ES256"
               ? cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, nullptr)
               : cjose_jwk_create_RSA_random(bits, exponent, sizeof exponent, nullptr);
  }
  ~Signer() { cjose_jwk_release(key_); }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  boost::json::object jwk() const {
    char* text = cjose_jwk_to_json(key_, false, nullptr);
    auto key = boost::json::parse(text).as_object();
    cjose_get_dealloc()(text);
    key["kid"] = id_;
    key["use"] = "sig";
    return key;
  }

  std::string sign(const boost::json::object& claims) const {
    const std::string text = boost::json::serialize(claims);
    cjose_header_t* header = cjose_header_new(nullptr);
    cjose_header_set(header, "alg", algorithm_.c_str(), nullptr);
    if (!id_.empty()) cjose_header_set(header, "kid", id_.c_str(), nullptr);
    cjose_jws_t* jws = cjose_jws_sign(
        key_, header, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr);
    const char* compact = nullptr;
    cjose_jws_export(jws, &compact, nullptr);
    std::string token(compact);
    cjose_jws_release(jws);
    cjose_header_release(header);
    return token;
  }

 private:
  std::string algorithm_, id_;
  cjose_jwk_t* key_ = nullptr;
};

inline std::string jwks(std::initializer_list<boost::json::value> keys) {
  return boost::json::serialize(
      boost::json::object{{"keys", boost::json::array(keys.begin(), keys.end())}});
}

inline boost::json::object good_claims(std::int64_t now) {
  return {{"iss", "https://accounts.example"},
          {"aud", "valetkey"},
          {"sub", "1"},
          {"nonce", "of this request"},
          {"iat", now},
          {"exp", now + 600},
          {"email", "ann@example.com"},
          {"email_verified", true}};
}

}  // namespace valetkey::oidc::testing
