// SPDX-License-Identifier: Apache-2.0
// For tests: a service that exchanges any token and serves objects from a map, and misbehaves as
// told; and a loop to run the client's coroutines on.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/testing/manual_clock.h"
#include "client/export.h"
#include "http/server.h"

namespace valetkey::client {

class FakeService final : public http::Handler {
 public:
  std::map<std::string, std::string> objects;  // by relative name
  std::deque<int> exchange_faults;             // statuses of the next exchanges; 200 is well
  // Of the next reads: an error code, "drop", "huge" (a length not asked for) or "" (well).
  std::deque<std::string> read_faults;
  milliseconds life{std::chrono::hours(1)};
  const Clock* clock = nullptr;
  ManualSteadyClock* steady = nullptr;  // advanced by `takes` with each exchange; null: none is
  milliseconds takes{0};
  std::string token_expires;  // as the header says it; empty: no such header
  std::string more;           // members of the exchange's answer, each with its comma in front
  std::vector<std::string> asked{};  // prefixes of listings; such as do not begin so are denied:
  std::vector<std::string> allowed{"v1/account_id=1/"};
  std::string endpoint;
  bool gives_an_hour = true;
  int exchanges = 0, reads = 0;
  std::string user_agent;  // of the last exchange
  std::vector<std::string> ranges;
  std::map<std::string, std::string> checksums;  // what is said of an object read as a whole
  std::map<std::string, std::string> etags;      // else the content's MD5

  std::size_t max_body_bytes(const http::Request&) const override { return 0; }
  http::Response refuse(int status, const http::Request&) const override {
    return http::Response(status);
  }
  http::Task<http::Response> handle(const http::Request& request) override {
    if (request.path == "/v2/export/credentials") co_return exchange(request);
    if (!request.query.empty()) co_return list(request);
    co_return read(request);
  }

 private:
  static std::optional<int> next(std::deque<int>& from) {
    if (from.empty()) return std::nullopt;
    const int first = from.front();
    from.pop_front();
    return first;
  }
  http::Response exchange(const http::Request& request) {
    ++exchanges;
    if (steady != nullptr) steady->advance(takes);
    user_agent = request.header("user-agent").value_or("");
    int status = next(exchange_faults).value_or(200);
    if (!gives_an_hour && !request.query.empty()) status = 400;
    if (status != 200)
      return http::Response(status).body(R"({"code":"c","message":"told to"})", "application/json");
    http::Response answer;
    if (!token_expires.empty()) answer.set("X-Valetkey-Token-Expires", token_expires);
    return std::move(answer.body(R"({"credentials":{"accessKeyId":"ASIA)" +
                                     std::to_string(exchanges) +
                                     R"(","secretAccessKey":"s","sessionToken":"t","expiration":)" +
                                     std::to_string(epoch_ms(clock->now() + life)) +
                                     R"(},"s3Path":"s3://bucket/v1/account_id=1/","endpoint":")" +
                                     endpoint + R"(","region":"us-east-1")" + more + "}",
                                 "application/json"));
  }
  static http::Response fault(int status, const std::string& code) {
    return http::Response(status).body(
        "<Error><Code>" + code + "</Code><Message>m</Message></Error>", "application/xml");
  }
  http::Response list(const http::Request& request);
  http::Response read(const http::Request& request);
};

// The body ends after `sent` bytes, whatever was announced.
class CutSource final : public http::BodySource {
 public:
  CutSource(std::string bytes, std::size_t sent) : bytes_(std::move(bytes)), sent_(sent) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Pull pull(std::span<char> out, bool) override {
    const std::size_t n = std::min(out.size(), sent_ - at_);
    if (n == 0) return {};
    std::copy_n(bytes_.data() + at_, n, out.data());
    at_ += n;
    return {Status::ok, n, {}};
  }

 private:
  std::string bytes_;
  std::size_t sent_, at_ = 0;
};

inline std::string md5_hex(std::string_view bytes) {
  Md5 md5;
  md5.update(bytes);
  const auto digest = md5.finish();
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

inline http::Response FakeService::list(const http::Request& request) {
  std::string prefix, token;
  const auto query = http::parse_query(request.query).value();
  for (const auto& [name, value, has] : query) {
    if (name == "prefix") prefix = value;
    if (name == "continuation-token") token = value;
  }
  asked.push_back(prefix);
  if (std::ranges::none_of(allowed, [&](const auto& each) { return prefix.starts_with(each); }))
    return fault(403, "AccessDenied");
  const std::string base = "v1/account_id=1/";
  std::string xml = "<ListBucketResult><EncodingType>url</EncodingType>";
  int count = 0;
  for (const auto& [name, bytes] : objects) {
    if (!(base + name).starts_with(prefix) || name <= token) continue;
    if (++count > 2) {  // small pages
      xml += "<IsTruncated>true</IsTruncated>";
      break;
    }
    xml.append("<Contents><Key>").append(percent_encode(base + name, true));
    xml.append("</Key><ETag>&quot;").append(md5_hex(bytes));
    xml.append("&quot;</ETag><Size>").append(std::to_string(bytes.size()));
    xml.append("</Size></Contents><NextContinuationToken>").append(name);
    xml.append("</NextContinuationToken>");
  }
  // Only the last of the continuation tokens counts, so keep that one alone.
  const std::string open = "<NextContinuationToken>", close = "</NextContinuationToken>";
  for (std::size_t first = xml.find(open); first != xml.rfind(open); first = xml.find(open))
    xml.erase(first, xml.find(close) + close.size() - first);
  return http::Response().body(xml + "</ListBucketResult>", "application/xml");
}

inline http::Response FakeService::read(const http::Request& request) {
  ++reads;
  const std::string range(request.header("range").value_or(""));
  ranges.push_back(range);
  std::string how;
  if (!read_faults.empty()) {
    how = read_faults.front();
    read_faults.pop_front();
  }
  if (how == "ExpiredToken") return fault(400, how);
  if (!how.empty() && how != "drop" && how != "huge")
    return fault(how == "AccessDenied" ? 403 : 503, how);
  const std::string base = "/bucket/v1/account_id=1/";
  const auto found = objects.find(percent_decode(request.path).value().substr(base.size()));
  if (found == objects.end()) return fault(404, "NoSuchKey");
  const auto etag = etags.find(found->first);
  const std::string tag =
      "\"" + (etag != etags.end() ? etag->second : md5_hex(found->second)) + "\"";
  if (request.header("if-match").value_or(tag) != tag) return fault(412, "PreconditionFailed");
  std::string bytes = found->second;
  http::Response answer(range.empty() ? 200 : 206);
  if (!range.empty()) {
    const auto dash = range.find('-');
    const std::size_t from = std::stoul(range.substr(6, dash - 6));
    if (from >= bytes.size()) return fault(416, "InvalidRange");
    bytes = bytes.substr(from, std::stoul(range.substr(dash + 1)) - from + 1);
  }
  answer.set("ETag", tag);
  if (how == "huge") bytes.resize(1'000'000);
  const auto checksum = checksums.find(found->first);
  if (checksum != checksums.end() && request.header("x-amz-checksum-mode"))
    answer.set("x-amz-checksum-crc32", checksum->second);
  const std::size_t sent = how == "drop" ? bytes.size() / 2 : bytes.size();
  if (bytes.empty()) return std::move(answer.body("", "binary/octet-stream"));
  return std::move(answer.stream(std::make_unique<CutSource>(bytes, sent)));
}

class SilentObserver final : public http::Observer {
 public:
  void connections(std::string_view, int) override {}
  void finished(const http::Finished&) override {}
};

struct World {
  World() {
    service.clock = &clock;
    listener =
        http::Listener::open(
            runtime, {.name = "t", .address = "127.0.0.1:0", .limits = {}, .trusted_proxies = {}},
            service, observer, system, nullptr)
            .value();
    service.endpoint = "http://127.0.0.1:" + std::to_string(listener->port());
    runtime.start();
  }
  SessionOptions session_options() const {
    SessionOptions options;
    options.api = service.endpoint;
    options.token = Secret("token");
    options.patience = milliseconds(2000);
    options.first_pause = milliseconds(1);
    options.longest_pause = milliseconds(2);
    return options;
  }
  // Runs one coroutine to its end.
  template <class T>
  T run(http::Task<T> task) {
    std::optional<T> result;
    loop.restart();
    http::asio::co_spawn(loop, std::move(task), [&](const std::exception_ptr& broken, T value) {
      if (!broken) result.emplace(std::move(value));
      loop.stop();  // idle connections would keep it running
    });
    loop.run_for(seconds(10));
    return std::move(result.value());
  }

  SystemClock system;
  ManualClock clock{SystemClock().now()};
  SilentObserver observer;
  FakeService service;
  http::Runtime runtime{1, 1};
  std::unique_ptr<http::Listener> listener;
  http::asio::io_context loop{1};
  http::Client client{loop};
};

}  // namespace valetkey::client
