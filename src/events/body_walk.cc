// SPDX-License-Identifier: Apache-2.0
#include "events/internal/body_walk.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/encoding.h"

namespace valetkey::events {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kProperties = "$opt_event_properties";

bool in_range(std::int64_t ms) {
  using namespace std::chrono;
  constexpr auto kFirst = sys_days(year(1) / 1 / 1), kEnd = sys_days(year(10000) / 1 / 1);
  return ms >= milliseconds(kFirst.time_since_epoch()).count() &&
         ms < milliseconds(kEnd.time_since_epoch()).count();
}

// Ten digits: seconds of 2001 to 2286, or milliseconds of January 1970, when nobody sent events.
bool reads_as_seconds(std::int64_t timestamp) {
  return timestamp >= 1'000'000'000 && timestamp < 10'000'000'000;
}

bool is_blank(const Text& text) {
  return !text || text->find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::size_t bytes_of(const Text& text) { return text ? text->size() : 0; }
std::size_t bytes_of(const Attribute& a) {
  return bytes_of(a.id) + bytes_of(a.name) + bytes_of(a.type) + bytes_of(a.value);
}
std::size_t bytes_of(const Decision& d) {
  return bytes_of(d.campaign_id) + bytes_of(d.experiment_id) + bytes_of(d.variation_id);
}
std::size_t bytes_of(const Tag& t) { return t.key.size() + bytes_of(t.value); }
template <class Item>
std::size_t bytes_of(const std::vector<Item>& items) {
  std::size_t bytes = 0;
  for (const auto& item : items) bytes += bytes_of(item);
  return bytes;
}

// How many events lie in what could not be used; what is no list of them counts as one.
std::size_t events_in(const dom::element& value, std::string_view list,
                      std::size_t (*each)(const dom::element&)) {
  dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return 1;
  std::size_t count = 0;
  for (const auto [key, field] : object) {  // the last of a repeated field, as everywhere
    if (key != list) continue;
    dom::array items;
    count = field.is_null() ? 0 : 1;
    if (field.get_array().get(items) != simdjson::SUCCESS) continue;
    count = 0;
    for (const auto item : items) count += each(item);
  }
  return count;
}
std::size_t events_of_snapshot(const dom::element& value) {
  return events_in(value, "events", [](const dom::element&) -> std::size_t { return 1; });
}
std::size_t events_of_visitor(const dom::element& value) {
  return events_in(value, "snapshots", events_of_snapshot);
}

}  // namespace

Result<Intake, IntakeRefusal> BodyWalk::walk(const dom::object& body) {
  request(body);
  if (refusal_) return std::unexpected(std::move(*refusal_));
  return std::move(intake_);
}

void BodyWalk::short_text(const Element& value, std::string_view field, Text& out) {
  note(json_.text(value, out), field);
  cut(field, out);
}

void BodyWalk::cut(std::string_view field, Text& text) {
  if (bytes_of(text) <= kMaxTextBytes) return;
  std::size_t end = kMaxTextBytes;
  while ((static_cast<unsigned char>((*text)[end]) & 0xc0) == 0x80) --end;
  text = text->substr(0, end);
  alter(Alteration::too_long, field);
}

// Nothing where it is null, or not a list.
std::optional<BodyWalk::Array> BodyWalk::list(const Element& value, std::string_view field) {
  Array found;
  if (value.get_array().get(found) == simdjson::SUCCESS) return found;
  if (!value.is_null()) alter(Alteration::shape, field);
  return std::nullopt;
}

void BodyWalk::request(const Object& body) {
  Text account;
  std::optional<Element> anonymize, visitors;
  auto named = Reading::plain;
  for (const auto [key, value] : body) {
    if (key == "account_id")
      named = json_.text(value, account);
    else if (key == "client_name")
      short_text(value, key, event_.client_engine);
    else if (key == "client_version")
      short_text(value, key, event_.client_version);
    else if (key == "revision")
      short_text(value, key, event_.revision);
    else if (key == "anonymize_ip")
      anonymize = value;
    else if (key == "visitors")
      visitors = value;
  }
  const bool usable = named == Reading::plain && account && AccountId::parse(*account);
  Array all;
  const bool listed = visitors && visitors->get_array().get(all) == simdjson::SUCCESS;
  if (!usable)
    return drop_all(named == Reading::unusable ? "no text" : std::string(account.value_or("")),
                    listed ? &all : nullptr);
  intake_.account_id = *account;
  event_.account_id = intake_.account_id;
  fill_context(anonymize ? &*anonymize : nullptr);
  if (!listed) {
    if (visitors && !visitors->is_null()) drop(Drop::request, events_of_visitor(*visitors));
    return;
  }
  for (const auto each : all) {
    if (stopped()) return;
    visitor(each);
    ++at_[0];
  }
}

void BodyWalk::drop_all(std::string named, const Array* visitors) {
  std::size_t events = visitors != nullptr ? 0 : 1;
  if (visitors != nullptr)
    for (const auto each : *visitors) events += events_of_visitor(each);
  intake_.named = std::move(named);
  intake_.altered = {};  // nobody's
  drop(Drop::account_id, events);
  if (refusal_) refusal_->unknown = UnknownAccount{intake_.named, events};
}

void BodyWalk::fill_context(const Element* anonymize) {
  std::optional<bool> asked;
  if (anonymize != nullptr) note(json_.boolean(*anonymize, asked), "anonymize_ip");
  event_.received = context_.now;
  address_ = asked.value_or(true) ? anonymize_address(context_.client_address)
                                  : std::string(context_.client_address);
  if (!address_.empty()) event_.user_ip = address_;
  const auto header = [&](std::string_view name, std::string_view value, std::string& mended) {
    if (value.empty()) return Text();
    Text text = value;
    if (!is_utf8(value)) {
      mended = mend_utf8(value);
      text = mended;
      alter(Alteration::text, name);
    }
    cut(name, text);
    return text;
  };
  event_.user_agent = header("User-Agent", context_.user_agent, user_agent_);
  event_.referer = header("Referer", context_.referer, referer_);
  request_bytes_ = event_.account_id.size() + address_.size();
  for (const auto* text : {&event_.user_agent, &event_.referer, &event_.revision,
                           &event_.client_engine, &event_.client_version})
    request_bytes_ += bytes_of(*text);
}

void BodyWalk::visitor(const Element& value) {
  at_[1] = at_[2] = 0;
  level_ = 1;
  writer_.begin_visitor();
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::visitor, 1);
  Text id;
  std::optional<Element> snapshots;
  event_.session_id.reset();
  event_.attributes.clear();
  for (const auto [key, field] : object) {
    if (key == "visitor_id")
      note(json_.text(field, id), key);
    else if (key == "session_id")
      short_text(field, key, event_.session_id);
    else if (key == "attributes")
      attributes(field);
    else if (key == "snapshots")
      snapshots = field;
  }
  // A longer id is not cut: two visitors could become one, and erasing one would miss the other.
  if (!id || id->empty() || id->size() > kMaxTextBytes)
    return drop(Drop::visitor, events_of_visitor(value));
  if (!snapshots || snapshots->is_null()) return;
  Array all;
  if (snapshots->get_array().get(all) != simdjson::SUCCESS)
    return drop(Drop::visitor, events_of_snapshot(*snapshots));
  event_.visitor_id = *id;
  visitor_bytes_ = id->size() + bytes_of(event_.session_id) + bytes_of(event_.attributes);
  for (const auto each : all) {
    if (stopped()) return;
    snapshot(each);
    ++at_[1];
  }
}

void BodyWalk::attributes(const Element& value) {
  event_.attributes.clear();
  const auto items = list(value, "attributes");
  if (!items) return;
  std::size_t left_out = 0;
  for (const auto item : *items) {
    Object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) {
      alter(Alteration::attribute, "attributes");
    } else if (event_.attributes.size() >= limits_.max_attributes) {
      ++left_out;
    } else {
      auto& attribute = event_.attributes.emplace_back();
      for (const auto [key, field] : object) {
        if (key == "entity_id")
          short_text(field, "attributes", attribute.id);
        else if (key == "key")
          short_text(field, "attributes", attribute.name);
        else if (key == "type")
          short_text(field, "attributes", attribute.type);
        else if (key == "value")
          note(json_.any(field, attribute.value), "attributes");
      }
    }
    if (stopped()) return;
  }
  if (left_out > 0) alter(Alteration::too_many, "attributes", left_out);
}

void BodyWalk::snapshot(const Element& value) {
  at_[2] = 0;
  level_ = 2;
  writer_.begin_snapshot();
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::snapshot, 1);
  decisions_.clear();
  std::optional<Element> events;
  for (const auto [key, field] : object) {
    if (key == "decisions")
      decisions(field);
    else if (key == "events")
      events = field;
  }
  if (stopped() || !events || events->is_null()) return;
  Array all;
  if (events->get_array().get(all) != simdjson::SUCCESS) return drop(Drop::snapshot, 1);
  for (const auto each : all) {
    if (stopped()) return;
    event(each);
    ++at_[2];
  }
}

void BodyWalk::decisions(const Element& value) {
  decisions_.clear();
  const auto items = list(value, "decisions");
  if (!items) return;
  std::size_t left_out = 0;
  for (const auto item : *items) {
    if (decisions_.size() >= limits_.max_decisions) {
      ++left_out;
    } else if (!read_decision(item, decisions_.emplace_back())) {
      decisions_.pop_back();
      alter(Alteration::decision, "decisions");
    }
    if (stopped()) return;
  }
  if (left_out > 0) alter(Alteration::too_many, "decisions", left_out);
}

bool BodyWalk::read_decision(const Element& item, Decision& into) {
  Object object;
  if (item.get_object().get(object) != simdjson::SUCCESS) return false;
  for (const auto [key, field] : object) {
    Text* const id = key == "campaign_id"     ? &into.campaign_id
                     : key == "experiment_id" ? &into.experiment_id
                     : key == "variation_id"  ? &into.variation_id
                                              : nullptr;
    if (key == "is_campaign_holdback") note(json_.boolean(field, into.is_holdback), "decisions");
    if (id == nullptr) continue;
    const auto reading = json_.text(field, *id);
    if (reading == Reading::unusable) return false;
    note(reading, "decisions");
    cut("decisions", *id);
  }
  return true;
}

void BodyWalk::event(const Element& value) {
  level_ = 3;
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::event, 1);
  for (auto* text : {&event_.entity_id, &event_.event_type, &event_.event_name}) text->reset();
  event_.revenue.reset();
  event_.quantity.reset();
  event_.value.reset();
  event_.tags.clear();
  Text uuid;
  std::optional<std::int64_t> timestamp;
  auto timed = Reading::plain;
  for (const auto [key, field] : object) {
    if (key == "uuid")
      note(json_.text(field, uuid), key);
    else if (key == "timestamp")
      timed = json_.whole_part(field, timestamp);
    else
      event_field(key, field);
  }
  if (!uuid || uuid->empty() || uuid->size() > kMaxUuidBytes) return drop(Drop::uuid, 1);
  if (!timestamp || !in_range(*timestamp) || (strict_ && timed == Reading::converted))
    return drop(Drop::timestamp, 1);
  if (reads_as_seconds(*timestamp)) alter(Alteration::seconds, "timestamp");
  if (stopped()) return;
  event_.uuid = *uuid;
  event_.timestamp = from_epoch_ms(*timestamp);
  keep();
}

void BodyWalk::event_field(std::string_view key, const Element& value) {
  if (key == "entity_id")
    short_text(value, key, event_.entity_id);
  else if (key == "key")
    short_text(value, key, event_.event_name);
  else if (key == "type")
    short_text(value, key, event_.event_type);
  else if (key == "revenue")
    note(json_.integer(value, event_.revenue), key, Alteration::number);
  else if (key == "quantity")
    note(json_.integer(value, event_.quantity), key, Alteration::number);
  else if (key == "value")
    note(json_.number(value, event_.value), key, Alteration::number);
  else if (key == "tags")
    tags(value);
}

void BodyWalk::tags(const Element& value) {
  event_.tags.clear();
  if (value.is_null()) return;
  Object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return alter(Alteration::shape, "tags");
  for (const auto [key, field] : object) {
    note(json_.check(key), "tags");
    auto& tag = event_.tags.emplace_back(key);
    const auto reading = json_.any(field, tag.value);
    const bool usual = key == kProperties && reading == Reading::converted;
    if (!usual) note(reading, "tags");
    if (stopped()) return;
  }
  keep_first_tags();
}

// A MAP has each key once: the first one counts. Sorted, since strangers choose the keys.
void BodyWalk::keep_first_tags() {
  auto& tags = event_.tags;
  if (tags.size() < 2) return;
  static thread_local std::vector<std::uint32_t> order;
  order.resize(tags.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const int compared = tags[a].key.compare(tags[b].key);
    return compared != 0 ? compared < 0 : a < b;
  });
  std::vector<std::uint32_t> repeated;
  for (std::size_t i = 1; i < order.size(); ++i)
    if (tags[order[i]].key == tags[order[i - 1]].key) repeated.push_back(order[i]);
  if (repeated.empty()) return;
  std::ranges::sort(repeated);
  std::size_t index = 0, next = 0;
  std::erase_if(tags, [&](const Tag&) {
    if (next == repeated.size() || index++ != repeated[next]) return false;
    ++next;
    return true;
  });
}

// SDKs name an activation by its type, by its key, or by both (JavaScript, Python: the key
// alone). A customer's own event of that name has no decisions, and stays a conversion.
bool BodyWalk::is_activation() const {
  constexpr std::string_view kActivated = "campaign_activated";
  if (!is_blank(event_.event_type)) return event_.event_type == kActivated;
  return event_.event_name == kActivated && !decisions_.empty();
}

void BodyWalk::keep() {
  chosen_.clear();
  if (is_activation()) {
    if (decisions_.empty()) return drop(Drop::no_decision, 1);
    event_.kind = EventKind::activation;
    choose_decisions();
  } else {
    event_.kind = EventKind::conversion;
    if (is_blank(event_.event_name)) event_.event_name = event_.entity_id;
    if (is_blank(event_.event_name)) return drop(Drop::incomplete, 1);
  }
  if (!fits()) return;
  writer_.add(event_, decisions_, chosen_);
  if (intake_.events++ == 0) intake_.visitor = event_.visitor_id;
}

// The decisions of the campaign that was activated; where none matches, all of the snapshot.
void BodyWalk::choose_decisions() {
  for (std::uint32_t i = 0; i < decisions_.size(); ++i)
    if (decisions_[i].campaign_id && decisions_[i].campaign_id == event_.entity_id)
      chosen_.push_back(i);
  if (chosen_.size() == decisions_.size()) chosen_.clear();
}

// Counts what the event's rows will hold: each repeats all that its event has.
bool BodyWalk::fits() {
  const bool activation = event_.kind == EventKind::activation;
  const auto rows = !activation ? 1 : chosen_.empty() ? decisions_.size() : chosen_.size();
  row_values_ += rows * (event_.attributes.size() + decisions_.size() + event_.tags.size());
  std::size_t bytes = request_bytes_ + visitor_bytes_ + event_.uuid.size();
  if (!activation)
    bytes += bytes_of(event_.entity_id) + bytes_of(event_.event_type) +
             bytes_of(event_.event_name) + bytes_of(event_.tags);
  row_bytes_ += rows * bytes + bytes_of(decisions_);
  const bool many = row_values_ > limits_.max_row_values;
  if (many || row_bytes_ > limits_.max_row_bytes)
    refusal_ = IntakeRefusal{
        IntakeRefusal::Why::too_large,
        many ? "The request's rows would hold too many attributes, decisions and tags; send "
               "fewer events at a time."
             : "The request's rows would repeat too much text; send fewer events at a time."};
  return !refusal_;
}

}  // namespace valetkey::events
