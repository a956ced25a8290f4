// SPDX-License-Identifier: Apache-2.0
// Bodies of the Event API as today's SDKs send them: ten events, each with a visitor of its own;
// decisions and conversions in turn. Everything that differs from body to body has a fixed width,
// so a body is made by writing over the former one.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace valetkey::bench {

class SdkBody {
 public:
  static constexpr std::size_t kEvents = 10;

  // `salt` makes the uuids of one run different from another's. Bodies go round `accounts`, from 1
  // to 9 of them, and the events of each round its `partitions`: half experiments, half event
  // names.
  SdkBody(std::uint64_t salt, std::uint64_t partitions, std::int64_t timestamp_ms,
          std::uint64_t accounts = 1)
      : salt_(salt), half_(partitions / 2), accounts_(accounts) {
    text_ =
        R"({"account_id":"1","anonymize_ip":true,"client_name":"javascript-sdk","client_version":"5.3.4","project_id":"18876510","revision":"421","enrich_decisions":true,"visitors":[)";
    for (std::size_t i = 0; i < kEvents; ++i) add_visitor(i, timestamp_ms);
    text_ += "]}";
  }

  // The body of events [first, first + kEvents). Valid until the next call.
  std::string_view fill(std::uint64_t first) {
    text_[15] = static_cast<char>('1' + first / kEvents % accounts_);
    for (std::size_t i = 0; i < kEvents; ++i) {
      const auto n = first + i;
      put_uuid(n, uuids_[i]);
      put_decimal(n, kDigits, visitors_[i]);
      put_decimal((first / kEvents / accounts_ * (kEvents / 2) + i / 2) % half_, kDigits,
                  names_[i]);
    }
    return text_;
  }
  std::string_view text() const { return text_; }

 private:
  static constexpr std::size_t kDigits = 10;

  // The place of `width` characters that are written later.
  std::size_t hole(std::size_t width) {
    text_.append(width, '0');
    return text_.size() - width;
  }
  void add_visitor(std::size_t i, std::int64_t timestamp_ms) {
    if (i > 0) text_ += ',';
    text_ += R"({"visitor_id":"user_)";
    visitors_[i] = hole(kDigits);
    text_ +=
        R"(","attributes":[{"entity_id":"19627","key":"plan","type":"custom","value":"gold"},{"entity_id":"$opt_bot_filtering","key":"$opt_bot_filtering","type":"custom","value":true}],"snapshots":[{)";
    if (i % 2 == 0) {
      text_ += R"("decisions":[{"campaign_id":"18774763","experiment_id":")";
      names_[i] = hole(kDigits);
      text_ +=
          R"(","variation_id":"18822331","metadata":{"flag_key":"checkout","rule_key":"rule","rule_type":"experiment","variation_key":"on","enabled":true}}],"events":[{"entity_id":"18774763","key":"campaign_activated","type":"campaign_activated",)";
    } else {
      text_ += R"("events":[{"entity_id":"18829931","key":"event_)";
      names_[i] = hole(kDigits);
      text_ +=
          R"(","type":"custom","revenue":4200,"value":1.5,"tags":{"revenue":4200,"category":"shoes"},)";
    }
    text_ += fmt::format(R"("timestamp":{},"uuid":")", timestamp_ms);
    uuids_[i] = hole(36);
    text_ += R"("}]}]})";
  }
  void put_decimal(std::uint64_t n, std::size_t width, std::size_t at) {
    for (std::size_t i = width; i-- > 0; n /= 10) text_[at + i] = static_cast<char>('0' + n % 10);
  }
  // Another for each n (the steps can be undone), and not in order.
  std::uint64_t scattered(std::uint64_t n) const {
    n += salt_;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
  }
  void put_uuid(std::uint64_t n, std::size_t at) {
    const auto high = scattered(n), low = scattered(n ^ ~salt_);
    for (std::size_t i = 0, nibble = 0; i < 36; ++i) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        text_[at + i] = '-';
        continue;
      }
      const auto half = nibble < 16 ? high >> (60 - 4 * nibble) : low >> (60 - 4 * (nibble - 16));
      text_[at + i] = "0123456789abcdef"[half & 15];
      ++nibble;
    }
  }

  std::uint64_t salt_, half_, accounts_;
  std::string text_;
  std::array<std::size_t, kEvents> uuids_{}, visitors_{}, names_{};
};

}  // namespace valetkey::bench
