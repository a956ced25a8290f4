// SPDX-License-Identifier: Apache-2.0
// The whole service with an arbitrary request of account 12, raw, signed or presigned, against a
// store that also holds account 123. Whatever is asked: an answer, its protective headers, and not
// a byte of the neighbour.
#include <cstdlib>

#include "base/xml_text.h"
#include "s3/testing/world.h"

namespace valetkey::s3 {
namespace {

// Not in the program, so that no input holds it by itself.
const std::string& secret() {
  static const std::string text = random_base62(24);
  return text;
}

World& world() {
  static World* const made = [] {
    auto* w = new World();  // lives as long as the process; the folder is the system's to clean
    for (const char* key :
         {"v1/account_id=12/type=events/a", "v1/account_id=12/type=events/b", "v1/account_id=12/z"})
      w->store.put(key, std::string("content of ") + key, w->clock.now());
    w->store.put("v1/account_id=123/" + secret(), secret(), w->clock.now());
    return w;
  }();
  return *made;
}

std::string take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// METHOD PATH?QUERY, then Name: value lines, an empty line, the body.
Ask parse(std::string_view text) {
  Ask ask;
  const std::string first = take_line(text);
  const auto space = std::min(first.find(' '), first.size());
  ask.method = first.substr(0, space);
  const std::string target = space < first.size() ? first.substr(space + 1) : "";
  const auto question = std::min(target.find('?'), target.size());
  ask.path = target.substr(0, question);
  if (question < target.size()) ask.query = target.substr(question + 1);
  for (std::string line = take_line(text); !line.empty(); line = take_line(text)) {
    const auto colon = std::min(line.find(':'), line.size());
    ask.headers.emplace_back(line.substr(0, colon),
                             colon + 2 < line.size() ? line.substr(colon + 2) : "");
  }
  ask.body = text;
  return ask;
}

void check(const Reply& reply, bool may_hold_secret) {
  if (reply.status < 200 || reply.status > 599 || reply.status == 500) std::abort();
  if (reply.header("X-Content-Type-Options") != "nosniff") std::abort();
  if (reply.header("x-amz-request-id").empty() || reply.aborted) std::abort();
  if (reply.body.starts_with("<?xml") && !is_xml_text(reply.body)) std::abort();
  if (!may_hold_secret && reply.body.find(secret()) != std::string::npos) std::abort();
}

}  // namespace
}  // namespace valetkey::s3

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::s3;
  if (size == 0) return 0;
  World& w = world();
  static const Tenant me = w.tenant("12");
  w.hooks.reasons.clear();
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Ask ask = parse(text);
  if (data[0] % 3 == 1) ask = w.sign(me, std::move(ask));
  if (data[0] % 3 == 2) ask = w.presign(me, std::move(ask));
  check(w.send(ask), text.find(secret()) != std::string_view::npos);
  return 0;
}
