// SPDX-License-Identifier: Apache-2.0
#include "events/intake.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "events/event.h"
#include "events/json_text.h"

namespace valetkey::events {
namespace {

namespace dom = simdjson::dom;
using Fault = JsonText::Fault;

constexpr std::size_t kMaxUuidBytes = 128;

constexpr std::array<std::string_view, kDrops> kDropNames = {
    "account_id", "request",   "visitor",    "snapshot",    "event",
    "uuid",       "timestamp", "incomplete", "no_decision", "text"};
constexpr std::array<std::string_view, kDrops> kDropMessages = {
    "account_id must be 1 to 20 digits.",
    "A field of the body has the wrong type.",
    "A visitor needs a visitor_id, and attributes of at most 1,000 objects with scalar values.",
    "A snapshot needs decisions that are objects, at most 1,000 of them, with scalar values.",
    "An event needs to be an object whose fields have the documented types.",
    "An event needs a uuid of 1 to 128 bytes.",
    "An event needs a timestamp in milliseconds, within the years 1 to 9999.",
    "A conversion needs a key or an entity_id.",
    "An event of type campaign_activated needs a decision in its snapshot.",
    "Text must be valid UTF-8 without lone surrogates."};

bool in_range(std::int64_t ms) {
  using namespace std::chrono;
  constexpr auto kFirst = sys_days(year(1) / 1 / 1), kEnd = sys_days(year(10000) / 1 / 1);
  return ms >= milliseconds(kFirst.time_since_epoch()).count() &&
         ms < milliseconds(kEnd.time_since_epoch()).count();
}

bool is_blank(const Text& text) {
  return !text || text->find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

// Walks one parsed body. Each level fills its part of `event_` and passes on; what a level cannot
// use, it drops: drop() counts, or in strict mode ends the walk.
class Walker {
 public:
  Walker(const IntakeContext& context, bool strict, const IntakeLimits& limits, JsonText& json)
      : context_(context), strict_(strict), limits_(limits), json_(json) {}

  Result<Intake, IntakeRefusal> walk(const dom::object& body) {
    request(body);
    if (refusal_) return std::unexpected(std::move(*refusal_));
    return std::move(intake_);
  }

 private:
  // True once the walk is over.
  bool stopped() const { return refusal_.has_value(); }

  void drop(Drop why) {
    ++intake_.dropped[static_cast<std::size_t>(why)];
    if (strict_ && !refusal_)
      refusal_ = IntakeRefusal{
          400, std::string(kDropMessages[static_cast<std::size_t>(why)]) + place(why)};
  }
  // As far as it is known: " (visitor 1, snapshot 2, field events)".
  std::string place(Drop why) const {
    constexpr std::array<std::string_view, 3> kNames = {"visitor", "snapshot", "event"};
    std::string text;
    for (std::size_t i = 0; i < level_; ++i)
      text += fmt::format("{}{} {}", i == 0 ? " (" : ", ", kNames[i], at_[i] + 1);
    const bool of_field = why == Drop::request || why == Drop::visitor || why == Drop::snapshot ||
                          why == Drop::event || why == Drop::text;
    if (of_field && !field_.empty())
      text += fmt::format("{}field {}", text.empty() ? " (" : ", ", field_);
    return text.empty() ? text : text + ")";
  }
  void enter(std::size_t level) {
    level_ = level;
    field_ = {};
  }
  // The worst fault of an object is told, with the field that has it: one of those known here.
  void note(Fault& fault, Fault found, std::string_view field) {
    if (found > fault) field_ = field;
    fault = std::max(fault, found);
  }
  // `why` unless the fault was in the text itself.
  static Drop reason(Fault fault, Drop why) { return fault == Fault::broken ? Drop::text : why; }

  void request(const dom::object& body) {
    Text account;
    std::optional<bool> anonymize;
    std::optional<dom::array> visitors;
    Fault account_fault = Fault::none, fault = Fault::none;
    for (const auto [key, value] : body) {
      Fault f = Fault::none;
      if (key == "account_id")
        account_fault = json_.text(value, account);
      else if (key == "client_name")
        f = json_.text(value, event_.client_engine);
      else if (key == "client_version")
        f = json_.text(value, event_.client_version);
      else if (key == "revision")
        f = json_.text(value, event_.revision);
      else if (key == "anonymize_ip")
        f = json_.boolean(value, anonymize);
      else if (key == "visitors")
        f = list(value, visitors);
      note(fault, f, key);
    }
    if (account_fault != Fault::none || !account || !AccountId::parse(*account))
      return drop(Drop::account_id);
    if (fault != Fault::none) return drop(reason(fault, Drop::request));
    intake_.account_id = *account;
    event_.account_id = intake_.account_id;
    fill_context(anonymize.value_or(true));
    if (!visitors) return;
    for (const auto each : *visitors) {
      if (stopped()) return;
      visitor(each);
      ++at_[0];
    }
  }

  void fill_context(bool anonymize) {
    event_.received = context_.now;
    address_ = anonymize ? anonymize_address(context_.client_address)
                         : std::string(context_.client_address);
    const auto some = [](std::string_view s) { return s.empty() ? Text() : Text(s); };
    event_.user_ip = some(address_);
    event_.user_agent = some(context_.user_agent);
    event_.referer = some(context_.referer);
  }

  void visitor(const dom::element& value) {
    at_[1] = at_[2] = 0;
    enter(1);
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::visitor);
    Text visitor_id;
    event_.session_id.reset();
    event_.attributes.clear();
    std::optional<dom::array> snapshots;
    Fault fault = Fault::none;
    for (const auto [key, field] : object) {
      Fault f = Fault::none;
      if (key == "visitor_id")
        f = json_.text(field, visitor_id);
      else if (key == "session_id")
        f = json_.text(field, event_.session_id);
      else if (key == "attributes")
        f = attributes(field);
      else if (key == "snapshots")
        f = list(field, snapshots);
      note(fault, f, key);
    }
    if (fault != Fault::none || !visitor_id || visitor_id->empty())
      return drop(reason(fault, Drop::visitor));
    event_.visitor_id = *visitor_id;
    if (!snapshots) return;
    for (const auto each : *snapshots) {
      if (stopped()) return;
      snapshot(each);
      ++at_[1];
    }
  }
  // A list, or nothing where it is null; the last of a repeated field counts, as for every field.
  static Fault list(const dom::element& value, std::optional<dom::array>& out) {
    out.reset();
    dom::array found;
    if (value.is_null()) return Fault::none;
    if (value.get_array().get(found) != simdjson::SUCCESS) return Fault::type;
    out = found;
    return Fault::none;
  }

  Fault attributes(const dom::element& value) {
    event_.attributes.clear();
    std::optional<dom::array> items;
    if (const auto f = list(value, items); f != Fault::none || !items) return f;
    if (items->size() > limits_.max_attributes) return Fault::type;
    for (const auto item : *items) {
      dom::object object;
      if (item.get_object().get(object) != simdjson::SUCCESS) return Fault::type;
      auto& attribute = event_.attributes.emplace_back();
      for (const auto [key, field] : object) {
        Fault f = Fault::none;
        if (key == "entity_id")
          f = json_.text(field, attribute.id);
        else if (key == "key")
          f = json_.text(field, attribute.name);
        else if (key == "type")
          f = json_.text(field, attribute.type);
        else if (key == "value")
          f = json_.text(field, attribute.value);
        if (f != Fault::none) return f;
      }
    }
    return Fault::none;
  }

  Fault decisions(const dom::element& value) {
    snapshot_decisions_.clear();
    std::optional<dom::array> items;
    if (const auto f = list(value, items); f != Fault::none || !items) return f;
    if (items->size() > limits_.max_decisions) return Fault::type;
    for (const auto item : *items) {
      dom::object object;
      if (item.get_object().get(object) != simdjson::SUCCESS) return Fault::type;
      auto& decision = snapshot_decisions_.emplace_back();
      for (const auto [key, field] : object) {
        Fault f = Fault::none;
        if (key == "campaign_id")
          f = json_.text(field, decision.campaign_id);
        else if (key == "experiment_id")
          f = json_.text(field, decision.experiment_id);
        else if (key == "variation_id")
          f = json_.text(field, decision.variation_id);
        else if (key == "is_campaign_holdback")
          f = json_.boolean(field, decision.is_holdback);
        if (f != Fault::none) return f;
      }
    }
    return Fault::none;
  }

  void snapshot(const dom::element& value) {
    at_[2] = 0;
    enter(2);
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::snapshot);
    snapshot_decisions_.clear();
    std::optional<dom::array> events;
    Fault fault = Fault::none;
    for (const auto [key, field] : object) {
      if (key == "decisions")
        note(fault, decisions(field), key);
      else if (key == "events")
        note(fault, list(field, events), key);
    }
    if (fault != Fault::none) return drop(reason(fault, Drop::snapshot));
    if (!events) return;
    for (const auto each : *events) {
      if (stopped()) return;
      event(each);
      ++at_[2];
    }
  }

  void event(const dom::element& value) {
    enter(3);
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return drop(Drop::event);
    for (auto* text : {&event_.entity_id, &event_.event_type, &event_.event_name}) text->reset();
    event_.revenue.reset();
    event_.quantity.reset();
    event_.value.reset();
    event_.tags.clear();
    Text uuid;
    std::optional<std::int64_t> timestamp;
    Fault fault = Fault::none, uuid_fault = Fault::none, timestamp_fault = Fault::none;
    for (const auto [key, field] : object) {
      Fault f = Fault::none;
      if (key == "uuid")
        uuid_fault = json_.text(field, uuid);
      else if (key == "timestamp")
        timestamp_fault = json_.integer(field, timestamp);
      else if (key == "entity_id")
        f = json_.text(field, event_.entity_id);
      else if (key == "key")
        f = json_.text(field, event_.event_name);
      else if (key == "type")
        f = json_.text(field, event_.event_type);
      else if (key == "revenue")
        f = json_.integer(field, event_.revenue);
      else if (key == "quantity")
        f = json_.integer(field, event_.quantity);
      else if (key == "value")
        f = json_.number(field, event_.value);
      else if (key == "tags")
        f = tags(field);
      note(fault, f, key);
    }
    if (uuid_fault != Fault::none || !uuid || uuid->empty() || uuid->size() > kMaxUuidBytes)
      return drop(reason(uuid_fault, Drop::uuid));
    if (timestamp_fault != Fault::none || !timestamp || !in_range(*timestamp))
      return drop(Drop::timestamp);
    if (fault != Fault::none) return drop(reason(fault, Drop::event));
    event_.uuid = *uuid;
    event_.timestamp = from_epoch_ms(*timestamp);
    keep();
  }

  Fault tags(const dom::element& value) {
    event_.tags.clear();
    tag_keys_.clear();
    if (value.is_null()) return Fault::none;
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return Fault::type;
    for (const auto [key, field] : object) {
      if (key.contains(kBrokenText)) return Fault::broken;
      if (!tag_keys_.insert(key).second) continue;  // a MAP has each key once: the first one counts
      Text text;
      if (const auto f = json_.text(field, text); f != Fault::none) return f;
      event_.tags.push_back({key, text});
    }
    return Fault::none;
  }

  // SDKs name an activation by its type, by its key, or by both (JavaScript, Python: the key
  // alone). A customer's own event of that name has no decisions, and stays a conversion.
  bool is_activation() const {
    constexpr std::string_view kActivated = "campaign_activated";
    if (!is_blank(event_.event_type)) return event_.event_type == kActivated;
    return event_.event_name == kActivated && !snapshot_decisions_.empty();
  }

  void keep() {
    if (is_activation()) {
      event_.kind = EventKind::activation;
      activate();
      if (event_.decisions.empty()) return drop(Drop::no_decision);
    } else {
      event_.kind = EventKind::conversion;
      if (is_blank(event_.event_name)) event_.event_name = event_.entity_id;
      if (is_blank(event_.event_name)) return drop(Drop::incomplete);
      event_.decisions = snapshot_decisions_;
    }
    nested_ += event_.attributes.size() + event_.decisions.size() + event_.tags.size();
    if (nested_ > limits_.max_nested_values)
      return too_large(
          "The request holds too many attributes, decisions and tags; send fewer events at a "
          "time.");
    encode_event(event_, intake_.records);
    ++intake_.events;
    if (intake_.records.size() > limits_.max_record_bytes)
      too_large("The events of the request repeat too much text; send fewer of them at a time.");
  }

  void too_large(const char* message) { refusal_ = IntakeRefusal{413, message}; }

  // The decisions of the campaign that was activated; where none matches, all of the snapshot.
  void activate() {
    event_.decisions.clear();
    for (const auto& decision : snapshot_decisions_)
      if (decision.campaign_id && decision.campaign_id == event_.entity_id)
        event_.decisions.push_back(decision);
    if (event_.decisions.empty()) event_.decisions = snapshot_decisions_;
  }

  const IntakeContext& context_;
  bool strict_;
  const IntakeLimits& limits_;
  JsonText& json_;
  Intake intake_;
  Event event_;
  std::vector<Decision> snapshot_decisions_;
  std::unordered_set<std::string_view> tag_keys_;
  std::string address_;
  std::size_t nested_ = 0;
  // For messages: which visitor, snapshot and event, how deep the walk is, and which field.
  std::array<std::size_t, 3> at_{};
  std::size_t level_ = 0;
  std::string_view field_;
  std::optional<IntakeRefusal> refusal_;
};

// One parser a thread: it keeps its memory, up to the largest body.
struct Parser {
  dom::parser parser;
  std::size_t max_depth = 0;
  JsonText json;
};

simdjson::error_code parse(Parser& state, std::string_view body, const IntakeLimits& limits,
                           dom::element& out) {
  if (state.max_depth != limits.max_depth) {
    if (const auto error = state.parser.allocate(64 << 10, limits.max_depth)) return error;
    state.max_depth = limits.max_depth;
  }
  return state.parser.parse(body.data(), body.size(), true).get(out);
}

}  // namespace

std::string_view name_of(Drop drop) { return kDropNames[static_cast<std::size_t>(drop)]; }

std::string anonymize_address(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) continue;
    if (family == AF_INET)
      bytes[3] = 0;
    else
      std::fill(bytes.begin() + 6, bytes.end(), 0);
    return inet_ntop(family, bytes.data(), out.data(), out.size());
  }
  return {};
}

Result<Intake, IntakeRefusal> parse_events(std::string_view body, const IntakeContext& context,
                                           bool strict, const IntakeLimits& limits) {
  static thread_local Parser state;
  dom::element root;
  auto error = parse(state, body, limits, root);
  const bool mend = error == simdjson::STRING_ERROR || error == simdjson::UTF8_ERROR ||
                    error == simdjson::NUMBER_ERROR;
  if (mend) error = parse(state, mend_json(body), limits, root);
  if (error == simdjson::DEPTH_ERROR)
    return std::unexpected(IntakeRefusal{
        400, fmt::format("The body is nested deeper than {} levels.", limits.max_depth)});
  dom::object object;
  if (error != simdjson::SUCCESS || root.get_object().get(object) != simdjson::SUCCESS)
    return std::unexpected(IntakeRefusal{400, "The body is not a JSON object."});
  state.json.start(mend);
  return Walker(context, strict, limits, state.json).walk(object);
}

}  // namespace valetkey::events
