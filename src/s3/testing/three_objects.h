// SPDX-License-Identifier: Apache-2.0
// For tests: the service with an object, a large one and an empty one of account 12, and its session.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "s3/testing/world.h"

namespace valetkey::s3 {

inline constexpr const char* kKey = "v1/account_id=12/type=events/date=2020-09-14/a b+c.parquet";
inline constexpr const char* kLarge = "v1/account_id=12/large";
inline constexpr const char* kEmpty = "v1/account_id=12/empty";
inline const std::string kContent = "0123456789";

inline std::string large_content() {
  std::string text(300'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

class ServiceTest : public testing::Test {
 protected:
  explicit ServiceTest(Options options = World::defaults()) : world_(std::move(options)) {
    const Timestamp modified = world_.clock.now() - std::chrono::hours(24);
    world_.store.put(kKey, kContent, modified);
    world_.store.put(kLarge, large_content(), modified);
    world_.store.put(kEmpty, "", modified);
    world_.store.put("v1/account_id=123/secret", "other", modified);
  }

  Reply object(const char* key, Headers headers = {}, const std::string& query = "",
               const std::string& method = "GET") {
    Ask ask;
    ask.method = method;
    ask.path = world_.path_of(key);
    ask.query = query;
    ask.headers = std::move(headers);
    return world_.send_signed(me_, std::move(ask));
  }

  World world_;
  Tenant me_ = world_.tenant("12");
};

}  // namespace valetkey::s3
