// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <bit>
#include <cstring>

namespace valetkey::events {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kMaxItems = 100'000;  // of one list: far above what intake lets in

void put_number(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out.push_back(static_cast<char>(0x80 | (n & 0x7f)));
  out.push_back(static_cast<char>(n));
}
// Small magnitudes of either sign become small numbers.
std::uint64_t zigzag(std::int64_t n) {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}
std::int64_t unzigzag(std::uint64_t n) {
  return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
}
void put_bytes(std::string& out, std::string_view bytes) {
  put_number(out, bytes.size());
  out.append(bytes);
}
// 0 is NULL, else the length and one.
void put_text(std::string& out, const Text& text) {
  put_number(out, text ? text->size() + 1 : 0);
  if (text) out.append(*text);
}
void put_integer(std::string& out, const std::optional<std::int64_t>& n) {
  out.push_back(n ? 1 : 0);
  if (n) put_number(out, zigzag(*n));
}

// Reads what the put_ functions wrote; after the first fault it stays failed and yields nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

  std::uint64_t number() {
    // Nearly all are below 128: lengths, counts, nulls.
    if (rest_.empty() || static_cast<signed char>(rest_.front()) < 0) return long_number();
    const auto n = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return n;
  }
  std::uint64_t long_number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(this->byte());
      if (shift == 63 && byte > 1) break;
      n |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return n;
    }
    return fault();
  }
  char byte() {
    if (rest_.empty()) return static_cast<char>(fault());
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      fault();
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view bytes() { return take(number()); }
  Text text() {
    const auto n = number();
    if (n == 0) return std::nullopt;
    return take(n - 1);
  }
  std::optional<std::int64_t> integer() {
    const auto present = flag();
    return present ? std::optional(unzigzag(number())) : std::nullopt;
  }
  bool flag() {
    const char c = byte();
    if (c != 0 && c != 1) fault();
    return c == 1;
  }
  std::size_t count() {
    const auto n = number();
    return n > kMaxItems || n > rest_.size() ? fault() : n;
  }

 private:
  std::uint64_t fault() {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool failed_ = false;
};

void put_lists(const Event& event, std::string& out) {
  put_number(out, event.attributes.size());
  for (const auto& a : event.attributes)
    for (const auto* text : {&a.id, &a.name, &a.type, &a.value}) put_text(out, *text);
  put_number(out, event.decisions.size());
  for (const auto& d : event.decisions) {
    for (const auto* text : {&d.campaign_id, &d.experiment_id, &d.variation_id})
      put_text(out, *text);
    out.push_back(static_cast<char>(d.is_holdback ? (*d.is_holdback ? 2 : 1) : 0));
  }
  put_number(out, event.tags.size());
  for (const auto& t : event.tags) {
    put_bytes(out, t.key);
    put_text(out, t.value);
  }
}

void read_lists(Reader& in, Event& into) {
  into.attributes.resize(in.count());
  for (auto& a : into.attributes)
    for (auto* text : {&a.id, &a.name, &a.type, &a.value}) *text = in.text();
  into.decisions.resize(in.count());
  for (auto& d : into.decisions) {
    for (auto* text : {&d.campaign_id, &d.experiment_id, &d.variation_id}) *text = in.text();
    const char holdback = in.byte();
    d.is_holdback = holdback == 0 ? std::nullopt : std::optional(holdback == 2);
  }
  into.tags.resize(in.count());
  for (auto& t : into.tags) {
    t.key = in.bytes();
    t.value = in.text();
  }
}

Result<std::string_view> next_record(std::string_view& records) {
  // The length is read by a reader of its own: what follows the record is none of its business.
  Reader framing(records);
  const auto body = framing.bytes();
  if (framing.failed()) return fail(ErrorCode::corrupt, "an event record is cut short");
  records.remove_prefix(static_cast<std::size_t>(body.data() + body.size() - records.data()));
  return body;
}

}  // namespace

void encode_event(const Event& e, std::string& out) {
  static thread_local std::string body;
  body.clear();
  body.push_back(kVersion);
  body.push_back(static_cast<char>(e.kind));
  put_bytes(body, e.account_id);
  put_bytes(body, e.uuid);
  put_number(body, zigzag(epoch_ms(e.received)));
  put_number(body, zigzag(epoch_ms(e.timestamp)));
  put_bytes(body, e.visitor_id);
  for (const auto* text :
       {&e.session_id, &e.user_ip, &e.user_agent, &e.referer, &e.revision, &e.client_engine,
        &e.client_version, &e.entity_id, &e.event_type, &e.event_name})
    put_text(body, *text);
  put_integer(body, e.revenue);
  put_integer(body, e.quantity);
  body.push_back(e.value ? 1 : 0);
  if (e.value) {
    const auto bits = std::bit_cast<std::uint64_t>(*e.value);
    for (unsigned i = 0; i < 8; ++i) body.push_back(static_cast<char>(bits >> (8 * i)));
  }
  put_lists(e, body);
  put_bytes(out, body);
}

Result<void> decode_event(std::string_view& records, Event& into) {
  VALETKEY_TRY(const auto body, next_record(records));
  Reader in(body);
  const bool known = in.byte() == kVersion;
  into.kind = static_cast<EventKind>(in.byte());
  if (!known || (into.kind != EventKind::activation && into.kind != EventKind::conversion))
    return fail(ErrorCode::corrupt, "an event record is of an unknown version or kind");
  into.account_id = in.bytes();
  into.uuid = in.bytes();
  into.received = from_epoch_ms(unzigzag(in.number()));
  into.timestamp = from_epoch_ms(unzigzag(in.number()));
  into.visitor_id = in.bytes();
  for (auto* text : {&into.session_id, &into.user_ip, &into.user_agent, &into.referer,
                     &into.revision, &into.client_engine, &into.client_version, &into.entity_id,
                     &into.event_type, &into.event_name})
    *text = in.text();
  into.revenue = in.integer();
  into.quantity = in.integer();
  into.value.reset();
  if (in.flag()) {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 8; ++i)
      bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(in.byte())) << (8 * i);
    into.value = std::bit_cast<double>(bits);
  }
  read_lists(in, into);
  if (in.failed() || !in.at_end()) return fail(ErrorCode::corrupt, "an event record is malformed");
  return {};
}

Result<EventIdentity> identify_event(std::string_view records) {
  VALETKEY_TRY(const auto body, next_record(records));
  Reader in(body);
  const bool known = in.byte() == kVersion;
  static_cast<void>(in.byte());  // the kind
  const EventIdentity identity{in.bytes(), in.bytes()};
  if (!known || in.failed()) return fail(ErrorCode::corrupt, "an event record is malformed");
  return identity;
}

Result<void> skip_events(std::string_view& records, std::uint64_t count) {
  for (; count > 0; --count) VALETKEY_CHECK(next_record(records));
  return {};
}

}  // namespace valetkey::events
