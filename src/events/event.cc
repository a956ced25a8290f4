// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <bit>
#include <cstring>

namespace valetkey::events {
namespace {

// The first byte of a record.
constexpr char kWhole = 1;   // an event that shares nothing; written before there were the others
constexpr char kShared = 2;  // what events behind it share; the next byte says of what
constexpr char kEvent = 3;
enum class Of : char { request = 1, visitor = 2, snapshot = 3 };
constexpr char kKeyless = 1;                // a flag of a request
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
  static Reader of_nothing() {
    Reader in("");
    in.fault();
    return in;
  }
  bool failed() const { return failed_; }
  bool done() const { return !failed_ && rest_.empty(); }

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

void put_attributes(const std::vector<Attribute>& attributes, std::string& out) {
  put_number(out, attributes.size());
  for (const auto& a : attributes)
    for (const auto* text : {&a.id, &a.name, &a.type, &a.value}) put_text(out, *text);
}

void put_decisions(const std::vector<Decision>& decisions, std::string& out) {
  put_number(out, decisions.size());
  for (const auto& d : decisions) {
    for (const auto* text : {&d.campaign_id, &d.experiment_id, &d.variation_id})
      put_text(out, *text);
    out.push_back(static_cast<char>(d.is_holdback ? (*d.is_holdback ? 2 : 1) : 0));
  }
}

void put_tags(const std::vector<Tag>& tags, std::string& out) {
  put_number(out, tags.size());
  for (const auto& t : tags) {
    put_bytes(out, t.key);
    put_text(out, t.value);
  }
}

void read_attributes(Reader& in, std::vector<Attribute>& into) {
  into.resize(in.count());
  for (auto& a : into)
    for (auto* text : {&a.id, &a.name, &a.type, &a.value}) *text = in.text();
}

void read_decisions(Reader& in, std::vector<Decision>& into) {
  into.resize(in.count());
  for (auto& d : into) {
    for (auto* text : {&d.campaign_id, &d.experiment_id, &d.variation_id}) *text = in.text();
    const char holdback = in.byte();
    d.is_holdback = holdback == 0 ? std::nullopt : std::optional(holdback == 2);
  }
}

void read_tags(Reader& in, std::vector<Tag>& into) {
  into.resize(in.count());
  for (auto& t : into) {
    t.key = in.bytes();
    t.value = in.text();
  }
}

void put_values(const Event& e, std::string& out) {
  put_integer(out, e.revenue);
  put_integer(out, e.quantity);
  out.push_back(e.value ? 1 : 0);
  if (!e.value) return;
  const auto bits = std::bit_cast<std::uint64_t>(*e.value);
  for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<char>(bits >> (8 * i)));
}

void read_values(Reader& in, Event& into) {
  into.revenue = in.integer();
  into.quantity = in.integer();
  into.value.reset();
  if (!in.flag()) return;
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 8; ++i)
    bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(in.byte())) << (8 * i);
  into.value = std::bit_cast<double>(bits);
}

std::unexpected<Error> malformed() {
  return fail(ErrorCode::corrupt, "an event record is malformed");
}

// A record and where it begins.
struct Record {
  std::size_t begin = 0;
  std::string_view body;
};

Result<Record> next_record(std::string_view records, std::size_t& at) {
  if (at > records.size()) return malformed();
  // The length is read by a reader of its own: what follows the record is none of its business.
  Reader framing(records.substr(at));
  const Record record{at, framing.bytes()};
  if (framing.failed() || record.body.empty())
    return fail(ErrorCode::corrupt, "an event record is cut short");
  at = static_cast<std::size_t>(record.body.data() + record.body.size() - records.data());
  return record;
}

// Passes over what events share.
Result<Record> next_event(std::string_view records, std::size_t& at) {
  while (true) {
    VALETKEY_TRY(const auto record, next_record(records, at));
    const char version = record.body.front();
    if (version == kEvent || version == kWhole) return record;
    if (version != kShared)
      return fail(ErrorCode::corrupt, "an event record is of an unknown version");
  }
}

// A reader of what lies `distance` before an event; it has failed if nothing is shared there.
Reader open_shared(std::string_view records, std::size_t event, std::uint64_t distance, Of of) {
  if (distance == 0 || distance > event) return Reader::of_nothing();
  std::size_t at = event - static_cast<std::size_t>(distance);
  const auto record = next_record(records.substr(0, event), at);
  if (!record) return Reader::of_nothing();
  Reader in(record->body);
  const bool right = in.byte() == kShared && in.byte() == static_cast<char>(of);
  return right ? in : Reader::of_nothing();
}

bool read_request(Reader in, Event& into) {
  into.keyless = in.byte() == kKeyless;
  into.account_id = in.bytes();
  into.received = from_epoch_ms(unzigzag(in.number()));
  for (auto* text : {&into.user_ip, &into.user_agent, &into.referer, &into.revision,
                     &into.client_engine, &into.client_version})
    *text = in.text();
  return in.done();
}

bool read_visitor(Reader in, Event& into) {
  into.visitor_id = in.bytes();
  into.session_id = in.text();
  read_attributes(in, into.attributes);
  return in.done();
}

// Those that the event has; the indexes ascend.
bool choose_decisions(Reader& in, std::vector<Decision>& decisions) {
  const auto count = in.count();
  if (count == 0) return true;
  std::size_t kept = 0, next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = in.number();
    if (index < next || index >= decisions.size()) return false;
    decisions[kept++] = decisions[index];
    next = index + 1;
  }
  decisions.resize(kept);
  return true;
}

bool is_known(EventKind kind) {
  return kind == EventKind::activation || kind == EventKind::conversion;
}

Result<void> decode_sharing(std::string_view records, const Record& record, Reader in,
                            Event& into) {
  into.kind = static_cast<EventKind>(in.byte());
  into.uuid = in.bytes();
  const auto request = in.number(), visitor = in.number(), snapshot = in.number();
  if (in.failed() || !is_known(into.kind) ||
      !read_request(open_shared(records, record.begin, request, Of::request), into) ||
      !read_visitor(open_shared(records, record.begin, visitor, Of::visitor), into))
    return malformed();
  into.decisions.clear();
  if (snapshot != 0) {
    Reader shared = open_shared(records, record.begin, snapshot, Of::snapshot);
    read_decisions(shared, into.decisions);
    if (!shared.done() || !choose_decisions(in, into.decisions)) return malformed();
  }
  into.timestamp = from_epoch_ms(unzigzag(in.number()));
  for (auto* text : {&into.entity_id, &into.event_type, &into.event_name}) *text = in.text();
  read_values(in, into);
  read_tags(in, into.tags);
  if (!in.done()) return malformed();
  return {};
}

Result<void> decode_whole(Reader in, Event& into) {
  into.keyless = false;
  into.kind = static_cast<EventKind>(in.byte());
  if (!is_known(into.kind)) return malformed();
  into.account_id = in.bytes();
  into.uuid = in.bytes();
  into.received = from_epoch_ms(unzigzag(in.number()));
  into.timestamp = from_epoch_ms(unzigzag(in.number()));
  into.visitor_id = in.bytes();
  for (auto* text : {&into.session_id, &into.user_ip, &into.user_agent, &into.referer,
                     &into.revision, &into.client_engine, &into.client_version, &into.entity_id,
                     &into.event_type, &into.event_name})
    *text = in.text();
  read_values(in, into);
  read_attributes(in, into.attributes);
  read_decisions(in, into.decisions);
  read_tags(in, into.tags);
  if (!in.done()) return malformed();
  return {};
}

std::string& empty_body(char version) {
  static thread_local std::string body;
  body.assign(1, version);
  return body;
}

}  // namespace

void EventWriter::share(const Event& e, const std::vector<Decision>& decisions) {
  const auto begin = [](Of of) -> std::string& {
    auto& body = empty_body(kShared);
    body.push_back(static_cast<char>(of));
    return body;
  };
  if (request_ == kNone) {
    auto& body = begin(Of::request);
    body.push_back(e.keyless ? kKeyless : 0);
    put_bytes(body, e.account_id);
    put_number(body, zigzag(epoch_ms(e.received)));
    for (const auto* text :
         {&e.user_ip, &e.user_agent, &e.referer, &e.revision, &e.client_engine, &e.client_version})
      put_text(body, *text);
    request_ = out_.size();
    put_bytes(out_, body);
  }
  if (visitor_ == kNone) {
    auto& body = begin(Of::visitor);
    put_bytes(body, e.visitor_id);
    put_text(body, e.session_id);
    put_attributes(e.attributes, body);
    visitor_ = out_.size();
    put_bytes(out_, body);
  }
  if (snapshot_ == kNone && !decisions.empty()) {
    auto& body = begin(Of::snapshot);
    put_decisions(decisions, body);
    snapshot_ = out_.size();
    put_bytes(out_, body);
  }
}

void EventWriter::add(const Event& e, const std::vector<Decision>& decisions,
                      std::span<const std::uint32_t> chosen) {
  share(e, decisions);
  auto& body = empty_body(kEvent);
  body.push_back(static_cast<char>(e.kind));
  put_bytes(body, e.uuid);
  put_number(body, out_.size() - request_);
  put_number(body, out_.size() - visitor_);
  put_number(body, decisions.empty() ? 0 : out_.size() - snapshot_);
  if (!decisions.empty()) {
    put_number(body, chosen.size());
    for (const auto index : chosen) put_number(body, index);
  }
  put_number(body, zigzag(epoch_ms(e.timestamp)));
  for (const auto* text : {&e.entity_id, &e.event_type, &e.event_name}) put_text(body, *text);
  put_values(e, body);
  put_tags(e.tags, body);
  put_bytes(out_, body);
}

void encode_event(const Event& event, std::string& out) {
  EventWriter(out).add(event, event.decisions, {});
}

void mark_keyless(std::string& records) {
  std::size_t at = 0;
  const auto first = next_record(records, at);
  constexpr std::size_t kFlags = 2;  // behind the version, and what is shared
  if (first && first->body.size() > kFlags && first->body[0] == kShared)
    records[at - first->body.size() + kFlags] = kKeyless;
}

Result<void> decode_event(std::string_view records, std::size_t& at, Event& into) {
  VALETKEY_TRY(const auto record, next_event(records, at));
  Reader in(record.body);
  return in.byte() == kWhole ? decode_whole(in, into) : decode_sharing(records, record, in, into);
}

Result<void> skip_events(std::string_view records, std::size_t& at, std::uint64_t count) {
  for (; count > 0; --count) VALETKEY_CHECK(next_event(records, at));
  return {};
}

Result<std::string> cut_events(std::string_view records, std::uint64_t count) {
  if (count == 0) return std::string(records);
  std::size_t at = 0;
  VALETKEY_CHECK(skip_events(records, at, count));
  std::string out;
  for (Event event; at < records.size();) {
    VALETKEY_CHECK(decode_event(records, at, event));
    encode_event(event, out);
  }
  return out;
}

}  // namespace valetkey::events
