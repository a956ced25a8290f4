// SPDX-License-Identifier: Apache-2.0
// The whole service under arbitrary requests. Input: "METHOD TARGET\n", "Name: value\n"…, "\n",
// body; "@@" in it stands for a valid token, so that what lies behind the authentication is
// reached.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "api/testing/service_fixture.h"
#include "base/encoding.h"
#include "base/log.h"
#include "events/event.h"

namespace {

using namespace valetkey;
using namespace valetkey::api;

// Takes everything and keeps nothing.
class Sink final : public events::EventLog {
 public:
  void append(const events::Route&, std::string records, std::size_t count, Done done) override {
    for (std::size_t at = 0; at < records.size(); --count) {
      events::Event event;
      if (!events::decode_event(records, at, event)) std::abort();
    }
    if (count != 0) std::abort();
    done({});
  }
  unsigned partitions() const override { return 1; }
  Result<std::unique_ptr<events::LogReader>> open(unsigned, events::Offset) override {
    return fail(ErrorCode::not_found, "nothing is kept");
  }
  Result<void> release(unsigned, events::Offset) override { return {}; }
  Result<events::LogStats> stats(unsigned) const override { return events::LogStats{}; }
};

struct Desk {
  Desk() { fixture.use_log(&sink, nullptr); }
  Sink sink;
  ServiceFixture fixture;
  Secret token = fixture.make_token(fixture.user(0), kBoth);
};

Desk& desk() {
  static Desk* const kDesk =
      new Desk;  // lives as long as the process; the folder is the system's to clean
  return *kDesk;
}

std::string_view take(std::string_view& text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + mark.size());
  return taken;
}

http::Method method_of(std::string_view name) {
  constexpr std::pair<std::string_view, http::Method> kNames[] = {
      {"GET", http::Method::get},        {"HEAD", http::Method::head},
      {"PUT", http::Method::put},        {"POST", http::Method::post},
      {"DELETE", http::Method::delete_}, {"OPTIONS", http::Method::options}};
  for (const auto& [known, method] : kNames)
    if (known == name) return method;
  return http::Method::other;
}

Ask parse(std::string_view text) {
  Ask ask;
  ask.method = method_of(take(text, " "));
  ask.target = take(text, "\n");
  while (!text.empty() && text.front() != '\n' && ask.headers.size() < 100) {
    std::string_view line = take(text, "\n");
    const std::string_view name = take(line, ": ");
    ask.headers.emplace_back(name, line);
  }
  take(text, "\n");
  ask.body = text;
  return ask;
}

std::string with_token(std::string_view text, std::string_view token) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find("@@", at)) != std::string::npos; at += token.size())
    out.replace(at, 2, token);
  return out;
}

// A known status; JSON with the error's three fields; a secret only where it belongs, never cached.
void check(const Ask& ask, const Reply& reply) {
  constexpr int kStatuses[] = {200, 201, 204, 400, 401, 403, 404, 405, 413, 415, 501};
  if (std::ranges::find(kStatuses, reply.status) == std::end(kStatuses)) std::abort();
  if (reply.status >= 400 && (reply.json().size() != 3 || reply.code().empty())) std::abort();
  if (!is_utf8(reply.body)) std::abort();
  const bool secret = reply.status == 201 || reply.body.starts_with("{\"credentials\"") ||
                      reply.body.starts_with("{\"AccessKeyId\"");
  if (secret && reply.header("Cache-Control") != "no-store") std::abort();
  if (secret && !ask.target.starts_with("/v2/")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16 * 1024) return -1;
  log::configure(log::Level::off, log::Format::text);
  const std::string text =
      with_token({reinterpret_cast<const char*>(data), size}, desk().token.reveal());
  const Ask ask = parse(text);
  desk().fixture.feed().poll();  // else the service would refuse all after 5 s
  check(ask, desk().fixture.call(ask));
  return 0;
}
